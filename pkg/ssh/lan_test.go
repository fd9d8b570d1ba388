package ssh_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// lan is a network in memory: every address leads to a server, and those of 10.
// only from within.
type lan struct {
	key   sshtest.Key
	known []string
	file  string // of known, once it was asked for
	pool  ssh.Pool

	mu      sync.Mutex
	servers map[string]*sshtest.Server
	from    []string // who connected to whom
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	return &lan{key: sshtest.NewKey(t, "ed25519", "me@laptop"), servers: map[string]*sshtest.Server{}}
}

// add starts a server that forwards into the network.
func (l *lan) add(t *testing.T, addr string, o sshtest.Options) *sshtest.Server {
	t.Helper()
	o.Memory = true
	o.Authorized = append(o.Authorized, l.key.Authorized)
	if o.Exec == nil {
		o.Exec = func(c sshtest.Command) int {
			_, _ = fmt.Fprintf(c.Stdout, "%s on %s", c.User, addr)
			return 0
		}
	}
	if o.Forward == nil {
		o.Forward = func(_, to string) (net.Conn, error) { return l.connect(addr, to) }
	}
	s := sshtest.Start(t, o)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.servers[addr] = s
	l.known = append(l.known, strings.TrimSuffix(addr, ":22")+" "+line(s.HostKey(0)))
	return s
}

func (l *lan) connect(from, to string) (net.Conn, error) {
	l.mu.Lock()
	s := l.servers[to]
	l.from = append(l.from, from+" > "+to)
	l.mu.Unlock()
	if s == nil {
		return nil, &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}
	}
	return s.Dial(context.Background(), "tcp", to)
}

// options are those of someone outside, with a configuration of ssh.
func (l *lan) options(t *testing.T, config string) ssh.Options {
	t.Helper()
	home := files(t, map[string]string{"config": config})
	return ssh.Options{
		Key: ssh.NewPrivateKey(l.key.PEM), Pool: &l.pool, Home: home, ConfigFile: home + "/config",
		Dial: func(ctx context.Context, _, to string) (net.Conn, error) {
			if strings.HasPrefix(to, "10.") {
				return nil, syscall.ENETUNREACH
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			return l.connect("outside", to)
		},
	}
}

// target is a machine whose host key is in the file of known hosts, as are
// those of all others.
func (l *lan) target(t *testing.T, name, host, jump string) ssh.Target {
	t.Helper()
	if l.file == "" {
		l.file = write(t, "known_hosts", strings.Join(l.known, "\n")+"\n", 0o600)
	}
	return ssh.Target{Name: name, Host: host, Jump: jump, KnownHosts: l.file}
}
