package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	// spareWait is for the other managers to be well before one of them goes: a new
	// leader is there within 13 s, and calls all managers reachable soon after
	// (measured on Engine 29.7).
	spareWait = 60 * time.Second
	// returnWait is for a node whose engine answers again to be one as before. A
	// manager was reachable after 16 s where two of three had been away (measured on
	// Engine 29.7); a worker waits for its manager with growing pauses, of 8 s at most
	// (moby swarmkit agent/session.go).
	returnWait = 90 * time.Second
	// watchTime is for how long nothing may look wrong after a manager has come back,
	// before the next one goes: the entries of two nodes were seen to take each other's
	// names then (moby#46167).
	watchTime = 10 * time.Second
)

// withdraw drains a node for a while, once the others can do without it.
func (c *Cluster) withdraw(ctx context.Context, s plan.Step) (string, error) {
	if err := c.spare(ctx, s); err != nil {
		return "", err
	}
	err := join.Withdraw(ctx, control{c}, control{c}, s.Member, join.Withdrawal{
		Change: plan.Withdraw, Timeout: c.cfg.DrainTimeout, Progress: c.progress(s.Node),
	})
	if left := c.forced(err); left != "" {
		return "goes on by force: " + left, nil
	}
	return "", err
}

// spare waits until the control plane can do without a node: those managers are
// reached that were when the world was observed, and they are enough.
func (c *Cluster) spare(ctx context.Context, s plan.Step) error {
	var must []string
	c.mu.Lock()
	for _, n := range c.round.nodes {
		if n.Manager != nil && n.Manager.Reachability == "reachable" {
			must = append(must, n.ID)
		}
	}
	c.mu.Unlock()
	return wait.Until(ctx, "the other managers to do without it", spareWait, time.Second, func(ctx context.Context) (bool, error) {
		nodes, err := control{c}.Nodes(ctx)
		if err == nil {
			err = join.Reachable(nodes, s.Member, must)
		}
		if err == nil {
			err = c.mistaken(nodes)
		}
		return err == nil, err
	})
}

// mayStop waits until the engine of a member may stop: the control plane can do
// without it and, for a manager, has been well for a while since the last one came
// back.
func (c *Cluster) mayStop(ctx context.Context, s plan.Step) error {
	if err := c.spare(ctx, s); err != nil || s.Role != spec.Manager {
		return err
	}
	c.mu.Lock()
	back := c.round.back
	c.mu.Unlock()
	return wait.Until(ctx, "the manager before to be well for a while", spareWait, time.Second, func(ctx context.Context) (bool, error) {
		nodes, err := control{c}.Nodes(ctx)
		if err == nil {
			err = c.mistaken(nodes)
		}
		return err == nil && time.Since(back) >= watchTime, err
	})
}

// restart brings settings to a member that only a restart brings, and waits until
// it is one again.
func (c *Cluster) restart(ctx context.Context, s plan.Step, h *host) (string, error) {
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	if err := c.mayStop(ctx, s); err != nil {
		return "", err
	}
	effect, err := bootstrap.Configure(ctx, h, bootstrap.Settings{
		Want: plan.WantDaemon(n.Engine), Env: plan.WantEnv(c.cfg.Spec, n, c.places()), Member: true,
		AllowRestart: true, Live: h.live,
	})
	if err != nil {
		return "", err
	}
	return differs(effect, s.Effect), c.returned(ctx, s, h)
}

// upgrade changes the version of an engine, of a member or not, and waits until it
// is what it was before.
func (c *Cluster) upgrade(ctx context.Context, s plan.Step, h *host) (string, error) {
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	if err := h.look(ctx, startWait); err != nil {
		return "", err
	}
	facts, _ := h.seen()
	if n.Engine.Takes(facts.EngineVersion) && !facts.Unfinished {
		return "engine " + facts.EngineVersion + " is there", c.returned(ctx, s, h)
	}
	older := spec.CompareVersions(n.Engine.Version, facts.EngineVersion) < 0
	if older && !n.Engine.Takes(facts.EngineVersion) && !s.Downgrade {
		return "", &bootstrap.VersionError{Has: facts.EngineVersion, Wants: n.Engine.Version}
	}
	r, err := c.wanted(n)
	if err != nil {
		return "", err
	}
	if s.Member != "" {
		if err := c.mayStop(ctx, s); err != nil {
			return "", err
		}
	}
	r.Downgrade = s.Downgrade
	if err := bootstrap.Upgrade(ctx, h, facts, r, c.progress(h.node)); err != nil {
		return "", err
	}
	if err := h.renew(); err != nil {
		return "", err
	}
	if err := c.returned(ctx, s, h); err != nil {
		return "", err
	}
	if facts, _ = h.seen(); !n.Engine.Takes(facts.EngineVersion) { // a script's own choice
		return "", &bootstrap.VersionError{Has: facts.EngineVersion, Wants: n.Engine.Version}
	}
	return "engine " + facts.EngineVersion, nil
}

