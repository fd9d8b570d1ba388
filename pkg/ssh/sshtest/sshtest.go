// Package sshtest is an SSH server inside the test's own process, for tests of
// whatever talks SSH. It shakes hands and checks keys for real (x/crypto/ssh);
// what commands do and where forwarded connections lead is the test's business,
// and it can be told to misbehave as servers do. It is never part of a program.
package sshtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Options is what a server is made of. The zero value lets nobody in.
type Options struct {
	// HostKeys are the kinds of its host keys: ed25519 (the default), ecdsa, rsa.
	HostKeys []string
	// HostCert, if not nil, is shown instead of the host keys.
	HostCert ssh.Signer
	// Authorized are the keys that may log in, in the format of authorized_keys.
	Authorized []string
	// User is who may log in; "" means anybody with an authorized key.
	User string
	// UserCA may sign certificates of users, in the format of authorized_keys. A
	// certificate must name the user.
	UserCA []string
	// MaxStartups is how many connections may be there that nobody has logged in
	// on yet; more are closed at once. 0 means no limit.
	MaxStartups int
	// MaxSessions is how many sessions a connection may have at once; more are
	// refused, as sshd does. 0 means no limit.
	MaxSessions int
	// Banner is said before the login is decided, such as "System is booting up".
	Banner string
	// Exec does what a command asks for; nil means that nothing is found
	// (exit status 127). Shell is one that runs a real shell.
	Exec func(Command) int
	// Subsystem gives what serves a subsystem, such as "sftp", on a stream until
	// that is at its end; nil where there is none of that name.
	Subsystem func(name string) func(io.ReadWriteCloser)
	// NoTerminals refuses terminals (sshd_config(5), PermitTTY).
	NoTerminals bool
	// Forward makes the connections that clients ask for, "tcp" or "unix";
	// nil refuses all.
	Forward func(network, addr string) (net.Conn, error)
	// Memory servers have no listener: clients reach them through Dial only.
	// They work inside a synctest bubble.
	Memory bool
}

// Command is one command that a client runs.
type Command struct {
	// Context ends when the client sends a signal, goes away or hangs up. Its
	// cause is "signal TERM" or "hung up".
	Context context.Context
	User    string
	// Line is "" where a shell was asked for.
	Line string
	// Terminal is the one that was asked for; nil for none.
	Terminal *Terminal
	Stdin    io.Reader
	Stdout   io.Writer
	Stderr   io.Writer
}

// NoStatus is what an Exec returns to end its session without an exit status.
const NoStatus = -1

// Server is a running server. All of it ends with the test.
type Server struct {
	options Options
	keys    []ssh.Signer
	config  *ssh.ServerConfig
	addr    string

	wg    sync.WaitGroup
	mu    sync.Mutex
	fault Fault
	conns map[*wire]bool
	count int
	early int // connections that nobody has logged in on yet
	most  int // the most that there were of them
	ended bool
	stop  func()
}

// Start starts a server, on a port of the loopback interface unless it is in
// memory.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{options: o, conns: map[*wire]bool{}, addr: "192.0.2.1:22", stop: func() {}}
	if err := s.configure(); err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	if !o.Memory {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatalf("sshtest: %v", err)
		}
		s.addr = listener.Addr().String()
		s.stop = func() { _ = listener.Close() }
		s.wg.Go(func() { s.accept(listener) })
	}
	t.Cleanup(s.Close)
	return s
}

// Close ends the server and all its connections, and waits for them. The
// test's end does it too.
func (s *Server) Close() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.stop()
	s.Kick()
	s.wg.Wait()
}

// Kick cuts all connections that there are.
func (s *Server) Kick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.conns {
		_ = w.Close()
	}
}

// Addr is the server's host:port.
func (s *Server) Addr() string { return s.addr }

// Host is the server's address.
func (s *Server) Host() string { host, _, _ := net.SplitHostPort(s.addr); return host }

// Port is the server's port.
func (s *Server) Port() int {
	_, text, _ := net.SplitHostPort(s.addr)
	port, _ := strconv.Atoi(text)
	return port
}

// HostKey is the server's n-th host key.
func (s *Server) HostKey(n int) ssh.PublicKey { return s.keys[n].PublicKey() }

// Fingerprint is the fingerprint of the server's first host key.
func (s *Server) Fingerprint() string { return ssh.FingerprintSHA256(s.HostKey(0)) }

// Connections counts the TCP connections that were made so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}

// MostStartups is the highest number of connections that there were at once on
// which nobody had logged in yet, with those that were closed for that.
func (s *Server) MostStartups() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Live counts the connections that there are now.
func (s *Server) Live() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Dial connects in memory, whatever the address. It fits ssh.Options.Dial.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.current().Refuse {
		return nil, errRefused
	}
	near, far := pipe()
	if !s.serve(far) {
		return nil, errRefused
	}
	return near, nil
}

func (s *Server) configure() error {
	s.config = &ssh.ServerConfig{MaxAuthTries: 6, PublicKeyCallback: s.authorize}
	if s.options.Banner != "" {
		s.config.BannerCallback = func(ssh.ConnMetadata) string { return s.options.Banner }
	}
	kinds := s.options.HostKeys
	if len(kinds) == 0 {
		kinds = []string{"ed25519"}
	}
	for _, kind := range kinds {
		key, err := newSigner(kind)
		if err != nil {
			return err
		}
		s.keys = append(s.keys, key)
		if s.options.HostCert == nil {
			s.config.AddHostKey(key)
		}
	}
	if s.options.HostCert != nil {
		s.config.AddHostKey(s.options.HostCert)
	}
	return nil
}

func (s *Server) authorize(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	switch f := s.current(); {
	case f.CutLogin:
		s.Kick()
	case f.MuteLogin:
		s.Misbehave(Fault{Mute: true})
	}
	if s.options.User != "" && c.User() != s.options.User {
		return nil, fmt.Errorf("user %q may not log in", c.User())
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		return s.certified(c, cert)
	}
	for _, line := range s.options.Authorized {
		known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err == nil && string(known.Marshal()) == string(key.Marshal()) {
			return &ssh.Permissions{}, nil
		}
	}
	return nil, errors.New("the key is not authorized")
}

// certified lets in who has a certificate of an authority.
func (s *Server) certified(c ssh.ConnMetadata, cert *ssh.Certificate) (*ssh.Permissions, error) {
	checker := ssh.CertChecker{IsUserAuthority: func(ca ssh.PublicKey) bool {
		for _, line := range s.options.UserCA {
			known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			if err == nil && string(known.Marshal()) == string(ca.Marshal()) {
				return true
			}
		}
		return false
	}}
	return checker.Authenticate(c, cert)
}
