package cluster

import (
	"context"
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/provider"
)

// Moved says whether the world has become another one since it was observed, as
// far as others may have done it who hold the lock while they do: machines have
// come or gone, or the swarm's nodes were written, or there is a swarm now. It is
// one question to the provider and one to the swarm, where Observe asks every
// host. What it does not see each step looks at for itself. It is not called
// concurrently with Observe.
func (c *Cluster) Moved(ctx context.Context) (bool, error) {
	machines, err := c.cfg.Provider.List(ctx, c.cfg.Spec.Name)
	if err != nil {
		return false, err
	}
	same := func(a, b provider.Machine) bool {
		return a.ID == b.ID && a.Name == b.Name && a.Node == b.Node && a.State == b.State
	}
	c.mu.Lock()
	listed, id, nodes := c.round.machines, c.round.swarmID, c.round.nodes
	c.mu.Unlock()
	switch {
	case !slices.EqualFunc(listed, machines, same):
		return true, nil
	case id == "":
		return c.born(ctx)
	}
	now, err := control{c}.Nodes(ctx)
	return !slices.EqualFunc(nodes, now, func(a, b engine.Node) bool { return a.ID == b.ID && a.Index == b.Index }), err
}

// born says whether the first manager, on which swarms are made, has one now.
func (c *Cluster) born(ctx context.Context) (bool, error) {
	h := c.lookup("", c.cfg.Spec.Nodes[0].Name)
	if h == nil || !h.connected() {
		return false, nil
	}
	if _, info := h.seen(); info.State == "" {
		return false, nil // its engine did not run, and is no first manager's before it does
	}
	i, err := member{h}.Info(ctx)
	_, info := h.seen()
	return i.State != info.State, err
}
