package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
)

// The labels that every member is marked with, so that a line that leaves the
// file can still be reached, and ours can be told from others'.
const (
	MarkCluster = "swarmup.cluster"
	MarkNode    = "swarmup.node"
	MarkSSH     = "swarmup.ssh"
	MarkHostKey = "swarmup.hostkey"
	MarkOwned   = "swarmup.owned"
	// MarkBefore holds the availability that a node had before it was drained for
	// a while. It is there for as long as the node has to get it back.
	MarkBefore = "swarmup.prev-availability"
	// MarkLeaving names the machine of a member that another takes the place of.
	MarkLeaving = "swarmup.leaving"
)

// match finds the host and the entry of every node of the file. Membership is
// by NodeID; a mark speaks only for a host that cannot speak for itself.
func (d *differ) match() {
	byNode := map[string][]Host{}
	for _, h := range d.have.Hosts {
		byNode[h.Node] = append(byNode[h.Node], h)
	}
	for _, n := range d.want.Nodes {
		p := pair{node: n}
		hosts := d.staying(n, byNode[n.Name])
		if len(hosts) > 0 {
			p.host = &hosts[0]
			d.extras = append(d.extras, hosts[1:]...)
		}
		d.pairs = append(d.pairs, p)
	}
	for _, h := range d.have.Hosts {
		if _, ok := d.want.Node(h.Node); !ok {
			d.extras = append(d.extras, h)
		}
	}
	d.matchEntries()
}

// better orders the hosts of one node: members of the swarm first, then those
// that answer, then those that are on, then by machine name.
func (d *differ) better(a, b Host) int {
	rank := func(h Host) int {
		switch {
		case d.find(h.nodeID()) != nil:
			return 0
		case h.Answer == Answered:
			return 1
		case h.Machine.Power == Running:
			return 2
		case h.Machine.Power == Stopped:
			return 3
		}
		return 4
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Machine.Name, b.Machine.Name))
}

// find gives the swarm's entry of that ID; nil for none.
func (d *differ) find(id string) *engine.Node {
	if d.have.Swarm == nil || id == "" {
		return nil
	}
	for i := range d.have.Swarm.Nodes {
		if d.have.Swarm.Nodes[i].ID == id {
			return &d.have.Swarm.Nodes[i]
		}
	}
	return nil
}

func (d *differ) matchEntries() {
	if d.have.Swarm == nil {
		return
	}
	for i := range d.pairs {
		if h := d.pairs[i].host; h != nil {
			d.pairs[i].entry = d.find(h.nodeID())
		}
	}
	for _, e := range d.have.Swarm.Nodes {
		if d.claimed[e.ID] > 0 {
			continue
		}
		if d.leaves(e) {
			continue
		}
		if i := d.pairOf(e); i >= 0 {
			d.give(&d.pairs[i], e)
			continue
		}
		d.entries = append(d.entries, e)
	}
}

// pairOf gives the index of the pair that an unclaimed entry is or was; -1 for none.
func (d *differ) pairOf(e engine.Node) int {
	return slices.IndexFunc(d.pairs, func(p pair) bool {
		if d.marked(e) {
			return e.Labels[MarkNode] == p.node.Name
		}
		return p.host != nil && d.reinstalled(e, *p.host)
	})
}

// reinstalled says whether an unmarked entry that no host claims is what is
// left of an earlier life of a host that answered. The swarm goes on calling a
// host ready for up to 15 s after it left, so the address counts more.
func (d *differ) reinstalled(e engine.Node, h Host) bool {
	if h.Answer != Answered || e.Hostname == "" || e.Hostname != h.Info.Hostname {
		return false
	}
	return e.State != "ready" || e.Addr != "" && e.Addr == h.Machine.Address
}

// give hands an unclaimed entry to the node that it is marked with. A host that
// cannot say who it is may still be that member; one that answered is not.
func (d *differ) give(p *pair, e engine.Node) {
	unknown := p.host != nil && p.host.Answer != Answered && p.host.Machine.Power != Incomplete
	if unknown && (p.entry == nil || p.entry.State != "ready") {
		if p.entry != nil {
			p.stale = append(p.stale, *p.entry)
		}
		p.entry = &e
		return
	}
	p.stale = append(p.stale, e)
}

// marked says whether an entry is one of this cluster's own.
func (d *differ) marked(e engine.Node) bool {
	return e.Labels[MarkCluster] == d.want.Name && e.Labels[MarkNode] != ""
}
