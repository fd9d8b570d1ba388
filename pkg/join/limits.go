package join

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/wait"
)

// How often something is tried.
const (
	stuckLooks = 5 // at tasks that no node suits, until that is believed
	maxJoins   = 2 // joins of one call
	maxRounds  = 8 // looks of one call
)

// How long something may take.
const (
	// joinLimit is for a join that the engine goes on with after 20 s. It has
	// ended well or in state error after 35 s (measured on Engine 20.10: five
	// seconds each for certificate requests with pauses between them, swarmkit
	// ca/certificates.go).
	joinLimit = 45 * time.Second
	// ghostLimit is for the entry of a failed join to be called down: three
	// heartbeats of 5 s (swarmkit manager/dispatcher/dispatcher.go), six after
	// a change of the leader.
	ghostLimit = 35 * time.Second
	// namelessAge is when an entry without a name is that of no join under way
	// any more: above joinLimit.
	namelessAge = time.Minute
	// markLimit is for a node to be ready: it is within 0.1 s after the join
	// (swarmkit manager/dispatcher/dispatcher.go, the batch of updates), and
	// within 30 s after a change of the leader.
	markLimit = 30 * time.Second
	// promoteLimit is above two roleChangeTimeouts of 16 s (swarmkit
	// node/node.go), which a promotion takes that comes soon after a demotion.
	promoteLimit = 45 * time.Second
	// demoteLimit is above some rounds of the role manager, 5 s each (swarmkit
	// manager/role_manager.go), and above the election of a new leader (10 s).
	demoteLimit = 30 * time.Second
	// settleLimit is for the certificate to follow a demotion: two
	// roleChangeTimeouts at worst.
	settleLimit = 45 * time.Second
	// settleTime is waited where the certificate cannot be seen. It took 1 to
	// 6 s when measured on Engine 29.7.
	settleTime = 10 * time.Second
	// shrinkLimit is for the other managers to be reachable again after a
	// change of the leader.
	shrinkLimit = 30 * time.Second
	// drainLimit is used where the caller sets none.
	drainLimit = 10 * time.Minute
	// replaceLimit is for tasks to run elsewhere after a drain. Restarts wait
	// for 5 s by default (swarmkit api/defaults/service.go).
	replaceLimit = 30 * time.Second
	// wholeLimit is for services to become whole before one of their tasks is
	// stopped: above the delay of a restart, and some time to pull an image.
	wholeLimit = time.Minute
	// leaveLimit is for an engine to say that it is in no swarm, after the
	// call has come back.
	leaveLimit = 30 * time.Second
	// forgetLimit is for a removed entry to be gone from the list.
	forgetLimit = 15 * time.Second
	// leaderLimit is for a call to find a leader. A killed one was replaced
	// within 13 s when measured on Engine 29.7.
	leaderLimit = 30 * time.Second
)

// How often it is looked at.
const (
	pollJoin   = 250 * time.Millisecond // the host's own view, which is cheap
	pollNodes  = 500 * time.Millisecond
	pollReady  = 100 * time.Millisecond // a node that has just joined
	pollSettle = time.Second            // a command on the host
	pollTasks  = time.Second
	pollLeader = time.Second
)

// waiting is what is waited for, for how long, and how often it is looked at.
type waiting struct {
	what         string
	limit, every time.Duration
}

// until looks at a node in fresh lists until look says yes.
func until(ctx context.Context, c Control, id string, w waiting, look func(context.Context, engine.Node) (bool, error)) error {
	return wait.Until(ctx, w.what, w.limit, w.every, func(ctx context.Context) (bool, error) {
		nodes, err := c.Nodes(ctx)
		if err != nil {
			return false, err
		}
		n := find(nodes, id)
		if n == nil {
			return false, fmt.Errorf("node %s: %w", id, engine.ErrNotFound)
		}
		return look(ctx, *n)
	})
}

func update(ctx context.Context, c Control, id string, change func(*engine.NodeSpec)) error {
	return patiently(ctx, "a leader to update the node", func(ctx context.Context) error { return c.UpdateNode(ctx, id, change) })
}

// list gives all nodes, as soon as there is a leader to do so.
func list(ctx context.Context, c Control) (nodes []engine.Node, err error) {
	err = patiently(ctx, "a leader to list the nodes", func(ctx context.Context) (err error) {
		nodes, err = c.Nodes(ctx)
		return err
	})
	return nodes, err
}

// patiently makes a call that is refused while the swarm has no leader.
func patiently(ctx context.Context, what string, call func(context.Context) error) error {
	return wait.Until(ctx, what, leaderLimit, pollLeader, func(ctx context.Context) (bool, error) {
		err := call(ctx)
		return !errors.Is(err, engine.ErrNoLeader), err
	})
}
