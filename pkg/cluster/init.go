package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
)

// init makes the swarm on the first manager, after the world was looked at once
// more.
func (c *Cluster) init(ctx context.Context, h *host) (string, error) {
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	advertise, dataPath, err := addresses(h, n)
	if err != nil {
		return "", err
	}
	if err := c.nobodyElse(ctx); err != nil {
		return "", err
	}
	if err := c.nobodyInASwarm(ctx, h); err != nil {
		return "", err
	}
	s := c.cfg.Spec.Swarm
	if pool := plan.AddressPool(c.cfg.Spec, plan.State{Hosts: c.states()}); pool != "" {
		s.DefaultAddrPool = []string{pool}
	}
	info, err := bootstrap.Init(ctx, h, h, engine.InitRequest{
		Advertise: advertise, DataPath: dataPath,
		Pool: s.DefaultAddrPool, SubnetSize: s.SubnetSize, DataPathPort: s.DataPathPort,
		NodeCertExpiry: s.NodeCertExpiry, TaskHistory: s.TaskHistory, Heartbeat: s.Heartbeat,
		Log: plan.LogOf(s, engine.Log{}),
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.round.swarmID = info.ClusterID
	c.mu.Unlock()
	h.setManager(true)
	if err := c.ingress(ctx); err != nil {
		return "", err
	}
	return "swarm " + info.ClusterID, nil
}

// nobodyElse keeps two runs at once from making a swarm each. Both have a first
// manager that runs before they list the machines here, so that the later one of
// them sees the other's. A machine that does not run yet is no sign of another
// run: one that was killed leaves such machines too.
func (c *Cluster) nobodyElse(ctx context.Context) error {
	machines, err := c.cfg.Provider.List(ctx, c.cfg.Spec.Name)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, h := range c.all() {
		known[h.is().Name] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range machines {
		if !known[m.Name] && !c.named[m.Name] && m.State != provider.Incomplete {
			return fmt.Errorf("machine %s has appeared: somebody else is at work on cluster %s", m.Name, c.cfg.Spec.Name)
		}
	}
	return nil
}

// nobodyInASwarm is the guard of promise 1 at the last moment: nobody who can
// be asked may be in a swarm by now.
func (c *Cluster) nobodyInASwarm(ctx context.Context, first *host) error {
	hosts := slices.DeleteFunc(c.connected(), func(h *host) bool { return h == first })
	problems := make([]error, len(hosts))
	bounded(ctx, observers, indexes(hosts), func(ctx context.Context, i int) { problems[i] = hosts[i].inNoSwarm(ctx) })
	for i, err := range problems {
		if err != nil && !hosts[i].gone() { // a leftover is deleted right now
			return fmt.Errorf("%s %w", hosts[i].node, err)
		}
	}
	return nil
}

// inNoSwarm returns why that is not so, or not known. A stopped engine's
// certificate speaks for it; one that is being restarted right now is waited for.
func (h *host) inNoSwarm(ctx context.Context) error {
	facts, _ := h.seen()
	if facts.Engine != bootstrap.Running {
		if facts.CertNode != "" {
			return fmt.Errorf("is in swarm %s: its engine is %s", facts.CertCluster, facts.Engine)
		}
		return nil
	}
	i, err := ask(ctx, h, member{h}, startWait)
	if err != nil {
		return fmt.Errorf("may be in a swarm: %w", err)
	}
	cameToNothing := i.State == engine.Failed && i.NodeID == "" && facts.CertNode == ""
	if i.State != engine.Inactive && !cameToNothing {
		return fmt.Errorf("is in a swarm (%s)", i.State)
	}
	return nil
}
