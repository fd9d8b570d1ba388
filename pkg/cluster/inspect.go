package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
)

// inspect asks the hosts that are about to become members for what decides
// whether they can, and has them try the way to the leader. Where there are
// none nobody is asked anything.
func (c *Cluster) inspect(ctx context.Context, v *plan.View) {
	var joining []*host
	for _, h := range c.connected() {
		if _, wanted := c.cfg.Spec.Node(h.node); wanted && h.joins() {
			joining = append(joining, h)
		}
	}
	if len(joining) == 0 {
		return
	}
	asked := slices.Clone(joining)
	d := c.door(v)
	if d.host != nil && !slices.Contains(asked, d.host) {
		asked = append(asked, d.host) // its clock is to be compared with
	}
	bounded(ctx, observers, asked, func(ctx context.Context, h *host) {
		err := h.inspect(ctx)
		switch {
		case !slices.Contains(joining, h): // without it there is less to compare with
		case err != nil:
			h.unanswered(err)
		default:
			h.tried(c.knock(ctx, h, d, true))
		}
	})
}

// inspect asks one host, unless it has said it all when it was looked at.
func (h *host) inspect(ctx context.Context) error {
	var cond preflight.Conditions
	if facts, _ := h.seen(); facts.Conditions != nil {
		cond = *facts.Conditions
	} else {
		var err error
		if cond, err = bootstrap.Look(ctx, h); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	cond.Addresses = append(cond.Addresses, interfaces(h.facts)...)
	h.conditions = &cond
	return nil
}

// joins says whether the host is in no swarm, as far as it knows.
func (h *host) joins() bool { return h.state().Joins() }

// inspected gives what the host was found to be; false if nobody asked.
func (h *host) inspected() (preflight.Conditions, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conditions == nil {
		return preflight.Conditions{}, false
	}
	return *h.conditions, true
}

// tried keeps what came of tries to connect. What is known of a host is never
// changed in place.
func (h *host) tried(a []preflight.Attempt) {
	cond, ok := h.inspected()
	if !ok {
		return
	}
	cond.Reached = a
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conditions = &cond
}

// UnfitError means that a host cannot become a member for what it says of
// itself.
type UnfitError struct{ preflight.Finding }

// Error is what is wrong.
func (e *UnfitError) Error() string { return e.Text }

// admit judges a host that has come while steps are done: a machine that was
// just made, or one that was silent before.
func (c *Cluster) admit(ctx context.Context, h *host) error {
	if !h.joins() {
		return nil
	}
	if err := h.inspect(ctx); err != nil {
		return err
	}
	st := plan.State{Hosts: c.states()}
	if id := c.swarmID(); id != "" {
		st.Swarm = &plan.View{ID: id, Settings: c.cfg.Spec.Swarm}
	}
	for _, f := range plan.Judge(c.cfg.Spec, st) {
		if f.Host == h.node && !f.Note {
			return &UnfitError{f}
		}
	}
	return nil
}

// door is where hosts join.
type door struct {
	host *host // nil where there is no connection to it
	name string
	ip   netip.Addr
	open bool // somebody listens there
}

// door gives the leader of the swarm that there is, or the manager that will
// make it. Its address is not valid where it is not known yet.
func (c *Cluster) door(v *plan.View) door {
	if v == nil {
		n := c.cfg.Spec.Nodes[0]
		h := c.lookup("", n.Name)
		if h == nil || !h.connected() {
			return door{name: n.Name}
		}
		return door{host: h, name: n.Name, ip: h.outward(c)}
	}
	for _, e := range v.Nodes {
		if e.Manager == nil || !e.Manager.Leader {
			continue
		}
		d := c.doorAt(e.Manager.Addr, v.Nodes)
		d.open = true
		return d
	}
	return door{}
}

// doorAt gives the door at the address of a manager.
func (c *Cluster) doorAt(addr string, nodes []engine.Node) door {
	d := door{name: addr}
	if at, err := netip.ParseAddrPort(addr); err == nil {
		d.ip = at.Addr()
	}
	for _, e := range nodes {
		if e.Manager == nil || e.Manager.Addr != addr {
			continue
		}
		d.name = e.Hostname
		for _, h := range c.connected() {
			if _, info := h.seen(); info.NodeID == e.ID {
				d.host, d.name = h, h.node
			}
		}
	}
	return d
}

// outward gives the IP address that the host will be known by; not valid where
// the engine will choose it.
func (h *host) outward(c *Cluster) netip.Addr {
	n, err := c.node(h)
	if err != nil {
		return netip.Addr{}
	}
	advertise, _, err := addresses(h, n)
	if err != nil {
		return netip.Addr{}
	}
	facts, _ := h.seen()
	if found := preflight.Chosen(interfaces(facts), advertise); len(found) > 0 {
		return found[0].IP()
	}
	return netip.Addr{}
}

// passable has a host that was not asked before knock at the leader's door, and
// says in one sentence what keeps it out.
func (c *Cluster) passable(ctx context.Context, h *host, leader string) error {
	cond, ok := h.inspected()
	tried := len(cond.Reached) > 0
	if !ok || tried && !slices.ContainsFunc(cond.Reached, func(a preflight.Attempt) bool { return a.Outcome == preflight.Dropped }) {
		return nil
	}
	var unfit *UnfitError
	if err := c.barred(ctx, h, leader); errors.As(err, &unfit) {
		return err
	}
	return nil
}

// barred says what keeps a host from a leader's door; nil if nothing does.
func (c *Cluster) barred(ctx context.Context, h *host, leader string) error {
	nodes, err := control{c}.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("find the leader: %w", err)
	}
	d := c.doorAt(leader, nodes)
	d.open = true
	tries := c.knock(ctx, h, d, false)
	one := preflight.Host{Name: h.node, Joins: true, Conditions: preflight.Conditions{Reached: tries}}
	for _, f := range preflight.Judge(preflight.Wish{}, []preflight.Host{one}) {
		if !f.Note {
			return &UnfitError{f}
		}
	}
	return nil
}

// explain says why a join failed, where the way to the leader is the reason: an
// engine's own words about it say little.
func (c *Cluster) explain(ctx context.Context, h *host, leader string, err error) error {
	var unfit *UnfitError
	if errors.As(err, &unfit) {
		return err
	}
	if ctx.Err() == nil && errors.As(c.barred(ctx, h, leader), &unfit) {
		return unfit
	}
	return err
}
