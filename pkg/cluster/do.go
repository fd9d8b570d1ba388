package cluster

import (
	"context"
	"fmt"

	"github.com/swarmup/swarmup/pkg/plan"
)

// Do does one step of a plan and returns once it is done. The note says in a
// few words what was found, where that is worth a word. Every step looks first:
// what is so already is success. Its error says what was tried on whom.
func (c *Cluster) Do(ctx context.Context, s plan.Step) (note string, err error) {
	note, err = c.do(ctx, s)
	if err != nil && s.Node != "" {
		c.mu.Lock()
		c.failed[s.Node] = true
		c.mu.Unlock()
	}
	return note, err
}

func (c *Cluster) do(ctx context.Context, s plan.Step) (string, error) {
	switch s.Action {
	case plan.Create:
		return c.create(ctx, s)
	case plan.Forget:
		return "", c.forget(ctx, s)
	case plan.Settings:
		return "", c.settings(ctx)
	case plan.Sweep:
		return c.sweep(ctx)
	case plan.Clean:
		return "", c.clean(ctx)
	case plan.Verify:
		return c.verify(ctx)
	}
	h := c.lookup(s.Machine, s.Node)
	if h == nil {
		return "", fmt.Errorf("no machine of %s is known", s.Node)
	}
	switch s.Action {
	case plan.Start:
		return c.start(ctx, h)
	case plan.Delete:
		return "", c.delete(ctx, h)
	case plan.Connect:
		return "", c.connect(ctx, h)
	}
	if h.conn == nil {
		return "", fmt.Errorf("no connection to %s", s.Node)
	}
	return c.doOn(ctx, s, h)
}

// doOn does the steps that need a connection to the node.
func (c *Cluster) doOn(ctx context.Context, s plan.Step, h *host) (string, error) {
	switch s.Action {
	case plan.Install:
		return c.install(ctx, h)
	case plan.Configure:
		return c.configure(ctx, h)
	case plan.Unconfigure:
		return "", c.unconfigure(ctx, h)
	case plan.Init:
		return c.init(ctx, h)
	case plan.Join:
		return c.join(ctx, s, h)
	case plan.Label:
		return "", c.label(ctx, h)
	case plan.Promote:
		return "", c.promote(ctx, s, h)
	case plan.Demote:
		return "", c.demote(ctx, s, h)
	case plan.Drain:
		return c.drain(ctx, s)
	case plan.Leave:
		return "", c.leave(ctx, s, h)
	}
	return "", fmt.Errorf("unknown action %q", s.Action)
}
