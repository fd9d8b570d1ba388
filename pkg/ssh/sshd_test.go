//go:build unix

package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
	"github.com/swarmup/swarmup/pkg/wait"
)

// sshd is a real OpenSSH server, on a port of the loopback interface, that
// lets the user of the test in.
type sshd struct {
	dir    string
	port   int
	keys   []xssh.PublicKey // ecdsa, ed25519
	key    sshtest.Key
	target ssh.Target
}

// startSSHD starts a server with more lines of sshd_config, or skips the test
// where there is none.
func startSSHD(t *testing.T, config string) sshd {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a server and shells")
	}
	const program = "/usr/sbin/sshd"
	if _, err := os.Stat(program); err != nil {
		t.Skip("there is no sshd: install the package openssh-server")
	}
	if _, err := os.Stat("/run/sshd"); err != nil && os.Getuid() == 0 {
		t.Skip("sshd wants the folder /run/sshd when it is run by root")
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := sshd{dir: t.TempDir(), port: freePort(t), key: sshtest.NewKey(t, "ed25519", "me@laptop")}
	for _, kind := range []string{"ecdsa", "ed25519"} {
		k := sshtest.NewKey(t, kind, "")
		s.keys = append(s.keys, k.Signer(t).PublicKey())
		s.put(t, "host_"+kind, string(k.PEM))
	}
	s.put(t, "authorized_keys", s.key.Authorized+"\n")
	s.put(t, "sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host_ecdsa\nHostKey %s/host_ed25519\n"+
		"AuthorizedKeysFile %s/authorized_keys\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\n%s\n",
		s.port, s.dir, s.dir, s.dir, config))
	var log bytes.Buffer
	cmd := exec.Command(program, "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd says:\n%s", log.String())
		}
	})
	err = wait.Until(t.Context(), "sshd to listen", 10*time.Second, 20*time.Millisecond, func(ctx context.Context) (bool, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", s.port))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.target = ssh.Target{Name: "n1", Host: "127.0.0.1", Port: s.port, User: me.Username, HostKey: xssh.FingerprintSHA256(s.keys[1])}
	return s
}

func (s sshd) put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s sshd) options() ssh.Options {
	return ssh.Options{Key: ssh.NewPrivateKey(s.key.PEM), Patience: 20 * time.Second}
}

func (s sshd) dial(t *testing.T) *ssh.Host {
	t.Helper()
	h, err := ssh.Dial(t.Context(), s.target, s.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// sudoShim lets a user who is not root run the tests: it stands for a sudo
// without a password.
func sudoShim(t *testing.T) string {
	t.Helper()
	return "SetEnv " + shims(t, map[string]string{"sudo": `[ "$1" = -n ] || exit 9; shift; exec "$@"`})
}

func TestRealSSHDRunsWritesAndForwards(t *testing.T) {
	noLeaks(t)
	s := startSSHD(t, sudoShim(t))
	h := s.dial(t)

	t.Run("commands", func(t *testing.T) {
		if out, err := h.Run(t.Context(), "cat; echo done", strings.NewReader("in\n")); out != "in\ndone\n" || err != nil {
			t.Errorf("got %q, %v", out, err)
		}
		_, err := h.Run(t.Context(), "echo one >&2; echo two >&2; exit 3", nil)
		if e := as[*ssh.ExitError](t, err); e.Code != 3 || e.Stderr != "one\ntwo\n" {
			t.Errorf("got %d %q", e.Code, e.Stderr)
		}
		_, err = h.Run(t.Context(), "kill -KILL $$", nil)
		if e := as[*ssh.ExitError](t, err); e.Code != 137 {
			t.Errorf("killed: got %d %q", e.Code, e.Signal)
		}
	})
	t.Run("more commands than a connection may have sessions", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				if out, err := h.Run(t.Context(), "echo ok", nil); out != "ok\n" || err != nil {
					t.Errorf("got %q, %v", out, err)
				}
			})
		}
		wg.Wait()
	})
	t.Run("commands that are interrupted", func(t *testing.T) { realInterrupt(t, h) })
	t.Run("files", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "a b", "daemon.json")
		content := bytes.Repeat([]byte("{\"x\": 1}\x00\n"), 100_000)
		if err := h.Put(t.Context(), file, 0o640, content); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("mode: got %v, %v", info.Mode(), err)
		}
	})
	t.Run("connections", func(t *testing.T) { realForwards(t, h) })
}

