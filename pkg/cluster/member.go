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

// join makes a host a member, paused, by way of the leader. One that dies in the
// middle has a successor, and the host another try.
func (c *Cluster) join(ctx context.Context, s plan.Step, h *host) error {
	n, err := c.node(h)
	if err != nil {
		return err
	}
	advertise, dataPath, err := addresses(h, n)
	if err != nil {
		return err
	}
	facts, _ := h.seen()
	k := control{c}
	r := join.Request{
		Role: s.Role, Advertise: advertise, DataPath: dataPath,
		ClusterID: c.swarmID(), Certificate: facts.CertCluster,
	}
	if r.Remote, err = k.leader(ctx); err != nil {
		return err
	}
	id, err := c.enter(ctx, h, r)
	if err != nil && ctx.Err() == nil {
		before := r.Remote
		if next, leaderErr := k.leader(ctx); leaderErr == nil && next != before {
			r.Remote = next
			id, err = c.enter(ctx, h, r)
		}
	}
	if err != nil {
		return c.explain(ctx, h, r.Remote, err)
	}
	h.setManager(s.Role == spec.Manager)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round.joined[h.node] = id
	return nil
}

// enter joins by way of one manager, if the way to it is free.
func (c *Cluster) enter(ctx context.Context, h *host, r join.Request) (nodeID string, err error) {
	if err := c.passable(ctx, h, r.Remote); err != nil {
		return "", err
	}
	return join.Join(ctx, member{h}, control{c}, r)
}

// swarmID is the swarm that this round is about.
func (c *Cluster) swarmID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.round.swarmID
}

// label brings the entry of a node to what the file says, in one update. Which
// entry that is the node knows best; one that is only about to be switched on
// is known by what was planned.
func (c *Cluster) label(ctx context.Context, s plan.Step, h *host) error {
	n, err := c.node(h)
	if err != nil {
		return err
	}
	c.mu.Lock()
	id, joined := c.round.joined[n.Name]
	c.mu.Unlock()
	if !joined {
		id = s.Member
	}
	if !joined && (id == "" || h.connected()) {
		i, err := h.Info(ctx)
		if err != nil {
			return err
		}
		id = i.NodeID
	}
	if id == "" {
		return errors.New("it is in no swarm")
	}
	login, hostKey := h.reached()
	want := plan.Labels{Cluster: c.cfg.Spec.Name, Node: n, SSH: login, HostKey: hostKey, Formerly: c.former(s)}
	return join.Mark(ctx, control{c}, id, want.Apply)
}

// former gives the entry that a member had before, as it was observed at first;
// nil for none.
func (c *Cluster) former(s plan.Step) *engine.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.round.nodes, func(e engine.Node) bool { return s.Formerly != "" && e.ID == s.Formerly })
	if i < 0 {
		return nil
	}
	e := c.round.nodes[i]
	done := c.round.done[s.Node]
	switch before := e.Labels[plan.MarkBefore]; {
	case slices.Contains(done, plan.Mark), e.Labels[plan.MarkLeaving] != "":
		e.Availability = ""
	case before != "":
		e.Availability = before
	case !s.Return && slices.Contains(done, plan.Drain):
		e.Availability = ""
	}
	return &e
}

// mark notes on the entry of a machine that another takes its place. The entry
// has to be the one that was observed: marks lead to removals.
func (c *Cluster) mark(ctx context.Context, s plan.Step) error {
	if err := join.Mark(ctx, control{c}, s.Member, plan.Leaves(c.cfg.Spec.Name, s.Node, s.Machine)); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round.marked[s.Machine] = true
	return nil
}

func (c *Cluster) promote(ctx context.Context, s plan.Step, h *host) error {
	if err := join.Promote(ctx, control{c}, member{h}, s.Member); err != nil {
		return err
	}
	h.setManager(true)
	return nil
}

func (c *Cluster) demote(ctx context.Context, s plan.Step, h *host) error {
	h.setManager(false) // nothing is asked of it any more, from the first moment
	var err error
	if s.Force {
		err = join.Demote(ctx, control{c}, nil, s.Member, nil)
	} else {
		err = join.Demote(ctx, control{c}, member{h}, s.Member, h.settled)
	}
	if err != nil {
		h.setManager(true)
	}
	return err
}

