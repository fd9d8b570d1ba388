package ssh_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

var errCtrlC = errors.New("interrupted")

func TestDialTellsWhoItReached(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{})
	h := s.dialAs(t, "admin")
	if h.Addr() != s.Addr() || h.User() != "admin" || h.HostKey() != s.Fingerprint() {
		t.Errorf("got %s@%s with %s, want admin@%s with %s", h.User(), h.Addr(), h.HostKey(), s.Addr(), s.Fingerprint())
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("made %d connections, want 1", n)
	}
}

func TestDialSaysWhatAnsweredInsteadOfAnSSHServer(t *testing.T) {
	const who = "dial n1 (192.0.2.1:22): "
	tests := []struct {
		name  string
		fault sshtest.Fault
		want  string
		after time.Duration
		more  time.Duration // it may take so much longer
	}{
		{name: "refused", fault: sshtest.Fault{Refuse: true}, want: who + "connection refused"},
		{name: "no banner", fault: sshtest.Fault{Silent: true}, want: who + "connected, but no SSH banner: no answer within 10s", after: 10 * time.Second},
		{name: "a banner that comes late", fault: sshtest.Fault{Delay: time.Minute}, want: who + "connected, but no SSH banner: no answer within 10s", after: 10 * time.Second},
		{name: "a closed door", fault: sshtest.Fault{Drop: 100}, want: who + "no SSH banner: closed by the other side", after: 2 * time.Second, more: 2 * time.Second},
		{name: "too many at once", fault: sshtest.Fault{Instead: "Exceeded MaxStartups\r\n"}, want: who + `no SSH banner, but "Exceeded MaxStartups"`, after: 2 * time.Second, more: 2 * time.Second},
		{name: "another service", fault: sshtest.Fault{Instead: "HTTP/1.1 400 Bad Request\r\nServer: x\r\n"}, want: who + `no SSH banner, but "HTTP/1.1 400 Bad Request"`},
		{name: "a banner and no more", fault: sshtest.Fault{Instead: "SSH-2.0-OpenSSH_9.2\r\n"}, want: who + "it ended the handshake: closed by the other side"},
		{name: "a banner and silence", fault: sshtest.Fault{Silent: true, Instead: "SSH-2.0-OpenSSH_9.2\r\n"}, want: who + "in the handshake: no answer within 10s", after: 10 * time.Second},
		{name: "a broken network", fault: sshtest.Fault{Mute: true}, want: who + "connected, but no SSH banner: no answer within 10s", after: 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true})
				s.Misbehave(tt.fault)
				start := time.Now()
				_, err := ssh.Dial(t.Context(), s.target(), s.options())
				e := as[*ssh.UnreachableError](t, fmt.Errorf("observe: %w", err))
				if e.Error() != tt.want {
					t.Errorf("error\n got %q\nwant %q", e, tt.want)
				}
				if got := time.Since(start); got < tt.after || got > tt.after+tt.more {
					t.Errorf("took %s, want %s", got, tt.after)
				}
			})
		})
	}
}

// sshd hangs up on some of those who come beyond MaxStartups. All others that
// do not answer were not there, and a second look at once is not worth it.
func TestWhoIsTurnedAwayAtTheDoorKnocksAgain(t *testing.T) {
	for name, fault := range map[string]sshtest.Fault{
		"without a word": {Drop: 5},
		"with a word":    {Instead: "Exceeded MaxStartups\r\n"},
		"as a stranger":  {Instead: "Not allowed at this time\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true})
				s.Misbehave(fault)
				time.AfterFunc(time.Second, func() { s.Misbehave(sshtest.Fault{}) })
				_ = s.dial(t).Close()
			})
		})
	}
}

