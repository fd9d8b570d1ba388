package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// script is an Exec that writes, reads what there is to read, and exits.
func script(stdout, stderr string, code int) func(sshtest.Command) int {
	return func(c sshtest.Command) int {
		_, _ = io.WriteString(c.Stdout, stdout)
		_, _ = io.WriteString(c.Stderr, stderr)
		return code
	}
}

func TestRun(t *testing.T) {
	long := strings.Repeat("x", 100)
	tests := []struct {
		name   string
		user   string
		cmd    string
		exec   func(sshtest.Command) int
		stdout string
		want   string
		is     error
	}{
		{name: "gives standard output as it is", cmd: "id", exec: script(" 0\n\n", "a warning\n", 0), stdout: " 0\n\n"},
		{name: "fails with the last line of standard error", cmd: "apt-get update", exec: script("out", "W: x\nE: no lock\n\n", 100), stdout: "out",
			want: `run "apt-get update" on n1: exit status 100: E: no lock`},
		{name: "fails without one", cmd: "false", exec: script("", " \n", 1), want: `run "false" on n1: exit status 1`},
		{name: "shows only the first words of a script", cmd: "\nset -eu\necho secret\n", exec: script("", "", 1), want: `run "set -eu..." on n1: exit status 1`},
		{name: "shows only the beginning of a long line", cmd: "echo " + long, exec: script("", long+long+long+"x\n", 1),
			want: `run "echo ` + long[:55] + `..." on n1: exit status 1: ` + long + long + long + "..."},
		{name: "shows nothing that would move a terminal", cmd: "x\x1b[2J", exec: script("", "\x1b[31mred\x07\t!", 1), want: `run "x[2J" on n1: exit status 1: [31mred !`},
		{name: "is not found", cmd: "nosuch", exec: nil, want: `run "nosuch" on n1: exit status 127`},
		{name: "as another user is run by sudo", user: "admin", cmd: "echo 'a b'", exec: func(c sshtest.Command) int {
			_, _ = io.WriteString(c.Stdout, c.User+": "+c.Line)
			return 0
		}, stdout: `admin: env LC_ALL=C sudo -n sh -c 'echo '\''a b'\'''`},
		{name: "as another user fails like the command", user: "admin", cmd: "false", exec: script("", "no such thing\n", 3), want: `run "false" on n1: exit status 3: no such thing`},
		{name: "as another user whose sudo asks for a password", user: "admin", cmd: "id", exec: script("", "sudo: a password is required\n", 1), is: ssh.ErrSudo,
			want: `become root on n1 as admin: sudo does not let the login user act as root: sudo: a password is required`},
		{name: "as another user who is no sudoer", user: "admin", cmd: "id", exec: script("", "admin is not in the sudoers file.\n", 1), is: ssh.ErrSudo,
			want: `become root on n1 as admin: sudo does not let the login user act as root: admin is not in the sudoers file.`},
		{name: "as another user without sudo", user: "admin", cmd: "id", exec: script("", "env: 'sudo': No such file or directory\n", 127), is: ssh.ErrSudo,
			want: `become root on n1 as admin: sudo does not let the login user act as root: env: 'sudo': No such file or directory`},
		{name: "as root is never mistaken for sudo", cmd: "sudo x", exec: script("", "sudo: a password is required\n", 1), want: `run "sudo x" on n1: exit status 1: sudo: a password is required`},
		{name: "fails with too much output", cmd: "yes", exec: func(c sshtest.Command) int {
			_, _ = c.Stdout.Write(bytes.Repeat([]byte("y\n"), 3<<20))
			return 0
		}, want: `run "yes" on n1: it wrote more than 4 MiB`},
		{name: "ends without a status", cmd: "x", exec: script("", "", sshtest.NoStatus),
			want: `run "x" on n1: connection to n1 (192.0.2.1:22) lost: the session ended without an exit status`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true, Exec: tt.exec})
				h := s.dialAs(t, tt.user)
				stdout, err := h.Run(t.Context(), tt.cmd, nil)
				if text(err) != tt.want {
					t.Errorf("error\n got %q\nwant %q", err, tt.want)
				}
				if stdout != tt.stdout {
					t.Errorf("output: got %.100q, want %q", stdout, tt.stdout)
				}
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("%v is not %v", err, tt.is)
				}
				_ = h.Close()
			})
		})
	}
}

