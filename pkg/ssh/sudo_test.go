//go:build unix

package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// fakeSudo behaves as sudo(8) says of -n, -k, -S and -p. It knows one password,
// asks TRIES times, and writes down what it was given. With a file "free" it
// asks nobody; with a file "stranger" the user is no sudoer.
const fakeSudo = `#!/bin/sh
n=
while :; do
	case $1 in
	-n) n=1; shift ;;
	-k|-S) shift ;;
	-p) p=$2; shift 2 ;;
	*) break ;;
	esac
done
if [ -e DIR/free ]; then exec "$@"; fi
if [ "$n" ]; then echo 'sudo: a password is required' >&2; exit 1; fi
i=0
while [ $i -lt TRIES ]; do
	printf %s "$p" >&2
	if ! IFS= read -r given; then
		printf '\nsudo: no password was provided\nsudo: %d incorrect password attempt\n' $i >&2
		exit 1
	fi
	echo "$given" >>DIR/given
	if [ "$given" = 'open sesame' ]; then
		if [ -e DIR/stranger ]; then echo 'admin is not in the sudoers file.' >&2; exit 1; fi
		exec "$@"
	fi
	i=$((i+1))
	if [ $i -lt TRIES ]; then echo 'Sorry, try again.' >&2; fi
done
echo "sudo: $i incorrect password attempts" >&2
exit 1
`

// sudoSite is a host whose sudo wants a password.
type sudoSite struct {
	site
	dir   string
	pool  *ssh.Pool
	asked *owner

	mu    sync.Mutex
	lines []string
}

func newSudoSite(t *testing.T, tries string) *sudoSite {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs shells")
	}
	s := &sudoSite{dir: t.TempDir(), pool: new(ssh.Pool), asked: &owner{answers: []string{"open sesame"}}}
	s.put(t, "sudo", strings.NewReplacer("DIR", s.dir, "TRIES", tries).Replace(fakeSudo))
	s.put(t, "docker", "#!/bin/sh\nexec cat\n")
	shell := sshtest.Shell("PATH=" + s.dir + ":" + os.Getenv("PATH"))
	s.site = newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
		s.mu.Lock()
		s.lines = append(s.lines, c.Line)
		s.mu.Unlock()
		return shell(c)
	}})
	return s
}

func (s *sudoSite) put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
}

