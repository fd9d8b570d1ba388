package swarmtest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// A cluster is one swarm, as its raft group knows it.
type cluster struct {
	w       *World
	id      string
	created time.Time
	nodes   map[string]*node
	leader  *node
	acting  *Engine   // the engine of the last leader
	lost    time.Time // when there was no leader any more
	version uint64    // of the store
	index   uint64    // of the swarm's own record
	spec    swarm.Spec
	root    string // stands for the certificate of the root CA
	next    string // the root CA that comes in its place; "" for none
	worker  string
	manager string
	key     string // that unlocks managers; "" while they are not locked
	pool    []string
	subnet  uint32
	port    uint32
	margin  int // the least of reachable managers beyond the quorum, ever

	meshes   []*ingress // ingress networks, the last one made last
	configs  []*swarm.Config
	services []*Service
	tasks    []*task
}

// A node is an entry in the list of nodes.
type node struct {
	id       string
	index    uint64 // its version
	created  time.Time
	joined   time.Time // the raft group
	spec     swarm.NodeSpec
	member   bool // of the raft group
	hostname string
	addr     string
	labels   map[string]string
	engine   string
	state    swarm.NodeState
	message  string
	seen     time.Time // since when its engine is heard of
	gone     time.Time // since when it is not
	mesh     *ingress  // that it is attached to
	issuer   string    // the root CA that signed its certificate
}

func (w *World) newCluster() *cluster {
	c := &cluster{w: w, id: w.newID(), created: w.clock, nodes: map[string]*node{}, margin: math.MaxInt}
	c.rotate()
	w.clusters = append(w.clusters, c)
	return c
}

// rotate makes new tokens. Their first part is the digest of the root
// certificate and stays.
func (c *cluster) rotate() {
	c.root = c.id + c.id
	c.exchange(true, true)
	c.written()
}

// exchange makes new tokens for one role or both.
func (c *cluster) exchange(worker, manager bool) {
	if worker {
		c.worker = fmt.Sprintf("SWMTKN-1-%s-%s", c.root[:50], c.w.newID())
	}
	if manager {
		c.manager = fmt.Sprintf("SWMTKN-1-%s-%s", c.root[:50], c.w.newID())
	}
}

// written counts a write of the swarm's own record.
func (c *cluster) written() {
	c.version++
	c.index = c.version
}

func (c *cluster) add(role swarm.NodeRole, availability swarm.NodeAvailability) *node {
	if availability == "" {
		availability = swarm.NodeAvailabilityActive
	}
	n := &node{id: c.w.newID(), created: c.w.clock, state: swarm.NodeStateUnknown}
	n.spec.Role, n.spec.Availability = role, availability
	n.spec.Labels = map[string]string{}
	c.nodes[n.id] = n
	c.touch(n)
	return n
}

// touch counts a write. Versions are of the whole store (swarmkit
// manager/state/store/memory.go).
func (c *cluster) touch(n *node) {
	c.version++
	n.index = c.version
	n.mesh = c.mesh()
}

// sorted gives the nodes in the order in which they were made.
func (c *cluster) sorted() []*node {
	var list []*node
	for _, n := range c.nodes {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b *node) int {
		if a.created.Equal(b.created) {
			return compare(a.id, b.id)
		}
		return a.created.Compare(b.created)
	})
	return list
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// host gives the engine that is this node, if there is one.
func (c *cluster) host(n *node) *Engine {
	for _, e := range c.w.engines {
		if e.cluster == c && e.nodeID == n.id {
			return e
		}
	}
	return nil
}

// reachable says whether other managers hear from a member.
func (c *cluster) reachable(n *node) bool {
	e := c.host(n)
	return e != nil && e.alive() && e.state != swarm.LocalNodeStateError && e.state != swarm.LocalNodeStateLocked
}

// votes counts the members of the raft group and those that are reachable.
func (c *cluster) votes() (members, reachable int) {
	for _, n := range c.nodes {
		if n.member {
			members++
			if c.reachable(n) {
				reachable++
			}
		}
	}
	return members, reachable
}

func (c *cluster) quorum() bool {
	members, reachable := c.votes()
	return members > 0 && reachable >= members/2+1
}

// changed looks what follows from a change: to the leader, to nodes.
func (c *cluster) changed() {
	members, reachable := c.votes()
	if members > 0 {
		c.margin = min(c.margin, reachable-(members/2+1))
	}
	if c.leader != nil && (!c.leader.member || !c.reachable(c.leader) || !c.quorum()) {
		c.resign(c.w.delays.Elect)
	} else if c.leader == nil && c.quorum() {
		c.resign(c.w.delays.Elect)
	}
	for _, n := range c.sorted() {
		c.check(n)
	}
	c.w.after(c.w.delays.Renew, c.renew)
}

// resign leaves the swarm without a leader until one is elected.
func (c *cluster) resign(d time.Duration) {
	if c.leader != nil {
		c.leader, c.lost = nil, c.w.clock
	}
	c.w.after(d, c.elect)
}

func (c *cluster) elect() {
	if c.leader != nil || !c.quorum() {
		return
	}
	var first *node
	for _, n := range c.sorted() {
		if n.member && c.reachable(n) && (first == nil || n.joined.Before(first.joined)) {
			first = n
		}
	}
	c.lead(first)
	for _, n := range c.sorted() {
		if n.state == swarm.NodeStateReady {
			n.state, n.message = swarm.NodeStateUnknown, `Node moved to "unknown" state due to leadership change in cluster`
			n.seen = time.Time{}
			c.touch(n)
		}
		c.w.after(c.w.delays.Register, func() { c.check(n) })
	}
}

func (c *cluster) lead(n *node) { c.leader, c.acting = n, c.host(n) }

// check compares the state of a node with its engine: it is ready soon after
// the engine is heard of, and down when it was not for a while. A node that
// never registered has no name and stays unknown.
func (c *cluster) check(n *node) {
	if c.present(n) {
		n.gone = time.Time{}
		if n.state != swarm.NodeStateReady && c.since(n, &n.seen, c.w.delays.Ready) {
			n.state, n.message = swarm.NodeStateReady, ""
			c.touch(n)
		}
		return
	}
	n.seen = time.Time{}
	if n.hostname != "" && n.state != swarm.NodeStateDown && c.since(n, &n.gone, c.w.delays.Down) {
		n.state, n.message = swarm.NodeStateDown, "heartbeat failure"
		c.touch(n)
		c.place()
	}
}

func (c *cluster) present(n *node) bool {
	e := c.host(n)
	return e != nil && e.alive() && e.state == swarm.LocalNodeStateActive
}

// since says whether something holds for d already, and has the node checked
// again when it will. Without a leader nobody notices anything.
func (c *cluster) since(n *node, start *time.Time, d time.Duration) bool {
	if start.IsZero() {
		*start = c.w.clock
		c.w.after(d, func() { c.check(n) })
	}
	return c.leader != nil && c.w.clock.Sub(*start) >= d
}

// removable is swarmkit manager/state/raft/raft.go, CanRemoveMember.
func (c *cluster) removable(n *node) bool {
	members, reachable := 0, 0
	for _, other := range c.nodes {
		if other != n && other.member {
			members++
			if c.reachable(other) {
				reachable++
			}
		}
	}
	return members > 0 && reachable >= members/2+1
}
