package swarmtest

import (
	"net/http"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// A join is one attempt of an engine to become a node. It goes on when nobody
// waits for its answer any more, but not when the engine is killed or leaves.
type join struct {
	e    *Engine
	req  swarm.JoinRequest
	op   *operation
	life int
	c    *cluster
	n    *node
}

// after plans a part of the join.
func (j *join) after(d time.Duration, do func()) {
	j.e.w.after(d, func() {
		if j.e.life == j.life {
			do()
		}
	})
}

func (j *join) begin() {
	w, d := j.e.w, j.e.w.delays
	remote := w.find(host(j.req.RemoteAddrs[0]))
	j.after(d.Timeout, func() { j.op.end(refuse(http.StatusServiceUnavailable, goesOn)) })
	if remote == nil || remote.cut || remote.hidden || j.e.cut {
		j.after(d.Abandoned, func() { j.abandon(tooLate) })
		return
	}
	if !remote.up || !remote.control {
		j.fail(d.Refused, http.StatusServiceUnavailable, `rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial tcp `+
			j.req.RemoteAddrs[0]+`: connect: connection refused"`)
		return
	}
	j.c = remote.cluster
	role, problem, code := j.c.role(j.req.JoinToken)
	switch {
	case problem != "":
		j.fail(d.Refused, code, problem)
	case remote.leaderless():
		j.fail(d.Refused, http.StatusInternalServerError, noLeader)
	default:
		j.run(role)
	}
}

// run issues a certificate, which makes an entry in the list of nodes, saves
// it, and registers.
func (j *join) run(role swarm.NodeRole) {
	e, d := j.e, j.e.w.delays
	total := d.JoinWorker
	if role == swarm.NodeRoleManager {
		total = d.JoinManager
	}
	j.after(total/2, func() {
		if j.c.leader == nil {
			j.fail(d.Refused, http.StatusInternalServerError, noLeader)
			return
		}
		j.n = j.c.add(role, j.req.Availability)
		if role == swarm.NodeRoleManager && e.hidden {
			j.ghost()
			return
		}
		j.after(total/4, func() {
			e.cluster, e.nodeID, e.onDisk = j.c, j.n.id, true
			e.certRole = "swarm-" + string(role)
			e.addrGiven = host(j.req.AdvertiseAddr)
		})
		j.after(total/2, j.finish)
	})
}

// finish makes the node a member. If its entry was removed meanwhile nobody
// tells it, and without a leader nobody answers it: both look like a time-out.
func (j *join) finish() {
	if j.c.nodes[j.n.id] == nil || j.c.leader == nil || j.e.cut {
		j.after(j.e.w.delays.Abandoned, func() { j.abandon(tooLate) })
		return
	}
	j.e.enter(j.n)
	j.op.end(ok)
}

// ghost is what a manager leaves that the leader cannot connect to: it had
// registered as a node before.
func (j *join) ghost() {
	j.n.hostname, j.n.addr, j.n.state = j.e.hostname, j.e.addr, swarm.NodeStateReady
	j.c.touch(j.n)
	j.fail(j.e.w.delays.Advertise, http.StatusInternalServerError, "manager stopped: can't initialize raft node: rpc error: code = Unknown desc = could not connect to prospective new cluster member using its advertised address: rpc error: code = Unavailable desc = connection error")
}

// fail ends the join within the call: the engine is as it was before.
func (j *join) fail(d time.Duration, code int, text string) {
	j.after(d, func() {
		if j.op.over() {
			j.abandon(text)
			return
		}
		j.e.wipe()
		if j.c != nil {
			j.c.changed()
		}
		j.op.end(refuse(code, "%s", text))
	})
}

// abandon ends a join after the call has given up. The engine does not try again.
func (j *join) abandon(text string) {
	j.e.state, j.e.errText = swarm.LocalNodeStateError, text
	j.op.end(refuse(http.StatusServiceUnavailable, goesOn))
	j.e.changed()
}

// role tells what a token is good for, or why it is not.
func (c *cluster) role(token string) (role swarm.NodeRole, problem string, code int) {
	switch {
	case token == c.worker:
		return swarm.NodeRoleWorker, "", 0
	case token == c.manager:
		return swarm.NodeRoleManager, "", 0
	case strings.Split(token, "-")[2] != strings.Split(c.worker, "-")[2]:
		return "", "remote CA does not match fingerprint. Expected: 9529c6f3c5558ac3ec02b338a52d3c5434e0835a8af6f1e124649e87afaa2fb5", http.StatusInternalServerError
	}
	return "", "rpc error: code = InvalidArgument desc = A valid join token is necessary to join this cluster", http.StatusBadRequest
}

func (w *World) find(addr string) *Engine {
	for _, e := range w.engines {
		if e.addr == addr {
			return e
		}
	}
	return nil
}
