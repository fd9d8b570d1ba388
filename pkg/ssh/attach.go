package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"

	xssh "golang.org/x/crypto/ssh"
)

// Session is a command that runs as the login user, with streams of the caller's.
type Session struct {
	// Command runs in the login user's shell; "" is that shell itself.
	Command string
	// Terminal is the terminal that the command gets; nil for none.
	Terminal *Terminal
	// Stdin is the command's input; nil is one that is at its end. A read from it
	// that blocks goes on after Attach has returned.
	Stdin io.Reader
	// Stdout and Stderr take what the command writes; with a terminal all of it
	// goes to Stdout.
	Stdout, Stderr io.Writer
}

// Terminal is one whose other side is a terminal of the caller's.
type Terminal struct {
	// Type is what TERM is set to.
	Type string
	Size
	// Resized tells of each new size; nil for none.
	Resized <-chan Size
}

// Size is that of a terminal, in characters.
type Size struct{ Width, Height int }

// Attach runs a command as the login user and returns when it has ended. One that
// did not succeed is an *ExitError without Stderr, a connection that ended beneath
// it a *LostError. When ctx ends the command is sent SIGTERM and its channel is
// closed, and Attach returns at most a second later.
func (h *Host) Attach(ctx context.Context, s Session) error {
	c := command{line: s.Command, words: firstWords(s.Command)}
	doing := fmt.Sprintf("run %q on %s", c.words, h.name)
	if s.Command == "" {
		doing = "open a shell on " + h.name
	}
	session, done, err := h.session(ctx, doing)
	if err != nil {
		return err
	}
	session.Stdout, session.Stderr = s.Stdout, s.Stderr
	finished := make(chan struct{})
	if !h.life.run(func() {
		defer close(finished)
		defer done()
		err = s.start(session)
		if err == nil {
			if t := s.Terminal; t != nil {
				h.life.run(func() { t.follow(session, finished) })
			}
			err = session.Wait()
		}
		_ = session.Close()
	}) {
		done()
		return fmt.Errorf("%s: %w", doing, h.lost())
	}
	select {
	case <-finished:
	case <-ctx.Done():
		h.hangUp(session, finished)
		return interrupted(ctx, doing)
	}
	var exit *xssh.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit):
		return &ExitError{Host: h.name, Cmd: c.words, Code: exit.ExitStatus(), Signal: exit.Signal()}
	}
	return h.failure(err, c, "")
}

// start asks for the terminal and the command.
func (s Session) start(session *xssh.Session) error {
	if t := s.Terminal; t != nil {
		if err := session.RequestPty(t.Type, t.Height, t.Width, xssh.TerminalModes{}); err != nil {
			return fmt.Errorf("ask for a terminal: %w", err)
		}
	}
	if s.Stdin != nil {
		pipe, err := session.StdinPipe()
		if err != nil {
			return err
		}
		defer func() {
			go func() { // a read from a terminal cannot be called off
				_, _ = io.Copy(struct{ io.Writer }{pipe}, s.Stdin)
				_ = pipe.Close()
			}()
		}()
	}
	if s.Command == "" {
		return session.Shell()
	}
	return session.Start(s.Command)
}

// follow passes new sizes on, one after the other, until the command has ended.
func (t *Terminal) follow(session *xssh.Session, finished <-chan struct{}) {
	for {
		select {
		case <-finished:
			return
		case size, more := <-t.Resized:
			if !more {
				return
			}
			_ = session.WindowChange(size.Height, size.Width)
		}
	}
}