func TestDialSaysWhyANetworkFails(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"no route", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}, "dial n1 (192.0.2.1:22): no route to host"},
		{"no such name", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "n1.local", IsNotFound: true}}, `dial n1 (192.0.2.1:22): no such host as "n1.local"`},
		{"no name server", &net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", Name: "n1.local"}}, `dial n1 (192.0.2.1:22): look up "n1.local": server misbehaving`},
		{"reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, "dial n1 (192.0.2.1:22): connection reset by peer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := ssh.Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, tt.err }}
			_, err := ssh.Dial(t.Context(), ssh.Target{Name: "n1", Host: "192.0.2.1"}, o)
			e := as[*ssh.UnreachableError](t, err)
			if e.Error() != tt.want {
				t.Errorf("error\n got %q\nwant %q", e, tt.want)
			}
			if !errors.Is(err, tt.err) {
				t.Errorf("%v does not wrap what it saw", err)
			}
		})
	}
}

func TestPatienceDialsAgainUntilTheHostAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, sshtest.Options{Memory: true})
		s.Misbehave(sshtest.Fault{Refuse: true})
		start := time.Now()
		time.AfterFunc(20*time.Second, func() { s.Misbehave(sshtest.Fault{Silent: true}) })
		time.AfterFunc(40*time.Second, func() { s.Misbehave(sshtest.Fault{Drop: 3}) })
		o := s.options()
		o.Patience = 5 * time.Minute
		h, err := ssh.Dial(t.Context(), s.target(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		if took := time.Since(start); took < 40*time.Second || took > 55*time.Second {
			t.Errorf("took %s, want 40s and a few attempts", took)
		}
	})
}

