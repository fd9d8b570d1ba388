package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

// restWait is for a swarm to come to an end with what it does: a change of roles
// takes up to two roleChangeTimeouts of 16 s (swarmkit node/node.go), a new leader
// calls a member down after six heartbeats of 5 s, and one that is heard of again
// is ready within seconds.
const restWait = 45 * time.Second

// managerWait is for that where it is about a manager. A manager that finds back
// after a partition has the others elect a leader anew: that took 52 s when seen
// on Engine 26.1.
const managerWait = 90 * time.Second

// settle waits until the swarm is at rest about one member, or about all of them
// after a change of the leader. A demotion that the quorum does not allow does not
// end: a manager of the file becomes one again by what comes next.
func (c *Cluster) settle(ctx context.Context, s plan.Step) (string, error) {
	stuck, limit := false, restWait
	if s.Role == spec.Manager {
		limit = managerWait
	}
	err := wait.Until(ctx, "the swarm to settle", limit, time.Second, func(ctx context.Context) (bool, error) {
		nodes, err := control{c}.Nodes(ctx)
		if errors.Is(err, errNoManager) {
			return false, wait.Stop(err)
		}
		if err != nil {
			return false, err
		}
		if s.Member == "" {
			unheard := plan.UnheardOf(c.working(nodes))
			if len(unheard) == 0 {
				return true, nil
			}
			return false, fmt.Errorf("the managers have yet to hear from %s", strings.Join(unheard, ", "))
		}
		stuck = s.Role == spec.Manager && demoting(nodes, s.Member)
		return c.atRest(ctx, s, nodes)
	})
	var late *wait.TimeoutError
	if stuck && errors.As(err, &late) {
		return "goes on: " + err.Error(), nil
	}
	return "", err
}

// working gives the entries of hosts whose engine was found to be a member: only
// those come back by themselves.
func (c *Cluster) working(nodes []engine.Node) (out []engine.Node) {
	ids := map[string]bool{}
	for _, h := range c.connected() {
		if _, info := h.seen(); info.State == engine.Active {
			ids[info.NodeID] = true
		}
	}
	for _, e := range nodes {
		if ids[e.ID] {
			out = append(out, e)
		}
	}
	return out
}

// demoting says whether a manager is to be a worker.
func demoting(nodes []engine.Node, id string) bool {
	return slices.ContainsFunc(nodes, func(e engine.Node) bool {
		return e.ID == id && e.Manager != nil && e.Role == string(spec.Worker)
	})
}

// atRest looks at one member: at its entry, and at its certificate where that may
// lag behind.
func (c *Cluster) atRest(ctx context.Context, s plan.Step, nodes []engine.Node) (bool, error) {
	for _, e := range nodes {
		if e.ID != s.Member {
			continue
		}
		if why := plan.Underway(e); why != "" {
			return false, errors.New(why)
		}
		if h := c.lookup(s.Machine, s.Node); h != nil && e.Role == string(spec.Worker) {
			done, err := h.settled(ctx)
			if err == nil && !done {
				err = errors.New("its certificate says manager still")
			}
			return done, err
		}
		return true, nil
	}
	return false, wait.Stop(fmt.Errorf("node %s: %w", s.Member, engine.ErrNotFound))
}
