package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/swarm"
)

// observers is how many hosts are asked at once. Handshakes are what costs:
// more than this gains nothing on two processors.
const observers = 32

// switchedOff is why a machine that could be started was not asked.
const switchedOff = "it is switched off"

// Observe looks at everything that has to do with the cluster: machines, hosts,
// engines, the swarm. It changes nothing but what it needs to log in to machines
// of a local provider. Managers that do not answer are dialled again for as long
// as patience says, since nothing can be decided without them. An error means
// that nothing is known; a host that does not answer is no error.
func (c *Cluster) Observe(ctx context.Context, patience time.Duration) (plan.State, error) {
	machines, err := c.cfg.Provider.List(ctx, c.cfg.Spec.Name)
	if err != nil {
		return plan.State{}, err
	}
	if err := c.openKey(len(machines) > 0); err != nil {
		return plan.State{}, err
	}
	before := c.adopt(machines)
	defer func() {
		for _, h := range before {
			h.retire()
		}
	}()
	visits, over := c.limited(ctx)
	bounded(visits, observers, c.all(), func(ctx context.Context, h *host) { c.visit(ctx, h, patience) })
	over()
	if err := c.recheck(ctx); err != nil {
		return plan.State{}, err
	}
	view := c.outlook(ctx, before)
	if ctx.Err() != nil {
		return plan.State{}, fmt.Errorf("look at hosts: %w", context.Cause(ctx))
	}
	c.begin(view, machines)
	left, err := c.leftovers(ctx)
	if err != nil {
		return plan.State{}, err
	}
	return plan.State{Hosts: c.states(), Swarm: view, Key: c.storedKey(ctx, view), At: time.Now(), Leftovers: left}, nil
}

// outlook asks what the swarm says, and hosts again of which it says something else.
func (c *Cluster) outlook(ctx context.Context, before []*host) *plan.View {
	ctx, over := c.limited(ctx)
	defer over()
	view := c.view(ctx)
	c.reconcile(ctx, view)
	c.follow(ctx, view, before)
	c.inspect(ctx, view)
	return view
}

// limited bounds a part of Observe, where a limit was asked for.
func (c *Cluster) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := c.cfg.LookTimeout
	if limit <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit, &lateError{limit})
}

// lateError is why a host was waited for no longer.
type lateError struct{ limit time.Duration }

func (e *lateError) Error() string { return fmt.Sprintf("no answer within %s", e.limit) }

// adopt makes the table of hosts anew from what the provider lists, and moves
// the connections of machines that are still the same. It returns the hosts of
// the old table.
func (c *Cluster) adopt(machines []provider.Machine) (before []*host) {
	before = c.all()
	var hosts []*host
	for _, m := range machines {
		h := c.newHost(m.Node, m)
		h.inherit(before)
		hosts = append(hosts, h)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts, c.via, c.named = hosts, nil, map[string]bool{}
	return before
}

// inherit takes over the connection that there was to the same machine.
func (h *host) inherit(before []*host) {
	for _, old := range before {
		if old.is().ID == h.is().ID && old.way() == h.way() {
			h.take(old)
		}
	}
}

// begin starts a new round of steps.
func (c *Cluster) begin(v *plan.View, machines []provider.Machine) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round = newRound()
	c.round.machines = machines
	if v != nil {
		c.round.swarmID, c.round.nodes = v.ID, v.Nodes
	}
}

// visit asks one host, and keeps why it could not be asked.
func (c *Cluster) visit(ctx context.Context, h *host, forManagers time.Duration) {
	switch h.is().State {
	case provider.Running:
	case provider.Incomplete:
		h.off("it was never finished")
		return
	case provider.Stopped:
		h.off(switchedOff)
		return
	}
	if err := h.visit(ctx, c.patience(h, forManagers)); err != nil {
		h.unanswered(err)
		return
	}
	h.answered()
}

