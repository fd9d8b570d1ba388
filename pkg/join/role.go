package join

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

// Mark waits until a node is ready, then makes one update of its labels and
// availability. change may be called several times. A node that is not ready
// within 30 s is a *wait.TimeoutError.
func Mark(ctx context.Context, c Control, nodeID string, change func(*engine.NodeSpec)) error {
	err := until(ctx, c, nodeID, waiting{"the node to be ready", markLimit, pollReady}, func(_ context.Context, n engine.Node) (bool, error) {
		if n.State != "ready" {
			return false, fmt.Errorf("it is %s", n.State)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	return update(ctx, c, nodeID, change)
}

// Promote makes a worker a manager and waits until the others reach it and its
// own engine says so. One that is a manager is left as it is.
func Promote(ctx context.Context, c Control, m Member, nodeID string) error {
	if err := update(ctx, c, nodeID, func(s *engine.NodeSpec) { s.Role = string(spec.Manager) }); err != nil {
		return fmt.Errorf("promote: %w", err)
	}
	return until(ctx, c, nodeID, waiting{"the promotion", promoteLimit, pollNodes}, func(ctx context.Context, n engine.Node) (bool, error) {
		if n.Manager == nil || n.Manager.Reachability != "reachable" {
			return false, errors.New("the other managers do not reach it")
		}
		return agrees(ctx, m, true)
	})
}

// Demote makes a manager a worker, waits until both views agree, and then until
// it has settled: a node that leaves or is promoted before that may get stuck
// (swarmkit issues 2548 and 2565). settled tells it from the node's
// certificate; nil waits for 10 s. m may be nil for a host that is gone: then
// only the managers' view counts, and nothing settles.
//
// A demotion that would cost the quorum, or overlap with another, is refused
// with engine.ErrQuorum after that has been so for 30 s.
func Demote(ctx context.Context, c Control, m Member, nodeID string, settled func(context.Context) (bool, error)) error {
	changes, err := allowed(ctx, c, nodeID)
	if err != nil {
		return fmt.Errorf("demote: %w", err)
	}
	if changes {
		if err := update(ctx, c, nodeID, func(s *engine.NodeSpec) { s.Role = string(spec.Worker) }); err != nil {
			return fmt.Errorf("demote: %w", err)
		}
	}
	err = until(ctx, c, nodeID, waiting{"the demotion", demoteLimit, pollNodes}, func(ctx context.Context, n engine.Node) (bool, error) {
		if n.Manager != nil {
			return false, errors.New("the others would have no quorum without it")
		}
		return agrees(ctx, m, false)
	})
	if err != nil || m == nil || settled == nil && !changes {
		return err
	}
	return settle(ctx, settled)
}

// allowed waits until a node may be demoted. changes says whether there is
// anything to demote. The list is a fresh one each time.
func allowed(ctx context.Context, c Control, nodeID string) (changes bool, err error) {
	err = wait.Until(ctx, "the other managers to do without it", shrinkLimit, pollNodes, func(ctx context.Context) (bool, error) {
		nodes, err := c.Nodes(ctx)
		if err != nil {
			return false, err
		}
		n := find(nodes, nodeID)
		if n == nil {
			return true, fmt.Errorf("node %s: %w", nodeID, engine.ErrNotFound)
		}
		if changes = n.Role == string(spec.Manager); !changes {
			return true, nil
		}
		err = CanShrink(nodes, nodeID)
		return err == nil, err
	})
	return changes, err
}

// CanShrink says whether the raft group can do without a member: enough of the
// others must be reachable (swarmkit manager/state/raft/raft.go,
// CanRemoveMember), and no other removal may be under way, which swarmkit does
// not look at. nodes must have been read just now. The refusal is
// engine.ErrQuorum. For a node that is no member there is none.
func CanShrink(nodes []engine.Node, id string) error {
	n := find(nodes, id)
	if n == nil || n.Manager == nil {
		return nil
	}
	others, reachable := 0, 0
	for _, o := range nodes {
		if o.ID == id || o.Manager == nil {
			continue
		}
		if o.Role == string(spec.Worker) {
			return fmt.Errorf("the demotion of %s is under way: %w", o.Hostname, engine.ErrQuorum)
		}
		others++
		if o.Manager.Reachability == "reachable" {
			reachable++
		}
	}
	if others == 0 {
		return fmt.Errorf("%s is the only manager: %w", n.Hostname, engine.ErrQuorum)
	}
	if need := others/2 + 1; reachable < need {
		return fmt.Errorf("%d of the %d other managers can be reached, %d are needed: %w", reachable, others, need, engine.ErrQuorum)
	}
	return nil
}

// agrees says whether the host's own engine is a node in that role.
func agrees(ctx context.Context, m Member, manager bool) (bool, error) {
	if m == nil {
		return true, nil
	}
	i, err := m.Info(ctx)
	if err != nil {
		return false, err
	}
	if i.State != engine.Active || i.Manager != manager {
		return false, fmt.Errorf("its own engine does not say so yet: it is %s", describe(i))
	}
	return true, nil
}

func describe(i engine.Info) string {
	if i.Manager {
		return string(i.State) + ", a manager"
	}
	return string(i.State)
}

func settle(ctx context.Context, settled func(context.Context) (bool, error)) error {
	if settled != nil {
		return wait.Until(ctx, "the node's certificate to say worker", settleLimit, pollSettle, settled)
	}
	start := time.Now()
	return wait.Until(ctx, "the demotion to settle", settleTime+2*pollSettle, pollSettle, func(context.Context) (bool, error) {
		return time.Since(start) >= settleTime, nil
	})
}
