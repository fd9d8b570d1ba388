package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"

	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// files serves the files of this computer as a machine's.
func files(name string) func(io.ReadWriteCloser) {
	if name != "sftp" {
		return nil
	}
	return func(ch io.ReadWriteCloser) {
		if server, err := sftp.NewServer(ch); err == nil {
			_ = server.Serve()
		}
	}
}

func TestScp(t *testing.T) {
	tests := []struct {
		name string
		args []string
		want string // a file that is there afterwards, with the content of the source
		code int
		err  string
	}{
		{name: "copies to a node", args: []string{"my file", "mgr1:DIR/x y"}, want: "x y"},
		{name: "copies from a node", args: []string{"mgr1:DIR/my file", "here"}, want: "here"},
		{name: "copies between two nodes", args: []string{"mgr1:DIR/my file", "n1:DIR/there"}, want: "there"},
		{name: "takes a path with a colon for one of this computer", args: []string{"./a:b", "mgr1:DIR/x"}, want: "x"},
		{name: "copies several, folders too", args: []string{"-r", "tree", "my file", "n1:DIR/into"}, want: "into/tree/my file"},
		{name: "knows the nodes", args: []string{"my file", "mgr:x"}, code: exitRefused, err: `no node "mgr" in demo (did you mean "mgr1"?)`},
		{name: "says which source failed", args: []string{"nosuch", "mgr1:DIR/x"}, code: exitFailed, err: "read nosuch: no such file"},
		{name: "needs two places", args: []string{"mgr1:x"}, code: exitRefused, err: "scp needs a source and a target"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			for _, d := range []string{"tree", "into"} {
				if err := os.Mkdir(d, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range []string{"my file", "a:b", "tree/my file"} {
				if err := os.WriteFile(f, []byte("content"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			args := []string{"scp"}
			for _, a := range tt.args {
				args = append(args, strings.ReplaceAll(a, "DIR", dir))
			}
			got := newYard(t, sshtest.Options{Subsystem: files}).run(args...)
			if got.code != tt.code || !strings.Contains(got.err, tt.err) || tt.err == "" && got.err != "" {
				t.Errorf("exit %d: %s", got.code, got.err)
			}
			if tt.want != "" {
				if b, err := os.ReadFile(filepath.Join(dir, tt.want)); err != nil || string(b) != "content" {
					t.Errorf("%q, %v", b, err)
				}
			}
		})
	}
}

func TestScpSaysThatAnSshdHasNoSFTP(t *testing.T) {
	got := newYard(t, sshtest.Options{}).run("scp", "mgr1:x", "y")
	if got.code != exitFailed || !strings.Contains(got.err, "mgr1: copy files: its sshd offers no sftp") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

func TestProgressIsALineForEachFile(t *testing.T) {
	var out strings.Builder
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b := &bar{w: &out, now: func() time.Time { return clock }}
	b.show("a", 1024, 4096)
	b.show("a", 2048, 4096) // too soon
	b.show("a", 4096, 4096)
	b.show("empty", 0, 0)
	b.end()
	b.end()
	want := "\rswarmup: a  1 of 4 KiB, 25 %\rswarmup: a  4 of 4 KiB, 100 %\n\rswarmup: empty  0 of 0 KiB, 100 %\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
