package swarmtest

import (
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Clusters gives the IDs of all swarms that were ever made, also those that
// nobody is in any more: more than one means that there were two.
func (w *World) Clusters() []string {
	w.lock()
	defer w.mu.Unlock()
	var ids []string
	for _, c := range w.clusters {
		ids = append(ids, c.id)
	}
	return ids
}

// Nodes gives the nodes of all swarms in the order in which they were made, as
// the raft group has them, whether or not a manager could say so now.
func (w *World) Nodes() []engine.Node {
	w.lock()
	defer w.mu.Unlock()
	var list []engine.Node
	for _, c := range w.clusters {
		for _, n := range c.sorted() {
			list = append(list, c.plain(n))
		}
	}
	return list
}

func (c *cluster) plain(n *node) engine.Node {
	api := c.node(n)
	out := engine.Node{
		ID: n.id, Hostname: n.hostname, Addr: n.addr, Role: string(n.spec.Role), Availability: string(n.spec.Availability),
		State: string(n.state), Message: n.message, Labels: n.spec.Labels, EngineLabels: n.labels, Version: n.engine, Created: n.created,
	}
	if m := api.ManagerStatus; m != nil {
		out.Manager = &engine.ManagerStatus{Leader: m.Leader, Reachability: string(m.Reachability), Addr: m.Addr}
	}
	return out
}

// Ghosts gives the nodes that no engine is.
func (w *World) Ghosts() []engine.Node {
	w.lock()
	defer w.mu.Unlock()
	var list []engine.Node
	for _, c := range w.clusters {
		for _, n := range c.sorted() {
			if c.host(n) == nil {
				list = append(list, c.plain(n))
			}
		}
	}
	return list
}

// Margin is the least number of reachable managers beyond the quorum that any
// swarm ever had: 0 is a swarm that could not lose one more, less is one whose
// control plane stood still.
func (w *World) Margin() int {
	w.lock()
	defer w.mu.Unlock()
	var margins []int
	for _, c := range w.clusters {
		margins = append(margins, c.margin)
	}
	if len(margins) == 0 {
		return 0
	}
	return slices.Min(margins)
}

// ResetMargin forgets the past for Margin. A test that broke something itself
// calls it after.
func (w *World) ResetMargin() {
	w.lock()
	defer w.mu.Unlock()
	for _, c := range w.clusters {
		members, reachable := c.votes()
		c.margin = reachable - (members/2 + 1)
	}
}

// Violations are mistakes that a real swarm lets pass: a sentence each.
func (w *World) Violations() []string {
	w.lock()
	defer w.mu.Unlock()
	return slices.Clone(w.broken)
}

// Calls says how often a method was called on any engine, such as
// "POST /swarm/init" or "POST /nodes/{id}/update".
func (w *World) Calls(pattern string) int {
	w.lock()
	defer w.mu.Unlock()
	return w.calls[pattern]
}

// Race lets the next n updates of a node or of the swarm meet another update,
// that came first.
func (w *World) Race(n int) {
	w.lock()
	defer w.mu.Unlock()
	w.races = n
}

// RotateTokens makes new tokens in all swarms; the old ones open nothing now.
func (w *World) RotateTokens() {
	w.lock()
	defer w.mu.Unlock()
	for _, c := range w.clusters {
		c.rotate()
	}
}