// settled says whether the node's certificate shows that it is no manager: its
// own /info says so much earlier.
func (h *host) settled(ctx context.Context) (bool, error) {
	f, err := bootstrap.Probe(ctx, h)
	if err != nil {
		return false, err
	}
	return f.CertRole != "swarm-manager", nil
}

// drain takes the tasks from a node and waits for their end. With ForceDrain a
// wait that ran out of DrainTimeout is no failure.
func (c *Cluster) drain(ctx context.Context, s plan.Step) (string, error) {
	err := join.Drain(ctx, control{c}, s.Member, c.cfg.DrainTimeout, c.progress(s.Node))
	if left := c.forced(err); left != "" {
		return "goes on by force: " + left, nil
	}
	return "", err
}

// forced gives what a drain did not wait for any longer; "" if it must not go on.
func (c *Cluster) forced(err error) string {
	var late *wait.TimeoutError
	if c.cfg.ForceDrain && errors.As(err, &late) && late.After == c.cfg.DrainTimeout && late.Last != nil {
		return late.Last.Error()
	}
	return ""
}

// settleWait is for a demotion of an earlier run to settle: two of swarmkit's
// roleChangeTimeouts (swarmkit node/node.go) and a little.
const settleWait = 45 * time.Second

// leave makes a host leave its swarm. A member that an earlier run has demoted
// is given the time to become a worker wholly: it may get stuck otherwise.
func (c *Cluster) leave(ctx context.Context, s plan.Step, h *host) error {
	switch {
	case s.Member != "" && s.Force:
		if err := errors.Join(c.outvoted(ctx, s.Member), h.unled(ctx)); err != nil {
			return err
		}
	case s.Member != "":
		if err := wait.Until(ctx, "its certificate to say worker", settleWait, time.Second, h.settled); err != nil {
			return err
		}
	}
	if err := join.Leave(ctx, member{h}, s.Force); err != nil {
		return err
	}
	h.setManager(false)
	return nil
}

// outvoted fails if a member is one of the raft group, which force would break.
func (c *Cluster) outvoted(ctx context.Context, id string) error {
	nodes, err := control{c}.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, e := range nodes {
		if e.ID == id && e.Manager != nil {
			return errors.New("to the other managers it is one of them")
		}
	}
	return nil
}

// forget removes an entry from the node list, unless the node's host says that it
// is its own: it may have joined since the world was observed.
func (c *Cluster) forget(ctx context.Context, s plan.Step) error {
	for _, h := range c.connected() {
		if h.node != s.Node {
			continue
		}
		id, err := h.member(ctx)
		switch {
		case h.gone():
		case err != nil:
			return fmt.Errorf("ask %s who it is: %w", h.node, err)
		case id == s.Member:
			return errors.New("its host is a member under this entry: somebody else is at work on the swarm")
		}
	}
	return join.Forget(ctx, control{c}, s.Member)
}

// settings brings the swarm's settings to what the file says, in one update.
// The ingress network is no part of them for a swarm, but for the file.
func (c *Cluster) settings(ctx context.Context) (note string, err error) {
	want := c.cfg.Spec.Swarm
	change := func(s *engine.SwarmSpec) {
		if want.NodeCertExpiry != 0 {
			s.NodeCertExpiry = want.NodeCertExpiry
		}
		if want.TaskHistory != nil {
			s.TaskHistory = *want.TaskHistory
		}
		if want.Heartbeat != 0 {
			s.Heartbeat = want.Heartbeat
		}
		s.Log = plan.LogOf(want, s.Log)
	}
	if want.Autolock != nil {
		note, err = c.lock(ctx, change)
	} else {
		err = control{c}.UpdateSwarm(ctx, change)
	}
	if err != nil {
		return "", err
	}
	return note, c.ingress(ctx)
}

// ingress makes the ingress network what the file says, where it says anything.
func (c *Cluster) ingress(ctx context.Context) error {
	want := c.cfg.Spec.Swarm.Ingress
	if !want.Given() {
		return nil
	}
	_, err := bootstrap.Ingress(ctx, control{c}, plan.IngressOf(want))
	return err
}
