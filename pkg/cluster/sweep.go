package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	// orphanAge is how old an entry without a name must be before it is that of
	// no join in flight any more. A join has ended after 45 s, and the clocks of
	// this machine and of the leader may differ by some seconds.
	orphanAge = time.Minute
	// sweepWait is for entries that were observed to come to that age.
	sweepWait     = orphanAge + 30*time.Second
	sweepInterval = 2 * time.Second
)

// sweep removes the entries of joins that never finished. Those that the plan
// shows are waited for where they are too young; after joins of this run, which
// clean up after themselves, one look is enough.
func (c *Cluster) sweep(ctx context.Context, s plan.Step) (string, error) {
	c.mu.Lock()
	before := c.round.nodes
	c.mu.Unlock()
	var removed []string
	once := func(ctx context.Context) (left int, err error) {
		claimed, err := c.members(ctx, before)
		if err != nil {
			return 0, err
		}
		gone, err := join.Sweep(ctx, control{c}, claimed, orphanAge)
		removed = append(removed, gone...)
		if err != nil || s.Maybe {
			return 0, err
		}
		nodes, err := control{c}.Nodes(ctx)
		return orphans(before, nodes, claimed), err
	}
	err := wait.Until(ctx, "entries without a name to be old enough", sweepWait, sweepInterval, func(ctx context.Context) (bool, error) {
		left, err := once(ctx)
		if err != nil || left == 0 {
			return true, err
		}
		return false, fmt.Errorf("%d are not", left)
	})
	if err != nil || len(removed) == 0 {
		return "", err
	}
	return fmt.Sprintf("%d removed", len(removed)), nil
}

// orphans counts the entries that were observed without a name and still have none.
func orphans(before, now []engine.Node, claimed map[string]bool) (n int) {
	for _, e := range now {
		nameless := e.Hostname == "" && e.Manager == nil && !claimed[e.ID]
		if nameless && slices.ContainsFunc(before, func(b engine.Node) bool { return b.ID == e.ID }) {
			n++
		}
	}
	return n
}

// members gives the entries that are not to be swept: those that hosts say they
// are, and those that had a name before this run, about which the plan decides.
// A host that was one of these, or has joined in this round, is not asked again.
func (c *Cluster) members(ctx context.Context, before []engine.Node) (map[string]bool, error) {
	claimed := map[string]bool{}
	for _, e := range before {
		if e.Hostname != "" {
			claimed[e.ID] = true
		}
	}
	c.mu.Lock()
	joined := maps.Clone(c.round.joined)
	c.mu.Unlock()
	for _, id := range joined {
		claimed[id] = true
	}
	hosts := slices.DeleteFunc(c.connected(), func(h *host) bool {
		_, info := h.seen()
		return joined[h.node] != "" || info.State == engine.Active && claimed[info.NodeID]
	})
	ids, problems := make([]string, len(hosts)), make([]error, len(hosts))
	bounded(ctx, observers, indexes(hosts), func(ctx context.Context, i int) { ids[i], problems[i] = hosts[i].member(ctx) })
	for i, h := range hosts {
		if problems[i] != nil && !h.gone() {
			return nil, fmt.Errorf("ask %s who it is: %w", h.node, problems[i])
		}
		claimed[ids[i]] = true
	}
	return claimed, nil
}

// member asks a host which member it is; "" for none.
func (h *host) member(ctx context.Context) (string, error) {
	facts, _ := h.seen()
	if facts.Engine != bootstrap.Running {
		return facts.CertNode, nil
	}
	i, err := ask(ctx, h, member{h}, lookWait)
	return i.NodeID, err
}
