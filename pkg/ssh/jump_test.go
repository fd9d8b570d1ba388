package ssh_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

func TestManyHostsBehindOneJumpHostShareOneConnectionToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t)
		bastion := l.add(t, "bastion:22", sshtest.Options{MaxStartups: 1, MaxSessions: 1})
		const n = 30 // more than a Host forwards for others
		for i := range n {
			l.add(t, fmt.Sprintf("10.0.0.%d:22", i), sshtest.Options{})
		}
		o := l.options(t, "")
		var wg sync.WaitGroup
		hosts := make([]*ssh.Host, n)
		for i := range n {
			to := l.target(t, fmt.Sprintf("n%d", i), fmt.Sprintf("10.0.0.%d", i), "admin@bastion")
			wg.Go(func() {
				h, err := ssh.Dial(t.Context(), to, o)
				if err != nil {
					t.Error(err)
					return
				}
				hosts[i] = h
				want := fmt.Sprintf("root on 10.0.0.%d:22", i)
				if out, err := h.Run(t.Context(), "id", nil); err != nil || out != want {
					t.Errorf("got %q, %v, want %q", out, err, want)
				}
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
		if c, live := bastion.Connections(), bastion.Live(); c != 1 || live != 1 {
			t.Errorf("%d connections to the jump host, of which %d are left, want 1 and 1", c, live)
		}
		if got, want := hosts[3].Via()+" "+hosts[3].Addr(), "admin@bastion 10.0.0.3:22"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		for _, h := range hosts {
			if bastion.Live() != 1 {
				t.Fatal("the jump host was left while there was a host behind it")
			}
			_ = h.Close()
		}
		synctest.Wait()
		if live := bastion.Live(); live != 0 {
			t.Errorf("%d connections to the jump host are left", live)
		}
	})
}

func TestAChainOfJumpHostsIsGoneThroughInOrder(t *testing.T) {
	for _, tt := range []struct {
		name, jump, config string
		want               []string
		via                string
	}{
		{name: "as the target says", jump: "bastion,10.1.0.1", via: "bastion,10.1.0.1",
			want: []string{"outside > bastion:22", "bastion:22 > 10.1.0.1:22", "10.1.0.1:22 > 10.2.0.1:22"}},
		{name: "as the configuration says", config: "Host 10.2.*\nProxyJump bastion,10.1.0.1\n", via: "bastion,10.1.0.1",
			want: []string{"outside > bastion:22", "bastion:22 > 10.1.0.1:22", "10.1.0.1:22 > 10.2.0.1:22"}},
		{name: "as the configuration says of the first jump host", jump: "inner", via: "inner",
			config: "Host inner\nHostName 10.1.0.1\nProxyJump front\nHost front\nHostName bastion\n",
			want:   []string{"outside > bastion:22", "bastion:22 > 10.1.0.1:22", "10.1.0.1:22 > 10.2.0.1:22"}},
		{name: "as the configuration says for all but the jump host", via: "bastion",
			config: "Host * !bastion\nProxyJump bastion\n", want: []string{"outside > bastion:22", "bastion:22 > 10.2.0.1:22"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLAN(t)
				for _, addr := range []string{"bastion:22", "10.1.0.1:22", "10.2.0.1:22"} {
					l.add(t, addr, sshtest.Options{})
				}
				h, err := ssh.Dial(t.Context(), l.target(t, "n1", "10.2.0.1", tt.jump), l.options(t, tt.config))
				if err != nil {
					t.Fatal(err)
				}
				if out, err := h.Run(t.Context(), "id", nil); err != nil || out != "root on 10.2.0.1:22" {
					t.Errorf("got %q, %v", out, err)
				}
				if !slices.Equal(l.from, tt.want) || h.Via() != tt.via {
					t.Errorf("went %q via %q, want %q via %q", l.from, h.Via(), tt.want, tt.via)
				}
				_ = h.Close()
				synctest.Wait()
				for addr, s := range l.servers {
					if s.Live() != 0 {
						t.Errorf("a connection to %s is left", addr)
					}
				}
			})
		})
	}
}