func realInterrupt(t *testing.T, h *ssh.Host) {
	ctx, cancel := context.WithCancelCause(t.Context())
	out, in := io.Pipe()
	defer func() { _ = in.Close() }()
	mark := filepath.Join(t.TempDir(), "mark")
	time.AfterFunc(100*time.Millisecond, func() { cancel(errCtrlC) })
	start := time.Now()
	_, err := h.Run(ctx, "cat; echo ended >"+mark, out)
	if !errors.Is(err, errCtrlC) || time.Since(start) > 10*time.Second {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
	err = wait.Until(t.Context(), "the command to see the end of its input", 10*time.Second, 20*time.Millisecond, func(context.Context) (bool, error) {
		_, err := os.Stat(mark)
		return err == nil, err
	})
	if err != nil {
		t.Error(err)
	}
}

func realForwards(t *testing.T, h *ssh.Host) {
	for _, network := range []string{"unix", "tcp"} {
		where := "127.0.0.1:0"
		if network == "unix" {
			dir, err := os.MkdirTemp("", "sock") // a socket's path must be short
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = os.RemoveAll(dir) }()
			where = filepath.Join(dir, "s")
		}
		listener, err := net.Listen(network, where)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				wg.Go(func() {
					_, _ = io.Copy(conn, conn)
					_ = conn.Close()
				})
			}
		})
		for range 20 {
			conn, err := h.DialContext(t.Context(), network, listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, "hello")
			got := make([]byte, 5)
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
				t.Errorf("%s: got %q, %v", network, got, err)
			}
			_ = conn.Close()
		}
		_ = listener.Close()
		wg.Wait()
		_, err = h.DialContext(t.Context(), network, listener.Addr().String())
		if want := fmt.Sprintf("connect to %s on n1: refused by the host: connect failed (", listener.Addr()); !strings.HasPrefix(text(err), want) {
			t.Errorf("nobody listens\n got %q\nwant %q...", err, want)
		}
	}
}

func TestRealSSHDWithoutForwardingStillReachesDocker(t *testing.T) {
	noLeaks(t)
	docker := `[ "$1 $2 $3 $4" = "-H unix://$SOCK system dial-stdio" ] || { echo "docker: $*" >&2; exit 9; }; exec cat`
	path := shims(t, map[string]string{"docker": docker, "sudo": `[ "$1" = -n ] || exit 9; shift; exec "$@"`})
	sock := filepath.Join(t.TempDir(), "docker.sock")
	s := startSSHD(t, "DisableForwarding yes\nSetEnv "+path+" SOCK="+sock)
	h := s.dial(t)
	_, err := h.DialContext(t.Context(), "unix", sock)
	if want := "connect to " + sock + " on n1: no such socket: Docker is not installed or not running"; text(err) != want {
		t.Errorf("without a socket\n got %q\nwant %q", err, want)
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: sock}); err != nil {
		t.Skipf("the folder for tests is too deep for a socket: %v", err)
	}
	for range 2 {
		conn, err := h.DialContext(t.Context(), "unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "ping")
		got := make([]byte, 4)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "ping" {
			t.Errorf("got %q, %v", got, err)
		}
		_ = conn.Close()
	}
}

func TestRealSSHDIsVerified(t *testing.T) {
	noLeaks(t)
	s := startSSHD(t, "")
	s.dial(t) // it is up then
	me := fmt.Sprintf("[127.0.0.1]:%d ", s.port)
	for _, tt := range []struct {
		name, known, hostKey string
		want                 xssh.PublicKey
	}{
		{name: "by its ecdsa key", known: me + line(s.keys[0]), want: s.keys[0]},
		{name: "by its ed25519 key", known: me + line(s.keys[1]), want: s.keys[1]},
		{name: "by the fingerprint of its ecdsa key", hostKey: xssh.FingerprintSHA256(s.keys[0]), want: s.keys[0]},
		{name: "and refused with another's", known: me + line(other(t, "ed25519"))},
		{name: "and refused when it is unknown", known: "# nobody"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to := s.target
			to.HostKey, to.KnownHosts = tt.hostKey, write(t, "known", tt.known+"\n", 0o600)
			h, err := ssh.Dial(t.Context(), to, s.options())
			if tt.want == nil {
				as[*ssh.HostKeyError](t, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			if h.HostKey() != xssh.FingerprintSHA256(tt.want) {
				t.Errorf("it showed %s, want %s", h.HostKey(), xssh.FingerprintSHA256(tt.want))
			}
		})
	}
}

func TestRealSSHDRefusesALogin(t *testing.T) {
	noLeaks(t)
	s := startSSHD(t, "PasswordAuthentication no\nKbdInteractiveAuthentication no")
	s.dial(t)
	var keys []sshtest.Key
	for range 8 {
		keys = append(keys, sshtest.NewKey(t, "ed25519", "bad"))
	}
	_, err := ssh.Dial(t.Context(), s.target, ssh.Options{Agent: sshtest.Agent(t, keys...)})
	if e := as[*ssh.AuthError](t, err); len(e.Offered) != 5 || strings.Join(e.Allowed, ",") != "publickey" || e.Err != nil {
		t.Errorf("got %d keys offered, %v allowed: %v", len(e.Offered), e.Allowed, err)
	}
	t.Run("but takes a named key before an agent full of others", func(t *testing.T) {
		to := s.target
		to.IdentityFile = s.key.File(t)
		h, err := ssh.Dial(t.Context(), to, ssh.Options{Agent: sshtest.Agent(t, keys...)})
		if err != nil {
			t.Fatal(err)
		}
		_ = h.Close()
	})
}

func TestRealSSHDThatIsBusyIsDialledAgain(t *testing.T) {
	noLeaks(t)
	s := startSSHD(t, "MaxStartups 1:100:2") // two logins at once, the others are dropped
	s.dial(t)
	var wg sync.WaitGroup
	start := time.Now()
	for range 10 {
		wg.Go(func() {
			h, err := ssh.Dial(t.Context(), s.target, s.options())
			if err != nil {
				t.Error(err)
				return
			}
			_ = h.Close()
		})
	}
	wg.Wait()
	t.Logf("10 logins, 2 at once, in %s", time.Since(start).Round(time.Millisecond))
}
