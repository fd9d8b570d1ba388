package swarmtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/swarm"
)

func (c *cluster) node(n *node) swarm.Node {
	out := swarm.Node{ID: n.id, Spec: n.spec}
	out.Version.Index, out.CreatedAt = n.index, n.created
	out.Status = swarm.NodeStatus{State: n.state, Message: n.message, Addr: n.addr}
	out.Description.Hostname = n.hostname
	out.Description.Engine = swarm.EngineDescription{EngineVersion: n.engine, Labels: n.labels}
	out.Description.TLSInfo.CertIssuerPublicKey = []byte(n.issuer)
	if n.member {
		reach := swarm.ReachabilityUnreachable
		if c.reachable(n) {
			reach = swarm.ReachabilityReachable
		}
		out.ManagerStatus = &swarm.ManagerStatus{Leader: n == c.leader, Reachability: reach, Addr: n.addr + ":2377"}
	}
	return out
}

func (e *Engine) getNodes(*http.Request) reply {
	list := []swarm.Node{}
	for _, n := range e.cluster.sorted() {
		list = append(list, e.cluster.node(n))
	}
	return reply{http.StatusOK, list}
}

func (e *Engine) getNode(r *http.Request) reply {
	n, refusal := e.cluster.lookup(r.PathValue("id"))
	if n == nil {
		return refusal
	}
	return reply{http.StatusOK, e.cluster.node(n)}
}

// lookup takes an ID or the beginning of one (moby daemon/cluster/helpers.go,
// getNode).
func (c *cluster) lookup(id string) (*node, reply) {
	if n := c.nodes[id]; n != nil {
		return n, reply{}
	}
	var found []*node
	for _, n := range c.sorted() {
		if strings.HasPrefix(n.id, id) {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return nil, refuse(http.StatusNotFound, "node %s not found", id)
	case 1:
		return found[0], reply{}
	}
	return nil, refuse(http.StatusBadRequest, "node %s is ambiguous (%d matches found)", id, len(found))
}

func (e *Engine) postNode(r *http.Request) reply {
	var spec swarm.NodeSpec
	if bad, ok := decode(r, &spec); !ok {
		return bad
	}
	rawVersion := r.URL.Query().Get("version")
	version, err := strconv.ParseUint(rawVersion, 10, 64)
	if err != nil {
		return refuse(http.StatusBadRequest, "invalid node version '%s': %v", rawVersion, err)
	}
	if !slices.Contains([]swarm.NodeRole{swarm.NodeRoleManager, swarm.NodeRoleWorker}, spec.Role) {
		return refuse(http.StatusBadRequest, "invalid Role: %q", spec.Role)
	}
	if !slices.Contains([]swarm.NodeAvailability{swarm.NodeAvailabilityActive, swarm.NodeAvailabilityPause, swarm.NodeAvailabilityDrain}, spec.Availability) {
		return refuse(http.StatusBadRequest, "invalid Availability: %q", spec.Availability)
	}
	n, refusal := e.cluster.lookup(r.PathValue("id"))
	if n == nil {
		return refusal
	}
	if e.w.races > 0 {
		e.w.races--
		e.cluster.touch(n)
	}
	return e.cluster.update(n, version, spec)
}

// update is swarmkit manager/controlapi/node.go, UpdateNode.
func (c *cluster) update(n *node, version uint64, spec swarm.NodeSpec) reply {
	demoted := n.spec.Role == swarm.NodeRoleManager && spec.Role == swarm.NodeRoleWorker
	promoted := n.spec.Role == swarm.NodeRoleWorker && spec.Role == swarm.NodeRoleManager
	if demoted {
		members, _ := c.votes()
		switch {
		case n.member && members == 1:
			return refuse(http.StatusBadRequest, "rpc error: code = FailedPrecondition desc = attempting to demote the last manager of the swarm")
		case !n.member:
			return refuse(http.StatusNotFound, "rpc error: code = NotFound desc = can't find manager in raft memberlist")
		case !c.removable(n):
			return refuse(http.StatusBadRequest, "rpc error: code = FailedPrecondition desc = can't remove member from the raft: this would result in a loss of quorum")
		}
	}
	if version != n.index {
		return refuse(http.StatusInternalServerError, "rpc error: code = Unknown desc = update out of sequence")
	}
	if demoted || promoted {
		c.judgeRole(n)
	}
	n.spec = spec
	c.touch(n)
	switch {
	case demoted:
		c.w.after(c.w.delays.Demote, func() { c.demote(n) })
	case promoted:
		c.promote(n)
	}
	c.place()
	return ok
}

// judgeRole keeps what a careful caller does not do.
func (c *cluster) judgeRole(n *node) {
	for _, other := range c.sorted() {
		if other.member && other.spec.Role == swarm.NodeRoleWorker {
			c.w.violation("the role of %s changed while the demotion of %s was under way", n.hostname, other.hostname)
		}
	}
	if e := c.host(n); e != nil && !n.member && e.certRole == managerRole {
		c.w.violation("%s changed its role again before its demotion had settled", n.hostname)
	}
}

// demote takes a member out of the raft group, as soon as that breaks nothing
// (swarmkit manager/role_manager.go).
func (c *cluster) demote(n *node) {
	if !n.member || n.spec.Role != swarm.NodeRoleWorker || c.nodes[n.id] == nil {
		return
	}
	if !c.removable(n) || c.leader == nil {
		c.w.after(c.w.delays.Retry, func() { c.demote(n) })
		return
	}
	n.member = false
	c.touch(n)
	if c.leader == n {
		c.resign(c.w.delays.Transfer)
	}
	c.changed()
	e := c.host(n)
	if e == nil || !e.alive() {
		return
	}
	life := e.life
	c.w.after(c.w.delays.HostDemote, func() {
		if e.life == life && n.spec.Role == swarm.NodeRoleWorker {
			e.control = false
			c.w.after(c.w.delays.Settle, func() {
				if e.life == life && n.spec.Role == swarm.NodeRoleWorker {
					e.certRole = workerRole
				}
			})
		}
	})
}

// promote makes a living node a member. Before its last demotion has settled
// it takes a long time (swarmkit node/node.go, roleChangeTimeout).
func (c *cluster) promote(n *node) {
	d := c.w.delays.Promote
	if e := c.host(n); e != nil && e.certRole == managerRole {
		d = c.w.delays.Flip
	}
	c.w.after(d, func() {
		e := c.host(n)
		if c.nodes[n.id] == nil || n.spec.Role != swarm.NodeRoleManager || n.member {
			return
		}
		if e == nil || !c.present(n) || e.hidden || c.leader == nil {
			c.w.after(c.w.delays.Retry, func() { c.promote(n) })
			return
		}
		c.touch(n)
		e.enter(n)
	})
}

func (e *Engine) deleteNode(r *http.Request) reply {
	c := e.cluster
	n, refusal := c.lookup(r.PathValue("id"))
	switch {
	case n == nil:
		return refusal
	case n.member:
		return refuse(http.StatusBadRequest, "rpc error: code = FailedPrecondition desc = node %s is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal", n.id)
	case n.state == swarm.NodeStateReady && r.URL.Query().Get("force") != "1":
		return refuse(http.StatusBadRequest, "rpc error: code = FailedPrecondition desc = node %s is not down and can't be removed", n.id)
	}
	if h := c.host(n); h != nil && h.alive() && h.state == swarm.LocalNodeStateActive {
		c.w.violation("%s was removed while it was a living node", n.hostname)
	}
	delete(c.nodes, n.id)
	c.version++
	c.place()
	return ok
}
