//go:build unix

package transfer_test

import (
	"os"
	"syscall"
	"testing"
)

// furnish makes files a and b, folders d and pipes, and a link l to a.
func furnish(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{"/d", "/pipes"} {
		if err := os.Mkdir(dir+d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"/a", "/b", "/d/in d", "/pipes/f"} {
		if err := os.WriteFile(dir+f, []byte(f), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a", dir+"/l"); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(dir+"/pipes/p", 0o600); err != nil {
		t.Fatal(err)
	}
}
