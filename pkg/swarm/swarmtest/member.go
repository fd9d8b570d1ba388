package swarmtest

import (
	"net"
	"net/http"
	"strings"

	"github.com/docker/docker/api/types/swarm"
)

const (
	alreadyMember = `This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.`
	noMember      = "This node is not part of a swarm"
	goesOn        = `Timeout was reached before node joined. The attempt to join the swarm will continue in the background. Use the "docker info" command to see the current swarm status of your node.`
)

// turn waits until the engine is free for the next join or leave.
func (e *Engine) turn(r *http.Request) bool {
	for !e.busy.over() {
		e.w.wait(r.Context(), e.busy)
		if r.Context().Err() != nil {
			return false
		}
	}
	return true
}

func (e *Engine) postInit(r *http.Request) reply {
	var req swarm.InitRequest
	if bad, ok := decode(r, &req); !ok {
		return bad
	}
	if !e.turn(r) {
		return reply{}
	}
	switch {
	case e.state == swarm.LocalNodeStateInactive:
	case !req.ForceNewCluster:
		return refuse(http.StatusServiceUnavailable, alreadyMember)
	case e.state == swarm.LocalNodeStateLocked:
		return refuse(http.StatusServiceUnavailable, locked)
	case !e.control:
		return refuse(http.StatusServiceUnavailable, notManager)
	default:
		return e.forceNew(r)
	}
	if e.live {
		return refuse(http.StatusBadRequest, "--live-restore daemon configuration is incompatible with swarm mode")
	}
	if len(req.DefaultAddrPool) > 0 && req.SubnetSize == 0 {
		e.w.violation("%s made a swarm with pools and no subnet size: it has no networks", e.hostname)
	}
	c := e.w.newCluster()
	c.pool, c.subnet, c.port = req.DefaultAddrPool, req.SubnetSize, req.DataPathPort
	c.defaults(req.Spec)
	c.makeIngress("", nil)
	n := c.add(swarm.NodeRoleManager, req.Availability)
	e.state, e.cluster, e.nodeID, e.onDisk = swarm.LocalNodeStatePending, c, n.id, true
	e.addrGiven = host(req.AdvertiseAddr)
	e.busy = newOperation()
	op := e.busy
	e.w.after(e.w.delays.Init, func() {
		if op.over() {
			return
		}
		e.enter(n)
		c.lead(n)
		c.changed()
		op.end(reply{http.StatusOK, n.id})
	})
	return e.w.wait(r.Context(), op)
}

func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}

func (e *Engine) postJoin(r *http.Request) reply {
	var req swarm.JoinRequest
	if bad, ok := decode(r, &req); !ok {
		return bad
	}
	if !e.turn(r) {
		return reply{}
	}
	if e.state != swarm.LocalNodeStateInactive {
		return refuse(http.StatusServiceUnavailable, alreadyMember)
	}
	if len(req.RemoteAddrs) == 0 {
		return refuse(http.StatusBadRequest, "at least 1 RemoteAddr is required to join")
	}
	if strings.Count(req.JoinToken, "-") != 3 || !strings.HasPrefix(req.JoinToken, "SWMTKN-1-") {
		return refuse(http.StatusInternalServerError, "invalid join token")
	}
	e.state, e.busy = swarm.LocalNodeStatePending, newOperation()
	e.life++
	j := &join{e: e, req: req, op: e.busy, life: e.life}
	j.begin()
	return e.w.wait(r.Context(), j.op)
}

func (e *Engine) postLeave(r *http.Request) reply {
	if !e.turn(r) {
		return reply{}
	}
	force := r.URL.Query().Get("force") == "1"
	switch {
	case e.state == swarm.LocalNodeStateInactive:
		return refuse(http.StatusServiceUnavailable, noMember)
	case e.state == swarm.LocalNodeStateLocked && !force:
		return refuse(http.StatusServiceUnavailable, "Swarm is encrypted and locked. Please unlock it first or use `--force` to ignore this message.")
	case e.control && !force:
		return refuse(http.StatusServiceUnavailable, "%s", e.leaveWarning())
	}
	e.judgeLeave(force)
	e.busy = newOperation()
	op := e.busy
	e.w.after(e.w.delays.Leave, func() {
		if op.over() {
			return
		}
		e.wipe()
		op.end(ok)
	})
	return e.w.wait(r.Context(), op)
}

// leaveWarning is moby daemon/cluster/swarm.go, Leave.
func (e *Engine) leaveWarning() string {
	text := "You are attempting to leave the swarm on a node that is participating as a manager. "
	if n := e.entry(); n != nil && n.member {
		if members, _ := e.cluster.votes(); members == 1 {
			return text + "Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message. "
		}
	}
	return text + "The only way to restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. Use `--force` to suppress this message."
}

// judgeLeave keeps what a careful caller does not do.
func (e *Engine) judgeLeave(force bool) {
	n := e.entry()
	if n == nil || e.state == swarm.LocalNodeStateError {
		return
	}
	switch members, _ := e.cluster.votes(); {
	case n.member && force && members > 1:
		e.w.violation("%s left by force as one of %d members of the raft group", e.hostname, members)
	case !n.member && e.certRole == managerRole && e.onDisk:
		e.w.violation("%s left before its demotion had settled", e.hostname)
	}
}