func TestRunKeepsWhatACommandSaidInItsError(t *testing.T) {
	noLeaks(t)
	noise := strings.Repeat("line\n", 3<<20)
	s := newSite(t, sshtest.Options{Exec: script("", "first\n"+noise+"last\n", 7)})
	_, err := s.dial(t).Run(t.Context(), "make", nil)
	e := as[*ssh.ExitError](t, fmt.Errorf("install n1: %w", err))
	if e.Host != "n1" || e.Cmd != "make" || e.Code != 7 || e.Signal != "" {
		t.Errorf("got %q %q %d %q", e.Host, e.Cmd, e.Code, e.Signal)
	}
	if len(e.Stderr) != 4<<20 || !strings.HasSuffix(e.Stderr, "line\nlast\n") {
		t.Errorf("kept %d bytes that end in %q, want the last 4 MiB", len(e.Stderr), e.Stderr[max(0, len(e.Stderr)-20):])
	}
}

func TestRunGivesACommandItsInput(t *testing.T) {
	noLeaks(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	errDisk := errors.New("disk on fire")
	tests := []struct {
		name   string
		exec   func(sshtest.Command) int
		stdin  io.Reader
		stdout string
		want   string
	}{
		{name: "all of it", stdin: bytes.NewReader(content), stdout: fmt.Sprint(len(content))},
		{name: "none", stdin: nil, stdout: "0"},
		{name: "more than it reads", stdin: bytes.NewReader(content), exec: func(c sshtest.Command) int {
			_, _ = io.ReadFull(c.Stdin, make([]byte, 10))
			_, _ = io.WriteString(c.Stdout, "enough")
			return 0
		}, stdout: "enough"},
		{name: "or says why not", stdin: io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(errDisk)), stdout: "3",
			want: `run "wc -c" on n1: read its input: disk on fire`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exec := tt.exec
			if exec == nil {
				exec = func(c sshtest.Command) int {
					n, _ := io.Copy(io.Discard, c.Stdin)
					_, _ = fmt.Fprint(c.Stdout, n)
					return 0
				}
			}
			s := newSite(t, sshtest.Options{Exec: exec})
			stdout, err := s.dial(t).Run(t.Context(), "wc -c", tt.stdin)
			if stdout != tt.stdout || text(err) != tt.want {
				t.Errorf("got %q, %q, want %q, %q", stdout, err, tt.stdout, tt.want)
			}
		})
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault sshtest.Fault // from the moment in which the command runs
		stays bool          // the command minds no signal
		took  time.Duration
	}{
		{name: "at once, and the command with it", took: 3 * time.Second},
		{name: "at once, also when the command minds no signal", stays: true, took: 3 * time.Second},
		{name: "a moment later, when the network is gone", fault: sshtest.Fault{Mute: true}, took: 4 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stubborn := make(chan struct{})
				var signalled atomic.Bool
				s := newSite(t, sshtest.Options{Memory: true, Exec: func(c sshtest.Command) int {
					<-c.Context.Done()
					signalled.Store(context.Cause(c.Context).Error() == "signal TERM")
					if tt.stays {
						<-stubborn
					}
					return 0
				}})
				h := s.dial(t)
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { s.Misbehave(tt.fault) })
				time.AfterFunc(3*time.Second, func() { cancel(errCtrlC) })
				start := time.Now()
				_, err := h.Run(ctx, "sleep 1h", nil)
				if want := `run "sleep 1h" on n1: interrupted`; text(err) != want || !errors.Is(err, errCtrlC) {
					t.Errorf("error\n got %q\nwant %q", err, want)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %s, want %s", took, tt.took)
				}
				synctest.Wait()
				if !signalled.Load() {
					t.Error("the command was not told to end")
				}
				close(stubborn)
				_ = h.Close()
			})
		})
	}
}

func TestRunThatHasNotBegunObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, sshtest.Options{Memory: true})
		h := s.dial(t)
		s.Misbehave(sshtest.Fault{Mute: true}) // no answer to the channel either
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCtrlC) })
		_, err := h.Run(ctx, "id", nil)
		if want := `run "id" on n1: interrupted`; text(err) != want || !errors.Is(err, errCtrlC) {
			t.Errorf("error\n got %q\nwant %q", err, want)
		}
		_ = h.Close()
	})
}

func TestAtMostEightCommandsRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		s := newSite(t, sshtest.Options{Memory: true, Exec: func(c sshtest.Command) int {
			n := now.Add(1)
			for {
				m := most.Load()
				if n <= m || most.CompareAndSwap(m, n) {
					break
				}
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return 0
		}})
		h := s.dial(t)
		start := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := h.Run(t.Context(), "id", nil); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(500*time.Millisecond, func() { cancel(errCtrlC) })
		_, err := h.Run(ctx, "late", nil)
		if !errors.Is(err, errCtrlC) {
			t.Errorf("waiting for a turn: got %v", err)
		}
		if took := time.Since(start); took != 500*time.Millisecond {
			t.Errorf("waiting for a turn took %s after its context had ended", took)
		}
		wg.Wait()
		if most.Load() != 8 || time.Since(start) != 3*time.Second {
			t.Errorf("ran %d at once for %s, want 8 for 3s", most.Load(), time.Since(start))
		}
		_ = h.Close()
	})
}

func TestRunIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault sshtest.Fault
		want  string
	}{
		{"with no more sessions", sshtest.Fault{RefuseChannels: true}, `run "id" on n1: refused by the host: connect failed (open failed)`},
		{"where no commands may be run", sshtest.Fault{RefuseExec: true}, `run "id" on n1: the host does not run commands`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true})
				h := s.dial(t)
				s.Misbehave(tt.fault)
				for range 10 { // more often than there are slots
					if _, err := h.Run(t.Context(), "id", nil); text(err) != tt.want {
						t.Fatalf("error\n got %q\nwant %q", err, tt.want)
					}
				}
				_ = h.Close()
			})
		})
	}
}

func TestAConnectionThatEndsFailsItsCalls(t *testing.T) {
	block := func(c sshtest.Command) int {
		<-c.Context.Done()
		return 0
	}
	tests := []struct {
		name  string
		end   func(site, *ssh.Host)
		want  string
		after time.Duration
		is    error
	}{
		{"the host goes away", func(s site, _ *ssh.Host) { s.Kick() }, "closed by the other side", time.Second, io.EOF},
		{"it is closed here", func(_ site, h *ssh.Host) { _ = h.Close() }, "it was closed", time.Second, ssh.ErrClosed},
		// asked at 15 s, and not answered at 30, 45 and 60 s
		{"the network breaks", func(s site, _ *ssh.Host) { s.Misbehave(sshtest.Fault{Mute: true}) }, "no answer to keepalives for 45s", time.Minute, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true, Exec: block})
				h := s.dial(t)
				start := time.Now()
				time.AfterFunc(time.Second, func() { tt.end(s, h) })
				want := "connection to n1 (192.0.2.1:22) lost: " + tt.want
				_, err := h.Run(t.Context(), "sleep 1h", nil)
				if e := as[*ssh.LostError](t, err); text(err) != `run "sleep 1h" on n1: `+want || e.Name != "n1" {
					t.Errorf("error\n got %q\nwant ...%q", err, want)
				}
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("%v is not %v", err, tt.is)
				}
				if took := time.Since(start); took != tt.after {
					t.Errorf("took %s, want %s", took, tt.after)
				}
				_, err = h.Run(t.Context(), "id", nil)
				if text(err) != `run "id" on n1: `+want {
					t.Errorf("next call\n got %q\nwant ...%q", err, want)
				}
				if err := h.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		})
	}
}

func TestKeepalivesKeepAnIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, sshtest.Options{Memory: true, Exec: script("ok", "", 0)})
		h := s.dial(t)
		time.Sleep(time.Hour)
		if out, err := h.Run(t.Context(), "id", nil); out != "ok" || err != nil {
			t.Errorf("after an hour: got %q, %v", out, err)
		}
		_ = h.Close()
	})
}

func TestKeepalivesForgiveShortOutages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, sshtest.Options{Memory: true, Exec: script("ok", "", 0)})
		h := s.dial(t)
		for range 3 {
			s.Misbehave(sshtest.Fault{Hold: 40 * time.Second})
			time.Sleep(20 * time.Second) // asked at 15 s
			s.Misbehave(sshtest.Fault{})
			time.Sleep(70 * time.Second) // four more times, and answered
		}
		if out, err := h.Run(t.Context(), "id", nil); out != "ok" || err != nil {
			t.Errorf("after outages: got %q, %v", out, err)
		}
		_ = h.Close()
	})
}
