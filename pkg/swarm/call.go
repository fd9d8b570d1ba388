package swarm

import (
	"context"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/wait"
)

// Limits on one call. A manager without a leader answers only after 20 s (moby
// daemon/cluster/cluster.go, swarmRequestTimeout), and so does a join that goes
// on in the background (swarmConnectTimeout): the limits must be above that.
const (
	readLimit   = 25 * time.Second
	updateLimit = 25 * time.Second
	// joinLimit allows for a join that waits for one before it to end (20 s,
	// the engine does one at a time) and its own 20 s.
	joinLimit = 45 * time.Second
	// initLimit allows for the start of the node (20 s) and for the settings
	// (5 s, moby daemon/cluster/swarm.go, initClusterSpec).
	initLimit = 45 * time.Second
	// leaveLimit allows for a node that stops (15 s, moby
	// daemon/cluster/noderunner.go, Stop) and for removing its containers.
	leaveLimit = 60 * time.Second
)

// grace is how long a change in flight may go on after an interrupt.
const grace = 30 * time.Second

// read asks one question. It ends with ctx, or at its limit.
func read(ctx context.Context, op string, ask func(context.Context) error) error {
	ctx, cancel := within(ctx, readLimit)
	defer cancel()
	return fail(op, caused(ctx, ask(bind(ctx))))
}

// mutate asks for one change, unless ctx has ended. Once begun it gets the
// grace to finish, so that nobody has to guess whether it was done.
func mutate(ctx context.Context, op string, limit time.Duration, ask func(context.Context) error) error {
	if ctx.Err() != nil {
		return fail(op, context.Cause(ctx))
	}
	ctx, cancel := wait.Grace(ctx, grace)
	defer cancel()
	ctx, cancelLimit := within(ctx, limit)
	defer cancelLimit()
	return fail(op, caused(ctx, ask(bind(ctx))))
}

func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, limitError(limit))
}

// limitError is the cause of a call that ran out of its own time. It is a
// deadline like any other to errors.Is.
type limitError time.Duration

func (e limitError) Error() string { return fmt.Sprintf("no answer within %s", time.Duration(e)) }

func (limitError) Is(target error) bool { return target == context.DeadlineExceeded }

// caused replaces the error of a call whose context ended by the reason why it
// ended: the client's own says "context canceled" at best.
func caused(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && !answered(err) {
		return context.Cause(ctx)
	}
	return err
}

type callKey struct{}

// bind and rebind carry a call's context to the dial that it starts. Package
// http cuts dials loose from their requests, for later ones to use (net/http
// transport.go, getConn); here no dial shall outlive its call.
func bind(ctx context.Context) context.Context { return context.WithValue(ctx, callKey{}, ctx) }

func rebind(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	call, ok := ctx.Value(callKey{}).(context.Context)
	if !ok {
		return ctx, func() { cancel(nil) }
	}
	stop := context.AfterFunc(call, func() { cancel(context.Cause(call)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