func TestNoJumpIsMadeWhereTheTargetSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t)
		l.add(t, "n1:22", sshtest.Options{})
		h, err := ssh.Dial(t.Context(), l.target(t, "n1", "n1", ssh.JumpNone), l.options(t, "ProxyJump bastion\n"))
		if err != nil {
			t.Fatal(err)
		}
		_ = h.Close()
	})
}

// What is not said of a jump host is that of the machine behind it; what
// ~/.ssh/config says of it comes first.
func TestWhoLogsInToAJumpHost(t *testing.T) {
	for _, tt := range []struct{ name, jump, config, want string }{
		{"whom its entry names", "ops@bastion", "Host bastion\nUser conf\n", "ops"},
		{"whom the configuration names", "bastion", "Host bastion\nUser conf\n", "conf"},
		{"who logs in to the machine behind it", "bastion", "", "admin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLAN(t)
				l.add(t, "bastion:22", sshtest.Options{User: tt.want})
				l.add(t, "10.0.0.1:22", sshtest.Options{User: "admin"})
				o := l.options(t, tt.config)
				o.Key = ssh.PrivateKey{}
				to := l.target(t, "n1", "10.0.0.1", tt.jump)
				to.User, to.IdentityFile = "admin", l.key.File(t) // which is offered to both
				h, err := ssh.Dial(t.Context(), to, o)
				if err != nil {
					t.Fatal(err)
				}
				_ = h.Close()
			})
		})
	}
}

func TestErrorsSayWhichHostOfAChainIsToBlame(t *testing.T) {
	tests := []struct {
		name  string
		wrong func(t *testing.T, l *lan, to *ssh.Target)
		want  string // KEY, GOT and KNOWN stand for fingerprints
		is    func(error) bool
	}{
		{"the jump host does not answer", func(_ *testing.T, l *lan, _ *ssh.Target) {
			l.servers["bastion:22"].Misbehave(sshtest.Fault{Refuse: true})
		}, "dial n1 (10.0.0.1:22 via bastion): jump host bastion:22: connection refused", isA[*ssh.UnreachableError]},
		{"the jump host refuses the key", func(t *testing.T, l *lan, _ *ssh.Target) {
			l.add(t, "bastion:22", sshtest.Options{User: "nobody"})
			l.known = slices.Delete(l.known, 0, 1)
		}, "dial n1 (10.0.0.1:22 via bastion): log in to bastion:22 as root: it refused the given key (KEY)", isA[*ssh.AuthError]},
		{"the jump host is unknown", func(t *testing.T, l *lan, to *ssh.Target) {
			to.KnownHosts, to.HostKey = "/nowhere", l.servers["10.0.0.1:22"].Fingerprint()
		}, "dial n1 (10.0.0.1:22 via bastion): verify bastion:22: unknown host key BASTION (ssh-ed25519), not in /nowhere", isA[*ssh.HostKeyError]},
		{"the machine refuses the key", func(t *testing.T, l *lan, _ *ssh.Target) {
			l.add(t, "10.0.0.1:22", sshtest.Options{User: "nobody"})
			l.known = slices.Delete(l.known, 1, 2)
		}, "log in to n1 (10.0.0.1:22 via bastion) as root: it refused the given key (KEY)", isA[*ssh.AuthError]},
		{"the machine shows another key", func(_ *testing.T, l *lan, to *ssh.Target) {
			to.HostKey = l.servers["bastion:22"].Fingerprint()
		}, "verify n1 (10.0.0.1:22 via bastion): host key is HOST (ssh-ed25519), but BASTION is expected", isA[*ssh.HostKeyError]},
		{"the machine does not answer", func(_ *testing.T, l *lan, _ *ssh.Target) {
			l.servers["10.0.0.1:22"].Misbehave(sshtest.Fault{Refuse: true})
		}, "dial n1 (10.0.0.1:22 via bastion): connection refused", isA[*ssh.UnreachableError]},
		{"there is no such machine", func(_ *testing.T, _ *lan, to *ssh.Target) {
			to.Host = "10.0.0.9"
		}, "dial n1 (10.0.0.9:22 via bastion): no route to host", isA[*ssh.UnreachableError]},
		{"the jump host lets nobody through", func(t *testing.T, l *lan, _ *ssh.Target) {
			l.add(t, "bastion:22", sshtest.Options{Forward: func(string, string) (net.Conn, error) { return nil, sshtest.ErrProhibited }})
			l.known = slices.Delete(l.known, 0, 1)
		}, "dial n1 (10.0.0.1:22 via bastion): jump host bastion:22: it does not forward connections (AllowTcpForwarding, PermitOpen)",
			func(err error) bool { return !isA[*ssh.UnreachableError](err) }},
		{"the jump host goes away all the time", func(t *testing.T, l *lan, _ *ssh.Target) {
			l.add(t, "bastion:22", sshtest.Options{Forward: func(string, string) (net.Conn, error) {
				l.servers["bastion:22"].Kick()
				return nil, errors.New("gone")
			}})
			l.known = slices.Delete(l.known, 0, 1)
		}, "dial n1 (10.0.0.1:22 via bastion): jump host bastion:22: closed by the other side", isA[*ssh.UnreachableError]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLAN(t)
				bastion, host := l.add(t, "bastion:22", sshtest.Options{}), l.add(t, "10.0.0.1:22", sshtest.Options{})
				to := ssh.Target{Name: "n1", Host: "10.0.0.1", Jump: "bastion"}
				tt.wrong(t, l, &to)
				if to.KnownHosts == "" {
					to.KnownHosts = l.target(t, "", "", "").KnownHosts
				}
				_, err := ssh.Dial(t.Context(), to, l.options(t, ""))
				want := strings.NewReplacer("KEY", l.key.Fingerprint, "BASTION", bastion.Fingerprint(), "HOST", host.Fingerprint()).Replace(tt.want)
				if text(err) != want {
					t.Errorf("error\n got %v\nwant %s", err, want)
				}
				if !tt.is(err) {
					t.Errorf("%T is of the wrong kind", err)
				}
				synctest.Wait()
				if bastion.Live() != 0 {
					t.Error("a connection to the jump host is left")
				}
			})
		})
	}
}

