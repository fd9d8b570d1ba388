package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/wait"
)

// Do does one step of a plan and returns once it is done. The note says in a
// few words what was found, where that is worth a word. Every step looks first:
// what is so already is success. So a step whose connection broke beneath it is
// done once more, over a new one. Errors say what went wrong, not which step on
// which node: whoever reports them knows.
func (c *Cluster) Do(ctx context.Context, s plan.Step) (note string, err error) {
	note, err = c.do(ctx, s)
	var late *wait.TimeoutError
	if broke(err) && !errors.As(err, &late) && ctx.Err() == nil {
		note, err = c.do(ctx, s)
	}
	err = bare(s, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.round.failed[s.Node] = true
	} else {
		c.round.done[s.Node] = append(c.round.done[s.Node], s.Action)
	}
	return note, err
}

// do does the steps that need no connection to the node; doOn does the others.
func (c *Cluster) do(ctx context.Context, s plan.Step) (string, error) {
	switch s.Action {
	case plan.Create:
		return c.create(ctx, s)
	case plan.Drain:
		if s.Return {
			return c.withdraw(ctx, s)
		}
		return c.drain(ctx, s)
	case plan.Restore:
		return c.restore(ctx, s)
	case plan.Forget:
		return "", c.forget(ctx, s)
	case plan.Settle:
		return c.settle(ctx, s)
	case plan.Mark:
		return "", c.mark(ctx, s)
	case plan.Settings:
		return c.settings(ctx)
	case plan.StoreKey:
		return c.StoreKey(ctx)
	case plan.Sweep:
		return c.sweep(ctx, s)
	case plan.Clean:
		return "", c.clean(ctx)
	case plan.Verify:
		return c.verify(ctx)
	default:
	}
	h := c.lookup(s.Machine, s.Node)
	if h == nil {
		return "", errors.New("no such machine is known")
	}
	switch s.Action {
	case plan.Start:
		return c.start(ctx, h)
	case plan.Delete:
		return "", c.delete(ctx, h)
	case plan.Connect:
		return "", c.connect(ctx, h)
	default:
		return c.doOn(ctx, s, h)
	}
}

func (c *Cluster) doOn(ctx context.Context, s plan.Step, h *host) (string, error) {
	switch s.Action {
	case plan.Install:
		return c.install(ctx, s, h)
	case plan.Upgrade:
		return c.upgrade(ctx, s, h)
	case plan.Restart:
		return c.restart(ctx, s, h)
	case plan.Configure:
		return c.configure(ctx, s, h)
	case plan.Unconfigure:
		return "", c.unconfigure(ctx, h)
	case plan.Unlock:
		return c.unlockStep(ctx, h)
	case plan.Init:
		return c.init(ctx, h)
	case plan.Join:
		return "", c.join(ctx, s, h)
	case plan.Label:
		return "", c.label(ctx, s, h)
	case plan.Promote:
		return "", c.promote(ctx, s, h)
	case plan.Demote:
		return "", c.demote(ctx, s, h)
	case plan.Leave:
		return "", c.leave(ctx, s, h)
	default:
		return "", fmt.Errorf("unknown action %q", s.Action)
	}
}

// bare takes off what another package says of its attempt where the step says
// it already.
func bare(s plan.Step, err error) error {
	inner := errors.Unwrap(err)
	if inner == nil {
		return err
	}
	said, ok := strings.CutSuffix(err.Error(), ": "+inner.Error())
	names := func(what string) bool { return said == what || strings.HasPrefix(said, what+" ") }
	if ok && slices.ContainsFunc(spoken(s.Action), names) {
		return inner
	}
	return err
}

// spoken is how others call what an action does.
func spoken(a plan.Action) []string {
	switch a {
	case plan.Create, plan.Delete, plan.Start:
		return []string{string(a) + " machine"}
	case plan.Install:
		return []string{"install engine", "start engine"}
	case plan.Configure:
		return []string{"configure engine", "start engine"}
	case plan.Upgrade:
		return []string{"upgrade engine", "start engine"}
	case plan.Restart:
		return []string{"configure engine", "restart engine"}
	case plan.Unconfigure:
		return []string{"take back engine configuration"}
	case plan.Init:
		return []string{"init swarm"}
	case plan.Join, plan.Promote, plan.Demote, plan.Drain, plan.Leave, plan.Forget, plan.Sweep:
		return []string{string(a)}
	default:
		return nil
	}
}
