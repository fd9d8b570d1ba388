package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	xssh "golang.org/x/crypto/ssh"
)

// opening is a request for a channel.
type opening[T io.Closer] struct {
	what   string // for messages: "run "id" on n1"
	places places
	open   func() (T, error)
}

// begin takes a place and opens a channel; done gives the place back. x/crypto's
// calls know no context: when ctx ends first, the call is left to the Host,
// which closes what comes of it, and whose Close waits for it.
func begin[T io.Closer](ctx context.Context, h *Host, o opening[T]) (ch T, done func(), err error) {
	switch err := o.places.enter(ctx, h.life.over); {
	case errors.Is(err, errOver):
		return ch, nil, fmt.Errorf("%s: %w", o.what, h.lost())
	case err != nil:
		return ch, nil, fmt.Errorf("%s: %w", o.what, err)
	}
	release := sync.OnceFunc(o.places.leave)
	opened, failed := make(chan T), make(chan error, 1)
	abandoned := make(chan struct{})
	running := h.life.run(func() {
		ch, err := o.open()
		if err != nil {
			release()
			failed <- err
			return
		}
		select {
		case opened <- ch:
		case <-abandoned:
			_ = ch.Close()
			release()
		}
	})
	if !running {
		release()
		return ch, nil, fmt.Errorf("%s: %w", o.what, h.lost())
	}
	select {
	case ch := <-opened:
		return ch, release, nil
	case err := <-failed:
		return ch, nil, fmt.Errorf("%s: %w", o.what, h.refused(err))
	case <-ctx.Done():
		close(abandoned)
		return ch, nil, interrupted(ctx, o.what)
	}
}

// refused says why a channel could not be opened: the host said no, or the
// connection ended.
func (h *Host) refused(err error) error {
	var no *xssh.OpenChannelError
	if errors.As(err, &no) {
		return &refusedError{no}
	}
	return h.gone(err)
}

// refusedError is the host's refusal of a channel.
type refusedError struct{ err *xssh.OpenChannelError }

func (e *refusedError) Error() string {
	s := "refused by the host: " + strings.TrimSpace(e.err.Reason.String())
	if m := short(e.err.Message, 200); m != "" {
		s += " (" + m + ")"
	}
	return s
}

func (e *refusedError) Unwrap() error { return e.err }
