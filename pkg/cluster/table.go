package cluster

import (
	"cmp"
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
)

// all gives the hosts that are known, in a fixed order.
func (c *Cluster) all() []*host {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.hosts)
}

// lookup gives the host of a machine, or else the newest one of a node; nil for
// none. A step names its machine, but where there was none when it was planned:
// it is then the one that this run has made, or one that only a mark leads to.
func (c *Cluster) lookup(machine, node string) *host {
	for _, h := range slices.Backward(c.all()) {
		name := h.is().Name
		if machine != "" && name == machine || machine == "" && h.node == node {
			return h
		}
	}
	return nil
}

// add puts a new host into the table.
func (c *Cluster) add(h *host) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts = append(c.hosts, h)
}

// put keeps what a provider says of a machine that it made or finished.
func (c *Cluster) put(node string, m provider.Machine) {
	if h := c.lookup(m.Name, node); h != nil && h.is().ID == m.ID {
		h.become(m, c.target(node, m))
		return
	}
	c.add(c.newHost(node, m))
}

// drop takes a host out of the table.
func (c *Cluster) drop(gone *host) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts = slices.DeleteFunc(c.hosts, func(h *host) bool { return h == gone })
	if c.via == gone {
		c.via = nil
	}
}

// connected gives the hosts with a connection.
func (c *Cluster) connected() []*host {
	return slices.DeleteFunc(c.all(), func(h *host) bool { return !h.connected() })
}

// leaving says whether another host takes the place of this one: it is marked so,
// or its node is at another address by now.
func (c *Cluster) leaving(h *host) bool {
	facts, info := h.seen()
	machine := h.is()
	moved := func(o *host) bool { return o.node == h.node && o.is().Name != "" }
	if machine.Name == "" && slices.ContainsFunc(c.all(), moved) {
		return true
	}
	id := cmp.Or(info.NodeID, facts.CertNode)
	c.mu.Lock()
	defer c.mu.Unlock()
	if name := machine.Name; name != "" && c.round.marked[name] {
		return true
	}
	return slices.ContainsFunc(c.round.nodes, func(e engine.Node) bool { return e.ID == id && id != "" && e.Labels[plan.MarkLeaving] != "" })
}