func TestAnErrorNamesTheHostOfAChainThatIsToBlameAndTheMachineBehindAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t)
		l.add(t, "bastion:22", sshtest.Options{User: "nobody"})
		l.add(t, "10.1.0.1:22", sshtest.Options{})
		_, err := ssh.Dial(t.Context(), l.target(t, "n1", "10.2.0.1", "bastion,10.1.0.1"), l.options(t, ""))
		want := "dial n1 (10.2.0.1:22 via bastion,10.1.0.1): log in to bastion:22 as root: it refused the given key (" + l.key.Fingerprint + ")"
		if text(err) != want || !isA[*ssh.AuthError](err) {
			t.Errorf("error\n got %v\nwant %s", err, want)
		}
	})
}

func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// A bastion that locks users out after a few wrong keys is asked once for all.
func TestAJumpHostThatRefusesIsAskedOnceForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t)
		bastion := l.add(t, "bastion:22", sshtest.Options{User: "nobody"})
		bastion.Misbehave(sshtest.Fault{Delay: time.Second})
		o := l.options(t, "")
		var wg sync.WaitGroup
		for i := range 20 {
			to := l.target(t, fmt.Sprintf("n%d", i), "10.0.0.1", "bastion")
			wg.Go(func() {
				_, err := ssh.Dial(t.Context(), to, o)
				if !isA[*ssh.AuthError](err) || !strings.HasPrefix(err.Error(), "dial "+to.Name+" (10.0.0.1:22 via bastion): ") {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if n := bastion.Connections(); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
	})
}

func TestPatienceCoversTheJumpHostToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t)
		bastion, host := l.add(t, "bastion:22", sshtest.Options{}), l.add(t, "10.0.0.1:22", sshtest.Options{})
		for _, s := range []*sshtest.Server{bastion, host} {
			s.Misbehave(sshtest.Fault{Refuse: true})
		}
		o := l.options(t, "")
		o.Patience = time.Minute
		to := l.target(t, "n1", "10.0.0.1", "bastion")
		_, err := ssh.Dial(t.Context(), to, o)
		if want := "dial n1 (10.0.0.1:22 via bastion): jump host bastion:22: connection refused for 1m0s"; text(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		time.AfterFunc(20*time.Second, func() { bastion.Misbehave(sshtest.Fault{}) })
		time.AfterFunc(40*time.Second, func() { host.Misbehave(sshtest.Fault{}) })
		h, err := ssh.Dial(t.Context(), to, o)
		if err != nil {
			t.Fatal(err)
		}
		if n := bastion.Connections(); n != 1 {
			t.Errorf("%d connections to the jump host while the machine was waited for, want 1", n)
		}
		_ = h.Close()
	})
}