// returned waits until a host whose engine was restarted is what it was before: for
// a member the same node of the same name, ready, and reached as a manager. A host
// that was none only has to answer.
func (c *Cluster) returned(ctx context.Context, s plan.Step, h *host) error {
	if err := h.look(ctx, startWait); err != nil {
		return err
	}
	if s.Member == "" {
		return nil
	}
	if err := c.unlock(ctx, h); err != nil {
		return err
	}
	err := wait.Until(ctx, "it to be a member as before", returnWait, 500*time.Millisecond, func(ctx context.Context) (bool, error) {
		info, err := h.Info(ctx)
		if err != nil {
			return false, err
		}
		nodes, err := control{c}.Nodes(ctx)
		if err == nil {
			err = same(info, nodes, s.Member)
		}
		if err == nil {
			err = c.mistaken(nodes)
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	if s.Role == spec.Manager {
		c.mu.Lock()
		c.round.back = time.Now()
		c.mu.Unlock()
	}
	return h.look(ctx, startWait)
}

// same says in what an engine, and the swarm about it, differ from a member that
// is well; nil for nothing.
func same(info engine.Info, nodes []engine.Node, id string) error {
	i := slices.IndexFunc(nodes, func(n engine.Node) bool { return n.ID == id })
	switch {
	case info.State != engine.Active:
		return fmt.Errorf("its swarm state is %s", info.State)
	case info.NodeID != id:
		return wait.Stop(fmt.Errorf("it is node %s now, and was %s", info.NodeID, id))
	case i < 0:
		return wait.Stop(fmt.Errorf("the swarm has no node %s any more", id))
	}
	switch n := nodes[i]; {
	case n.State != "ready":
		return fmt.Errorf("the managers call it %s", n.State)
	case n.Manager != nil && n.Manager.Reachability != "reachable":
		return errors.New("the other managers do not reach it")
	case n.Role == string(spec.Manager) && !info.Manager:
		return errors.New("it is no manager again yet")
	case n.Version != info.Version:
		return fmt.Errorf("the managers show its engine as %s, and it is %s", n.Version, info.Version)
	}
	return nil
}

// MistakenError means that the managers show a node under the name of another
// (moby#46167). While that is so a change of a role may hit both.
type MistakenError struct{ ID, Shown, Name string }

// Error says whom they take for whom.
func (e *MistakenError) Error() string {
	return fmt.Sprintf("the managers show node %s as %s, and it is %s", e.ID, e.Shown, e.Name)
}

// mistaken compares what the managers show with what the hosts that are known say
// of themselves.
func (c *Cluster) mistaken(nodes []engine.Node) error {
	for _, h := range c.all() {
		_, info := h.seen()
		for _, n := range nodes {
			if n.ID == info.NodeID && n.Hostname != "" && info.Hostname != "" && n.Hostname != info.Hostname {
				return &MistakenError{ID: n.ID, Shown: n.Hostname, Name: info.Hostname}
			}
		}
	}
	return nil
}

// restore gives a node the availability back that it had before it was drained for
// a while, once it is ready. Where there is nothing to give back it does nothing.
func (c *Cluster) restore(ctx context.Context, s plan.Step) (string, error) {
	n, ok := c.cfg.Spec.Node(s.Node)
	if !ok {
		return "", errNotInFile
	}
	nodes, err := control{c}.Nodes(ctx)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(nodes, func(e engine.Node) bool { return e.ID == s.Member })
	if i >= 0 && nodes[i].Labels[plan.MarkBefore] == "" {
		return "it has its own", nil
	}
	if h := c.lookup(s.Machine, s.Node); h != nil && h.connected() {
		if err := c.unlock(ctx, h); err != nil {
			return "", err
		}
	}
	want, given := plan.Labels{Cluster: c.cfg.Spec.Name, Node: n}, ""
	err = join.Mark(ctx, control{c}, s.Member, func(e *engine.NodeSpec) {
		want.Restore(e)
		given = e.Availability
	})
	return given, err
}
