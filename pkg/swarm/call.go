package swarm

import (
	"context"
	"fmt"
	"net"
	"sync"
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
	return fail(op, run(ctx, ask))
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
	return fail(op, run(ctx, ask))
}

func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, limitError(limit))
}

// limitError is the cause of a call that ran out of its own time. It is a
// deadline like any other to errors.Is.
type limitError time.Duration

func (e limitError) Error() string { return fmt.Sprintf("no answer within %s", time.Duration(e)) }

func (limitError) Is(target error) bool { return target == context.DeadlineExceeded }

// run asks. Where no answer came it gives the reason for that: Docker's client
// says "context canceled" or "Cannot connect to the Docker daemon" at best.
func run(ctx context.Context, ask func(context.Context) error) error {
	c := &call{ctx: ctx}
	err := ask(context.WithValue(ctx, callKey{}, c))
	if err == nil || code(err) != 0 {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dial != nil {
		return c.dial
	}
	return err
}

// A call goes along with the dial that it starts. Package http cuts dials loose
// from their requests, for later ones to use (net/http transport.go, getConn);
// here no dial outlives its call, and the call learns why it came to nothing.
type call struct {
	ctx context.Context

	mu   sync.Mutex
	dial error
}

type callKey struct{}

// through is a dialer for package http.
func through(dial Dialer) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		c, ok := ctx.Value(callKey{}).(*call)
		if !ok {
			return dial(ctx, "unix", Socket)
		}
		stop := context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) }) //nolint:contextcheck // ctx was cut loose from c.ctx, this binds it again
		defer stop()
		conn, err := dial(ctx, "unix", Socket)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.dial = err
		return conn, err
	}
}
