package swarmtest

import (
	"net/http"

	"github.com/docker/docker/api/types/swarm"
)

// forceNew is an init with ForceNewCluster: the node starts anew as the only
// member of the raft group (moby daemon/cluster/swarm.go, Init; swarmkit
// manager/state/raft, createConfChangeEnts). The entries of all nodes stay, and
// those of the other managers go on being of role manager.
func (e *Engine) forceNew(r *http.Request) reply {
	c, n := e.cluster, e.entry()
	if members, reachable := c.votes(); reachable >= members/2+1 {
		e.w.violation("%s was made the only manager while its swarm had a quorum", e.hostname)
	}
	e.state = swarm.LocalNodeStatePending
	e.busy = newOperation()
	op := e.busy
	e.w.after(e.w.delays.Resume, func() {
		if op.over() {
			return
		}
		for _, other := range c.nodes {
			other.member = false
		}
		n.spec.Role = swarm.NodeRoleManager
		e.enter(n)
		c.lead(n)
		c.changed()
		op.end(reply{http.StatusOK, n.id})
	})
	return e.w.wait(r.Context(), op)
}
