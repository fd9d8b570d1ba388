package sshtest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

func (s *Server) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.serve(conn)
	}
}

// serve takes a connection over; false when the server has ended.
func (s *Server) serve(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		_ = conn.Close()
		return false
	}
	w := &wire{Conn: conn, closed: make(chan struct{})}
	s.conns[w] = true
	s.count++
	s.wg.Go(func() {
		s.talk(w)
		_ = w.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, w)
	})
	return true
}

// talk is one connection from the banner to the end.
func (s *Server) talk(w *wire) {
	conn, channels, requests, err := s.login(w)
	if err != nil {
		return
	}
	sessions := make(chan struct{}, max(s.options.MaxSessions, 1))
	var wg sync.WaitGroup
	wg.Go(func() { ssh.DiscardRequests(requests) }) // answers them all with a refusal, as sshd does
	for request := range channels {
		if s.options.MaxSessions > 0 && request.ChannelType() == "session" {
			select {
			case sessions <- struct{}{}:
			default: // in the words of sshd (serverloop.c, server_input_channel_open)
				_ = request.Reject(ssh.ConnectionFailed, "open failed")
				continue
			}
			wg.Go(func() {
				s.channel(conn.User(), request)
				<-sessions
			})
			continue
		}
		wg.Go(func() { s.channel(conn.User(), request) })
	}
	wg.Wait()
}

var errTooMany = errors.New("too many startups")

// login is a connection up to the moment in which somebody has logged in.
func (s *Server) login(w *wire) (*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	s.mu.Lock()
	s.early++
	s.most = max(s.most, s.early)
	over := s.options.MaxStartups > 0 && s.early > s.options.MaxStartups
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.early--
		s.mu.Unlock()
	}()
	if over || !s.misbehave(w) {
		return nil, nil, nil, errTooMany
	}
	return ssh.NewServerConn(w, s.config)
}

func (s *Server) channel(user string, request ssh.NewChannel) {
	if fault := s.current(); fault.RefuseChannels {
		_ = request.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	switch request.ChannelType() {
	case "session":
		s.session(user, request)
	case "direct-tcpip":
		var to struct {
			Host       string
			Port       uint32
			Origin     string
			OriginPort uint32
		}
		if ssh.Unmarshal(request.ExtraData(), &to) == nil {
			s.forward(request, "tcp", net.JoinHostPort(to.Host, itoa(to.Port)))
		}
	case "direct-streamlocal@openssh.com":
		var to struct {
			Path      string
			Reserved0 string
			Reserved1 uint32
		}
		if ssh.Unmarshal(request.ExtraData(), &to) == nil {
			s.forward(request, "unix", to.Path)
		}
	default:
		_ = request.Reject(ssh.UnknownChannelType, "unknown channel type")
	}
}

// ErrProhibited is what a Forward returns for connections that the server's
// settings do not allow (AllowTcpForwarding, PermitOpen).
var ErrProhibited = errors.New("administratively prohibited")

// refusal says no in the words of sshd: of a TCP connection it tells the errno
// (channels.c, channel_post_connecting), of a socket nothing (serverloop.c).
func refusal(request ssh.NewChannel, network string, err error) {
	reason, text := ssh.ConnectionFailed, "open failed"
	var errno syscall.Errno
	switch {
	case errors.Is(err, ErrProhibited):
		reason = ssh.Prohibited
	case network == "tcp" && errors.As(err, &errno):
		text = strings.ToUpper(errno.Error()[:1]) + errno.Error()[1:]
	}
	_ = request.Reject(reason, text)
}

func (s *Server) forward(request ssh.NewChannel, network, addr string) {
	if s.options.Forward == nil {
		_ = request.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	to, err := s.options.Forward(network, addr)
	if err != nil {
		refusal(request, network, err)
		return
	}
	defer func() { _ = to.Close() }()
	ch, requests, err := request.Accept()
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { ssh.DiscardRequests(requests) })
	wg.Go(func() {
		_, _ = io.Copy(to, ch)
		_ = to.Close()
	})
	_, _ = io.Copy(ch, to)
	_ = ch.Close()
	_ = to.Close()
	wg.Wait()
}

// session runs the one command of a session.
func (s *Server) session(user string, request ssh.NewChannel) {
	ch, requests, err := request.Accept()
	if err != nil {
		return
	}
	defer func() { _ = ch.Close() }()
	ctx, cancel := context.WithCancelCause(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(errHungUp)
	running := false
	var terminal *Terminal
	defer func() { terminal.close() }()
	for r := range requests {
		switch {
		case (r.Type == "exec" || r.Type == "shell") && !running && !s.current().RefuseExec:
			running = true
			var exec struct{ Line string }
			ok := r.Type == "shell" || ssh.Unmarshal(r.Payload, &exec) == nil
			_ = r.Reply(ok, nil)
			wg.Go(func() {
				s.exec(ch, Command{
					Context: ctx, User: user, Line: exec.Line, Terminal: terminal,
					Stdin: ch, Stdout: ch, Stderr: ch.Stderr(),
				})
			})
		case r.Type == "subsystem" && !running && s.options.Subsystem != nil:
			running = true
			var subsystem struct{ Name string }
			_ = ssh.Unmarshal(r.Payload, &subsystem)
			serve := s.options.Subsystem(subsystem.Name)
			_ = r.Reply(serve != nil, nil)
			if serve != nil {
				wg.Go(func() { serve(ch); _ = ch.Close() })
			}
		case r.Type == "pty-req" && !s.options.NoTerminals:
			terminal = newTerminal(r.Payload)
			_ = r.Reply(true, nil)
		case r.Type == "window-change" && terminal != nil:
			terminal.resize(r.Payload)
		case r.Type == "signal":
			var signal struct{ Name string }
			_ = ssh.Unmarshal(r.Payload, &signal)
			cancel(errors.New("signal " + signal.Name))
		case r.WantReply:
			_ = r.Reply(false, nil)
		}
	}
}

var errHungUp = errors.New("hung up")

func (s *Server) exec(ch ssh.Channel, c Command) {
	code := 127
	if s.options.Exec != nil {
		code = s.options.Exec(c)
	}
	if code != NoStatus {
		status := binary.BigEndian.AppendUint32(nil, uint32(code))
		_, _ = ch.SendRequest("exit-status", false, status)
	}
	_ = ch.Close()
}