// patience is for how long a host is dialled again while the world is observed:
// managers decide over everything, so they are given time to boot. What is not
// in the file may be one.
func (c *Cluster) patience(h *host, forManagers time.Duration) time.Duration {
	if n, ok := c.cfg.Spec.Node(h.node); ok && n.Role == spec.Worker {
		return 0
	}
	return forManagers
}

// view asks the first manager that has a quorum for the whole swarm; nil if
// there is none.
func (c *Cluster) view(ctx context.Context) *plan.View {
	for _, h := range c.controllers() {
		if _, info := h.seen(); info.ClusterID == "" {
			continue
		}
		var v *plan.View
		err := h.tell(ctx, func(e *swarm.Engine) (err error) {
			if v, err = viewOf(ctx, e); err == nil && c.cfg.Spec.Swarm.Ingress.Given() {
				err = mesh(ctx, e, v)
			}
			return err
		})
		if err == nil {
			v.Via = h.node
			return v
		}
	}
	return nil
}

// reconcile asks hosts again of which the swarm says something else than they
// did: hosts join, and roles change, while the world is looked at. The swarm has
// the last word on who can be asked as a manager.
func (c *Cluster) reconcile(ctx context.Context, v *plan.View) {
	if v == nil {
		return
	}
	manager, living := map[string]bool{}, map[string]bool{}
	for _, e := range v.Nodes {
		manager[e.ID] = e.Manager != nil
		living[e.Hostname] = living[e.Hostname] || e.State != "down"
	}
	hosts := slices.DeleteFunc(c.connected(), func(h *host) bool {
		_, info := h.seen()
		if info.State == engine.Inactive {
			return !living[info.Hostname]
		}
		is, known := manager[info.NodeID]
		return !known || is == info.Manager
	})
	bounded(ctx, observers, hosts, func(ctx context.Context, h *host) {
		if err := h.look(ctx, lookWait); err != nil {
			h.unanswered(err)
			return
		}
		_, info := h.seen()
		h.setManager(info.Manager || manager[info.NodeID])
	})
}

func viewOf(ctx context.Context, e *swarm.Engine) (*plan.View, error) {
	sw, err := e.Swarm(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := e.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return &plan.View{
		ID: sw.ID, Nodes: nodes, Rotating: sw.Rotating, AutoLock: sw.Autolock,
		Settings: spec.Swarm{
			DefaultAddrPool: sw.Pool, SubnetSize: sw.SubnetSize,
			DataPathPort: sw.DataPathPort, NodeCertExpiry: sw.NodeCertExpiry,
			TaskHistory: &sw.TaskHistory, Heartbeat: sw.Heartbeat,
			SnapshotInterval: sw.Log.SnapshotInterval, SlowFollowers: sw.Log.SlowFollowers, OldSnapshots: &sw.Log.OldSnapshots,
		},
	}, nil
}

// mesh adds what there is to know of the ingress network.
func mesh(ctx context.Context, e *swarm.Engine, v *plan.View) error {
	i, err := e.Ingress(ctx)
	if err != nil {
		return err
	}
	services, err := e.Services(ctx)
	if err != nil {
		return err
	}
	v.Ingress = &i
	for _, s := range services {
		if s.Mesh {
			v.Mesh = append(v.Mesh, s.Name)
		}
	}
	return nil
}

// wantedOf gives what a node's machine would be made with now; nil where there is
// no such node, or the provider keeps nothing of it.
func (c *Cluster) wantedOf(node string) map[string]string {
	d, ok := c.cfg.Provider.(provider.Describer)
	n, known := c.cfg.Spec.Node(node)
	if !ok || !known {
		return nil
	}
	return d.Describe(c.request(n, ""))
}

// states gives all hosts as a plan needs them, sorted.
func (c *Cluster) states() []plan.Host {
	var out []plan.Host
	for _, h := range c.all() {
		st := h.state()
		st.Machine.Wanted = c.wantedOf(h.node)
		out = append(out, st)
	}
	slices.SortStableFunc(out, func(a, b plan.Host) int {
		return cmp.Or(strings.Compare(a.Node, b.Node), strings.Compare(a.Machine.Name, b.Machine.Name))
	})
	return out
}