func TestPatienceEnds(t *testing.T) {
	tests := []struct {
		name  string
		fault sshtest.Fault
		dial  func(context.Context, string, string) (net.Conn, error)
		want  string
		after time.Duration
	}{
		{name: "when it has run out, with what was seen last", fault: sshtest.Fault{Refuse: true},
			want: "dial n1 (192.0.2.1:22): connection refused for 20s", after: 20 * time.Second},
		{name: "in the middle of an attempt, with what was seen before", fault: sshtest.Fault{Silent: true},
			want: "dial n1 (192.0.2.1:22): connected, but no SSH banner: no answer within 10s for 20s", after: 20 * time.Second},
		{name: "in the middle of the first attempt", dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			time.Sleep(25 * time.Second)
			return nil, ctx.Err()
		}, want: "dial n1 (192.0.2.1:22): no answer for 20s", after: 25 * time.Second},
		{name: "at once for a name that does not exist", dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "n1.locla", IsNotFound: true}
		}, want: `dial n1 (192.0.2.1:22): no such host as "n1.locla"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true})
				s.Misbehave(tt.fault)
				o := s.options()
				o.Patience = 20 * time.Second
				if tt.dial != nil {
					o.Dial = tt.dial
				}
				start := time.Now()
				_, err := ssh.Dial(t.Context(), s.target(), o)
				if e := as[*ssh.UnreachableError](t, err); e.Error() != tt.want {
					t.Errorf("error\n got %q\nwant %q", e, tt.want)
				}
				if got := time.Since(start); got != tt.after {
					t.Errorf("took %s, want %s", got, tt.after)
				}
			})
		})
	}
}

func TestPatienceIsForUnreachableHostsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, sshtest.Options{Memory: true})
		wrong := s.target()
		wrong.HostKey = "SHA256:AAAA"
		stranger := ssh.Options{Dial: s.Server.Dial, Key: ssh.NewPrivateKey(sshtest.NewKey(t, "ed25519", "").PEM)}
		start := time.Now()

		o := s.options()
		o.Patience, stranger.Patience = time.Hour, time.Hour
		_, err := ssh.Dial(t.Context(), wrong, o)
		as[*ssh.HostKeyError](t, err)
		_, err = ssh.Dial(t.Context(), s.target(), stranger)
		as[*ssh.AuthError](t, err)
		if took := time.Since(start); took != 0 {
			t.Errorf("was patient for %s", took)
		}
	})
}

func TestDialObeysItsContextAtEveryPoint(t *testing.T) {
	tests := []struct {
		name  string
		fault sshtest.Fault
		want  string
	}{
		{name: "while it waits for a banner", fault: sshtest.Fault{Silent: true}, want: "dial n1 (192.0.2.1:22): interrupted"},
		{name: "while it waits for another attempt", fault: sshtest.Fault{Refuse: true},
			want: "wait for n1 (192.0.2.1:22) to answer: interrupted (last: dial n1 (192.0.2.1:22): connection refused)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true})
				s.Misbehave(tt.fault)
				o := s.options()
				if tt.fault.Refuse {
					o.Patience = time.Hour
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(3*time.Second, func() { cancel(errCtrlC) })
				start := time.Now()
				_, err := ssh.Dial(ctx, s.target(), o)
				if text(err) != tt.want || !errors.Is(err, errCtrlC) {
					t.Errorf("error\n got %q\nwant %q", err, tt.want)
				}
				if took := time.Since(start); took != 3*time.Second {
					t.Errorf("took %s, want 3s", took)
				}
			})
		})
	}
	t.Run("before it begins", func(t *testing.T) {
		noLeaks(t)
		s := newSite(t, sshtest.Options{})
		_, err := ssh.Dial(ended(t, errCtrlC), s.target(), s.options())
		if !errors.Is(err, errCtrlC) {
			t.Errorf("got %v", err)
		}
		if n := s.Connections(); n != 0 {
			t.Errorf("made %d connections", n)
		}
	})
}

func TestDialReportsWhatTheServerSaysWhenItEndsALogin(t *testing.T) {
	for _, tt := range []struct{ name, banner, want string }{
		{"with its notice", "\nSystem is booting up. See pam_nologin(8)\n", "dial n1 (192.0.2.1:22): it ended the login: System is booting up. See pam_nologin(8)"},
		{"without one", "", "dial n1 (192.0.2.1:22): it ended the login: closed by the other side"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true, Banner: tt.banner})
				s.Misbehave(sshtest.Fault{CutLogin: true})
				_, err := ssh.Dial(t.Context(), s.target(), s.options())
				if e := as[*ssh.UnreachableError](t, err); e.Error() != tt.want {
					t.Errorf("error\n got %q\nwant %q", e, tt.want)
				}
			})
		})
	}
}

func TestDialSaysWhatAVeryOldHostOffers(t *testing.T) {
	noLeaks(t)
	to := strict(t, &xssh.ServerConfig{NoClientAuth: true, Config: xssh.Config{KeyExchanges: []string{xssh.InsecureKeyExchangeDH1SHA1}}})
	_, err := ssh.Dial(t.Context(), to, ssh.Options{Patience: time.Minute})
	want := fmt.Sprintf("dial n1 (127.0.0.1:%d): no common algorithm for key exchange: it offers only diffie-hellman-group1-sha1", to.Port)
	if !strings.HasPrefix(text(err), want) {
		t.Errorf("error\n got %q\nwant %q", err, want)
	}
}

func TestTwentyDialsAtOnceShareNothing(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
		_, _ = io.WriteString(c.Stdout, c.Line)
		return 0
	}})
	start := time.Now()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			h, err := ssh.Dial(t.Context(), s.target(), s.options())
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = h.Close() }()
			want := fmt.Sprintf("echo %d", i)
			if got, err := h.Run(t.Context(), want, nil); got != want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
	wg.Wait()
	t.Logf("20 dials and 20 commands in %s", time.Since(start).Round(time.Millisecond))
}

func BenchmarkTwentyDialsAtOnce(b *testing.B) {
	key := sshtest.NewKey(b, "ed25519", "")
	s := sshtest.Start(b, sshtest.Options{Authorized: []string{key.Authorized}})
	to := ssh.Target{Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint()}
	for b.Loop() {
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				h, err := ssh.Dial(b.Context(), to, ssh.Options{Key: ssh.NewPrivateKey(key.PEM)})
				if err != nil {
					b.Error(err)
					return
				}
				_ = h.Close()
			})
		}
		wg.Wait()
	}
}
