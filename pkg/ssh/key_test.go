package ssh_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

func TestPrivateKeysNeverPrint(t *testing.T) {
	const secret = "-----BEGIN OPENSSH PRIVATE KEY-----"
	key := ssh.NewPrivateKey([]byte(secret))
	type inner struct{ hidden ssh.PrivateKey }
	options := ssh.Options{Key: key}
	asJSON, err := json.Marshal(map[string]any{"key": key})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		fmt.Sprint(key), fmt.Sprintf("%s %q %v %+v %#v %x %d", key, key, key, key, key, key, key), fmt.Sprintf("%+v %#v", options, options),
		fmt.Sprintf("%+v %#v", inner{key}, &inner{key}), fmt.Sprintf("%v %x", []ssh.PrivateKey{key}, []ssh.PrivateKey{key}), string(asJSON),
	} {
		if strings.Contains(got, "BEGIN") || strings.Contains(got, fmt.Sprintf("%x", "BEGIN")) || strings.Contains(got, "[45 45 45") {
			t.Errorf("it printed itself: %q", got)
		}
	}
	if got := string(key.Reveal()); got != secret {
		t.Errorf("reveal: got %q", got)
	}
	if ssh.NewPrivateKey(nil).Reveal() != nil || (ssh.PrivateKey{}).Reveal() != nil {
		t.Error("no key is a key")
	}
}

func TestLoadOrCreateKeyMakesOneKeyAndKeepsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "demo", "id_ed25519")
	key, authorized, created, err := ssh.LoadOrCreateKey(path)
	if err != nil || !created {
		t.Fatalf("first: created %t, %v", created, err)
	}
	pub, comment, _, _, err := xssh.ParseAuthorizedKey([]byte(authorized))
	if err != nil || pub.Type() != "ssh-ed25519" || comment != "swarmup demo" || strings.ContainsAny(authorized, "\r\n") {
		t.Errorf("authorized: got %q, %v", authorized, err)
	}
	signer, err := xssh.ParsePrivateKey(key.Reveal())
	if err != nil || xssh.FingerprintSHA256(signer.PublicKey()) != xssh.FingerprintSHA256(pub) {
		t.Errorf("the halves do not fit: %v", err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700, filepath.Dir(filepath.Dir(path)): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	again, sameLine, created, err := ssh.LoadOrCreateKey(path)
	if err != nil || created || sameLine != authorized || string(again.Reveal()) != string(key.Reveal()) {
		t.Errorf("again: created %t, %q, %v", created, sameLine, err)
	}
	if left := tree(t, filepath.Dir(path)); len(left) != 1 {
		t.Errorf("left %q", left)
	}
	if keygen, err := exec.LookPath("ssh-keygen"); err == nil {
		if out, err := exec.Command(keygen, "-y", "-f", path).Output(); err != nil || strings.TrimSpace(string(out)) != authorized {
			t.Errorf("ssh-keygen reads %q, %v, want %q", out, err, authorized)
		}
	}
}

func TestLoadOrCreateKeyAtOnceMakesOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "demo", "id")
	var wg sync.WaitGroup
	var mu sync.Mutex
	made, lines := 0, map[string]bool{}
	for range 20 {
		wg.Go(func() {
			_, line, created, err := ssh.LoadOrCreateKey(path)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if created {
				made++
			}
			lines[line] = true
		})
	}
	wg.Wait()
	if made != 1 || len(lines) != 1 {
		t.Errorf("%d were made, %d different ones returned", made, len(lines))
	}
}

// Machines are given the public half; the private one is opened where it is used.
func TestLoadKeyReadsThePublicHalfOfALockedKey(t *testing.T) {
	key := sshtest.Locked(t)
	private, authorized, err := ssh.LoadKey(key.File(t))
	if err != nil || string(private.Reveal()) != string(key.PEM) || authorized+" "+key.Comment != key.Authorized {
		t.Errorf("got %q, %v, want %q", authorized, err, key.Authorized)
	}
}

func TestLoadOrCreateKeyNeverReplacesAFile(t *testing.T) {
	good := sshtest.NewKey(t, "ed25519", "")
	for _, tt := range []struct {
		name, content, want string
		mode                os.FileMode
	}{
		{"that is empty", "", "it holds no private key", 0o600},
		{"that is something else", "my diary", "it holds no private key", 0o600},
		{"that is locked", lockedPEM, "it needs a passphrase", 0o600},
		{"that others may read", string(good.PEM), "others may read it (mode 0644): chmod 600 it", 0o644},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "id", tt.content, tt.mode)
			_, _, created, err := ssh.LoadOrCreateKey(path)
			if want := "read key " + path + ": " + tt.want; text(err) != want || created {
				t.Errorf("got %q, want %q", err, want)
			}
			if got, _ := os.ReadFile(path); string(got) != tt.content {
				t.Error("the file was replaced")
			}
		})
	}
	t.Run("that is in the way of the folder", func(t *testing.T) {
		path := filepath.Join(write(t, "demo", "", 0o600), "id")
		if _, _, _, err := ssh.LoadOrCreateKey(path); err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("got %v", err)
		}
	})
}

func TestLoadOrCreateKeyReadsOtherKinds(t *testing.T) {
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		key := sshtest.NewKey(t, kind, "mine")
		_, line, created, err := ssh.LoadOrCreateKey(key.File(t))
		if err != nil || created || !strings.HasPrefix(key.Authorized, line) {
			t.Errorf("%s: got %q, %t, %v", kind, line, created, err)
		}
		if kind == "ed25519" && line != key.Authorized {
			t.Errorf("the comment: got %q, want %q", line, key.Authorized)
		}
	}
}

func TestGenerateHostKey(t *testing.T) {
	key, authorized, fingerprint, err := ssh.GenerateHostKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := xssh.ParsePrivateKey(key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	pub, _, _, _, err := xssh.ParseAuthorizedKey([]byte(authorized))
	if err != nil || xssh.FingerprintSHA256(pub) != fingerprint || xssh.FingerprintSHA256(signer.PublicKey()) != fingerprint {
		t.Errorf("the parts do not fit: %v", err)
	}
	if !strings.HasPrefix(fingerprint, "SHA256:") || !strings.HasPrefix(authorized, "ssh-ed25519 ") {
		t.Errorf("got %q %q", authorized, fingerprint)
	}
	_, _, other, _ := ssh.GenerateHostKey()
	if other == fingerprint {
		t.Error("two calls made the same key")
	}
}

func TestAuthorizedKeyIsTheLineOfAPrivateKey(t *testing.T) {
	key := sshtest.NewKey(t, "ed25519", "me@laptop")
	if got, err := ssh.AuthorizedKey(ssh.NewPrivateKey(key.PEM)); got != key.Authorized || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, key.Authorized)
	}
	for _, none := range []string{"", "my diary"} {
		if _, err := ssh.AuthorizedKey(ssh.NewPrivateKey([]byte(none))); text(err) != "read login key: it holds no private key" {
			t.Errorf("%q: got %v", none, err)
		}
	}
}

func TestLoadKeyMakesNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "id")
	if _, _, err := ssh.LoadKey(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	made, line, _, err := ssh.LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, authorized, err := ssh.LoadKey(path); err != nil || authorized != line || string(got.Reveal()) != string(made.Reveal()) {
		t.Errorf("got %q, %v, want %q", authorized, err, line)
	}
}
