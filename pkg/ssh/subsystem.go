package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	xssh "golang.org/x/crypto/ssh"
)

// ErrNoSubsystem means that an sshd has no such subsystem (sshd_config(5), Subsystem).
var ErrNoSubsystem = errors.New("its sshd has no such subsystem")

// Subsystem starts a subsystem of the host's sshd as the login user, such as
// "sftp", and gives the stream to it; one that the sshd does not have is
// ErrNoSubsystem. The caller closes the stream. ctx has no say over it.
func (h *Host) Subsystem(ctx context.Context, name string) (io.ReadWriteCloser, error) {
	doing := fmt.Sprintf("start %s on %s", name, h.name)
	session, done, err := h.session(ctx, doing)
	if err != nil {
		return nil, err
	}
	s := &subsystem{session: session, done: done}
	finished := make(chan struct{})
	if !h.life.run(func() {
		defer close(finished)
		err = s.start(name)
	}) {
		done()
		return nil, fmt.Errorf("%s: %w", doing, h.lost())
	}
	select {
	case <-finished:
	case <-ctx.Done():
		_ = s.Close()
		return nil, interrupted(ctx, doing)
	}
	if err == nil {
		return s, nil
	}
	_ = s.Close()
	if lost := h.ended(); lost != nil {
		return nil, fmt.Errorf("%s: %w", doing, lost)
	}
	if err.Error() == "ssh: subsystem request failed" { // x/crypto has no other sign of it
		err = ErrNoSubsystem
	}
	return nil, fmt.Errorf("%s: %w", doing, err)
}

// subsystem is the stream to one.
type subsystem struct {
	io.Reader
	in      io.WriteCloser
	session *xssh.Session
	done    func()
	once    sync.Once
}

func (s *subsystem) start(name string) (err error) {
	if s.in, err = s.session.StdinPipe(); err != nil {
		return err
	}
	if s.Reader, err = s.session.StdoutPipe(); err != nil {
		return err
	}
	return s.session.RequestSubsystem(name)
}

// Write writes to the subsystem.
func (s *subsystem) Write(p []byte) (int, error) { return s.in.Write(p) }

// Close ends the subsystem. It never fails.
func (s *subsystem) Close() error {
	s.once.Do(func() {
		_ = s.session.Close()
		s.done()
	})
	return nil
}
