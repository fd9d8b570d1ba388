package ssh_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// noLeaks checks at the very end of a test that no goroutine is left of it.
// It has to come before whatever starts one.
func noLeaks(t *testing.T) {
	t.Helper()
	already := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, already) })
}

// site is a server with one key that may log in.
type site struct {
	*sshtest.Server
	key sshtest.Key
}

func newSite(t *testing.T, o sshtest.Options) site {
	t.Helper()
	key := sshtest.NewKey(t, "ed25519", "me@laptop")
	o.Authorized = append(o.Authorized, key.Authorized)
	return site{sshtest.Start(t, o), key}
}

// target is the server by its fingerprint.
func (s site) target() ssh.Target {
	return ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint()}
}

// options has the key, and reaches servers in memory too.
func (s site) options() ssh.Options {
	o := ssh.Options{Key: ssh.NewPrivateKey(s.key.PEM)}
	if s.Host() == "192.0.2.1" {
		o.Dial = s.Server.Dial
	}
	return o
}

// dial logs in, or ends the test.
func (s site) dial(t *testing.T) *ssh.Host {
	t.Helper()
	return s.dialAs(t, "root")
}

func (s site) dialAs(t *testing.T, user string) *ssh.Host {
	t.Helper()
	to := s.target()
	to.User = user
	h, err := ssh.Dial(t.Context(), to, s.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// as finds an error of a type, or ends the test.
func as[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("got %T: %v, want a %T", err, err, e)
	}
	return e
}

// write writes a file in a folder of the test's and returns its path.
func write(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// files writes files with mode 0600 to one folder of the test's and returns it.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// line is a host key as it stands in files of known hosts.
func line(key xssh.PublicKey) string {
	return strings.TrimSpace(string(xssh.MarshalAuthorizedKey(key)))
}

// ended is a context that has ended for a reason of its own.
func ended(t *testing.T, why error) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	return ctx
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func listenUnix(path string) (net.Listener, error) { return net.Listen("unix", path) }