func TestAJumpHostThatDiesTakesItsHostsAlongAndIsReachedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t)
		bastion := l.add(t, "bastion:22", sshtest.Options{})
		l.add(t, "10.0.0.1:22", sshtest.Options{})
		l.add(t, "10.0.0.2:22", sshtest.Options{})
		o := l.options(t, "")
		var hosts []*ssh.Host
		for i := range 2 {
			h, err := ssh.Dial(t.Context(), l.target(t, fmt.Sprintf("n%d", i+1), fmt.Sprintf("10.0.0.%d", i+1), "bastion"), o)
			if err != nil {
				t.Fatal(err)
			}
			hosts = append(hosts, h)
		}
		bastion.Misbehave(sshtest.Fault{Mute: true}) // as a cable that was pulled out
		time.Sleep(2 * time.Minute)
		_, err := hosts[0].Run(t.Context(), "id", nil)
		lost := as[*ssh.LostError](t, err)
		if want := "connection to n1 (10.0.0.1:22 via bastion) lost: "; !strings.HasPrefix(lost.Error(), want) {
			t.Errorf("got %v, want %s", lost, want)
		}
		bastion.Kick()
		bastion.Misbehave(sshtest.Fault{})
		h, err := ssh.Dial(t.Context(), l.target(t, "n1", "10.0.0.1", "bastion"), o)
		if err != nil {
			t.Fatal(err)
		}
		_ = hosts[1].Close()
		_ = hosts[0].Close()
		if _, err := h.Run(t.Context(), "id", nil); err != nil {
			t.Errorf("the end of hosts of the old connection ends the new one: %v", err)
		}
		_ = h.Close()
		synctest.Wait()
		if bastion.Live() != 0 {
			t.Error("a connection to the jump host is left")
		}
	})
}

// Each user has a connection of his own to the jump host; sshd lets only two
// log in at once.
func TestManyLoginsOnOneSSHDKeepToItsMaxStartups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLAN(t)
		bastion := l.add(t, "bastion:22", sshtest.Options{MaxStartups: 2})
		l.add(t, "10.0.0.1:22", sshtest.Options{})
		o := l.options(t, "")
		var wg sync.WaitGroup
		for i := range 8 {
			to := l.target(t, fmt.Sprintf("n%d", i), "10.0.0.1", fmt.Sprintf("user%d@bastion", i))
			wg.Go(func() {
				h, err := ssh.Dial(t.Context(), to, o)
				if err != nil {
					t.Error(err)
					return
				}
				_ = h.Close()
			})
		}
		wg.Wait()
		if n := bastion.MostStartups(); n > 2 {
			t.Errorf("%d logins at once", n)
		}
	})
}

func TestTheEndOfAContextEndsTheWayThroughAJumpHost(t *testing.T) {
	for name, stuck := range map[string]string{"at the jump host": "bastion:22", "at the machine": "10.0.0.1:22"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLAN(t)
				l.add(t, "bastion:22", sshtest.Options{})
				l.add(t, "10.0.0.1:22", sshtest.Options{})
				l.servers[stuck].Misbehave(sshtest.Fault{Silent: true})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				time.AfterFunc(3*time.Second, func() { cancel(errCtrlC) })
				start := time.Now()
				o := l.options(t, "")
				o.Patience = time.Minute
				_, err := ssh.Dial(ctx, l.target(t, "n1", "10.0.0.1", "bastion"), o)
				if !errors.Is(err, errCtrlC) || time.Since(start) > 4*time.Second {
					t.Errorf("after %s: %v", time.Since(start), err)
				}
			})
		})
	}
}
