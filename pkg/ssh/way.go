package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// onwardsAtOnce bounds the connections through one jump host. sshd does not
// count them as sessions.
const onwardsAtOnce = 2000

// way is how the TCP connections to an endpoint are made: directly, or through
// the last of its jump hosts, on which it then has a hold.
type way struct {
	to   *endpoint
	o    Options
	hold *jump
	last *Host // the jump host of the attempt that is under way
}

// ready reaches the jump host, where there is one, so that the time limit of
// the login itself need not cover it.
func (w *way) ready(ctx context.Context) (err error) {
	via := w.to.jump
	if via == nil {
		return nil
	}
	if w.hold == nil {
		w.hold = w.o.Pool.hold(via)
	}
	w.last, err = w.o.Pool.reach(ctx, w.hold, func(ctx context.Context) (*Host, error) {
		o := w.o
		o.Patience = 0 // whoever is behind it has the patience
		who, err := via.identify(ctx, o)
		if err != nil {
			return nil, err
		}
		defer who.close()
		return via.dial(ctx, o, who)
	})
	return w.explain(ctx, err)
}

// explain says of an error which machine was to be reached through the jump host.
func (w *way) explain(ctx context.Context, err error) error {
	var unreachable *UnreachableError
	var before *jumpError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return interrupted(ctx, "dial "+w.to.where())
	case errors.As(err, &unreachable):
		return w.to.unreachable(&phaseError{"jump host " + w.to.jump.where(), unreachable.Err})
	}
	if errors.As(err, &before) { // of a jump host before the last one
		err = before.err
	}
	return &jumpError{w.to.where(), err}
}

// jumpError is the failure of a jump host, and which machine it kept from being
// reached.
type jumpError struct {
	where string
	err   error
}

func (e *jumpError) Error() string { return "dial " + e.where + ": " + e.err.Error() }
func (e *jumpError) Unwrap() error { return e.err }

// dial makes the TCP connection.
func (w *way) dial(ctx context.Context) (net.Conn, error) {
	switch {
	case w.to.jump != nil:
		return w.onward(ctx)
	case w.o.Dial != nil:
		return w.o.Dial(ctx, "tcp", w.to.addr())
	}
	return new(net.Dialer).DialContext(ctx, "tcp", w.to.addr())
}

// onward has the jump host make it.
func (w *way) onward(ctx context.Context) (net.Conn, error) {
	doing := fmt.Sprintf("connect to %s on %s", w.to.addr(), w.last.name)
	conn, err := w.last.forward(ctx, forwarding{network: "tcp", addr: w.to.addr(), slots: w.last.onwards, doing: doing})
	var refused *refusedError
	switch {
	case err == nil || ctx.Err() != nil:
		return conn, err
	case errors.As(err, &refused) && refused.err.Reason == xssh.Prohibited:
		return nil, fmt.Errorf("jump host %s: %w", w.to.jump.where(), errForbidden)
	case errors.As(err, &refused):
		return nil, errors.New(refused.words())
	}
	return nil, &phaseError{"jump host " + w.to.jump.where(), inner(err)}
}

// words are what an sshd said of a connection that it could not make: mostly
// the text of an errno.
func (e *refusedError) words() string {
	m := short(e.err.Message, 200)
	if m == "" || m == "open failed" {
		return "the jump host could not connect"
	}
	return strings.ToLower(m[:1]) + m[1:]
}

// broken says whether the jump host went away in the middle of an attempt.
func (w *way) broken() bool { return w.last != nil && w.last.ended() != nil }

// leave lets the jump host go.
func (w *way) leave() {
	if w.hold != nil {
		w.o.Pool.leave(w.hold)
		w.hold = nil
	}
}