// given are the passwords that sudo was given.
func (s *sudoSite) given() []string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "given"))
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func (s *sudoSite) dial(t *testing.T, name string) *ssh.Host {
	t.Helper()
	to, o := s.target(), s.options()
	to.Name, to.User, o.Pool = name, "admin", s.pool
	o.SudoPassword = func(ctx context.Context, host string) (ssh.Secret, error) { return s.asked.passphrase(ctx, host, 0) }
	h, err := ssh.Dial(t.Context(), to, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func TestSudoIsGivenItsPassword(t *testing.T) {
	noLeaks(t)
	s := newSudoSite(t, "3")
	h := s.dial(t, "n1")
	big := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	for _, tt := range []struct {
		name, cmd string
		stdin     io.Reader
		stdout    string
	}{
		{"for a command with an input", "cat; echo end", strings.NewReader("a\nb\n"), "a\nb\nend\n"},
		{"for one whose input is empty", "cat; echo end", strings.NewReader(""), "end\n"},
		{"for one without an input", "cat; echo end", nil, "end\n"},
		{"for one with a large input", "wc -c | tr -d ' '", bytes.NewReader(big), "1048576\n"},
		{"for one that does not read its input", "echo x", strings.NewReader("y"), "x\n"},
		{"for one with quotes", `printf '%s' "it's"`, nil, "it's"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if out, err := h.Run(t.Context(), tt.cmd, tt.stdin); err != nil || out != tt.stdout {
				t.Errorf("got %q, %v, want %q", out, err, tt.stdout)
			}
		})
	}
	t.Run("for a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "f")
		if err := h.Put(t.Context(), file, 0o600, big); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, big) {
			t.Errorf("%d bytes were written, %v", len(got), err)
		}
	})
	t.Run("for the Docker socket", func(t *testing.T) {
		socket := filepath.Join(t.TempDir(), "docker.sock")
		l, err := listenUnix(socket)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		conn, err := h.DialContext(t.Context(), "unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "ping")
		got := make([]byte, 4)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "ping" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	if len(s.asked.asked) != 1 || s.asked.asked[0] != "n1 0" {
		t.Errorf("asked %q, want once, about n1", s.asked.asked)
	}
	for _, l := range s.lines {
		if strings.Contains(l, "sesame") {
			t.Errorf("the password stands in a command line: %s", l)
		}
	}
}

// Whether sudo wants the password may change from one command to the next.
func TestAPasswordThatSudoDoesNotWantIsNotTakenForInput(t *testing.T) {
	noLeaks(t)
	s := newSudoSite(t, "3")
	h := s.dial(t, "n1")
	if _, err := h.Run(t.Context(), ":", nil); err != nil {
		t.Fatal(err)
	}
	s.put(t, "free", "")
	for _, stdin := range []io.Reader{nil, strings.NewReader("input")} {
		out, err := h.Run(t.Context(), "cat; env; set", stdin)
		if err != nil || strings.Contains(out, "sesame") || stdin != nil && !strings.HasPrefix(out, "input") {
			t.Errorf("got %q, %v", out, err)
		}
	}
}

func TestACommandThatFailsBehindSudoSaysSoItself(t *testing.T) {
	noLeaks(t)
	h := newSudoSite(t, "3").dial(t, "n1")
	_, err := h.Run(t.Context(), "echo first >&2; echo sudo: last >&2; exit 1", strings.NewReader("x"))
	e := as[*ssh.ExitError](t, err)
	if e.Code != 1 || e.Stderr != "first\nsudo: last\n" {
		t.Errorf("got %d and %q", e.Code, e.Stderr)
	}
}

func TestAWrongPasswordIsGivenOnceInARun(t *testing.T) {
	for _, tries := range []string{"3", "1"} {
		noLeaks(t)
		s := newSudoSite(t, tries)
		s.asked.answers = []string{"wrong"}
		hosts := []*ssh.Host{s.dial(t, "n1"), s.dial(t, "n2"), s.dial(t, "n3")}
		errs := make([]error, len(hosts))
		var wg sync.WaitGroup
		for i, h := range hosts {
			wg.Go(func() { _, errs[i] = h.Run(t.Context(), "cat", strings.NewReader("more\nlines\n")) })
		}
		wg.Wait()
		refused := ""
		for i, h := range hosts {
			_, again := h.Run(t.Context(), "id", nil)
			if !errors.Is(errs[i], ssh.ErrSudoPassword) || !errors.Is(again, ssh.ErrSudoPassword) {
				t.Errorf("got %v, then %v", errs[i], again)
			}
			if strings.HasSuffix(errs[i].Error(), " as admin: sudo refused the password") {
				refused += []string{"n1", "n2", "n3"}[i]
			}
		}
		for i, err := range errs {
			name := []string{"n1", "n2", "n3"}[i]
			if want := "become root on " + name + " as admin: sudo refused the password on " + refused + ", so it was not tried here"; name != refused && text(err) != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		}
		if got := s.given(); len(got) != 1 || got[0] != "wrong" {
			t.Errorf("sudo was given %q, want one wrong password", got)
		}
	}
}

func TestAPasswordThatOneHostTookMayBeWrongOnAnother(t *testing.T) {
	noLeaks(t)
	good, bad := newSudoSite(t, "3"), newSudoSite(t, "3")
	bad.put(t, "sudo", strings.NewReplacer("DIR", bad.dir, "TRIES", "3", "open sesame", "another").Replace(fakeSudo))
	bad.pool, bad.asked = good.pool, good.asked
	one, other := good.dial(t, "n1"), bad.dial(t, "n2")
	if _, err := one.Run(t.Context(), ":", nil); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := other.Run(t.Context(), "id", nil)
		if want := `become root on n2 as admin: sudo refused the password`; text(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if got := bad.given(); len(got) != 1 {
		t.Errorf("sudo was given %q", got)
	}
}

func TestWhoMayNotActAsRootIsToldWhy(t *testing.T) {
	noLeaks(t)
	s := newSudoSite(t, "3")
	s.put(t, "stranger", "")
	_, err := s.dial(t, "n1").Run(t.Context(), "id", nil)
	if want := `become root on n1 as admin: ` + ssh.ErrSudo.Error() + ": admin is not in the sudoers file."; text(err) != want || !errors.Is(err, ssh.ErrSudo) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	s = newSudoSite(t, "3")
	s.asked.err = errors.New("there is no terminal")
	h := s.dial(t, "n1")
	for range 2 {
		_, err = h.Run(t.Context(), "id", nil)
		if want := `become root on n1 as admin: ` + ssh.ErrSudo.Error() + ": it wants a password: there is no terminal"; text(err) != want || !errors.Is(err, ssh.ErrSudo) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if len(s.asked.asked) != 1 {
		t.Errorf("asked %q", s.asked.asked)
	}
}

func TestASudoThatHangsEndsWithTheContext(t *testing.T) {
	noLeaks(t)
	s := newSudoSite(t, "3")
	s.put(t, "sudo", "#!/bin/sh\nif [ \"$1\" = -n ]; then echo 'sudo: a password is required' >&2; exit 1; fi\nsleep 30\n")
	h := s.dial(t, "n1")
	for _, stdin := range []io.Reader{nil, strings.NewReader("x")} {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, errCtrlC)
		defer cancel()
		if _, err := h.Run(ctx, "id", stdin); !errors.Is(err, errCtrlC) {
			t.Errorf("got %v", err)
		}
	}
}
