package swarmtest

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"syscall"

	"github.com/docker/docker/api/types/swarm"
)

// Engine is one machine with an engine on it.
type Engine struct {
	w        *World
	addr     string
	hostname string

	id       string
	version  string
	api      string
	labels   map[string]string
	live     bool // live-restore
	insecure []string
	mirrors  []string
	volumes  []Volume

	up       bool
	life     int // counts kills, revivals, joins and leaves
	server   *http.Server
	listener *listener
	dialErr  error
	silent   bool
	cut      bool // nothing passes between it and other engines
	hidden   bool // nobody reaches it, it reaches all

	state     swarm.LocalNodeState
	errText   string
	nodeID    string
	addrGiven string
	control   bool // takes part in the control plane
	cluster   *cluster
	busy      *operation
	unlocking *operation // the unlock that waits for it to be a member
	onDisk    bool       // the certificate is saved
	disk      string     // the key that its disk is locked with; "" for none
	certRole  string     // swarm-manager, swarm-worker
	calls     map[string]int
}

// Addr is the IP address of the machine.
func (e *Engine) Addr() string { return e.addr }

// Hostname is what the engine calls its machine.
func (e *Engine) Hostname() string { return e.hostname }

// Dial is a swarm.Dialer: a connection to this engine's socket.
func (e *Engine) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	e.w.lock()
	up, l, err := e.up, e.listener, e.dialErr
	e.w.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if !up {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: &net.UnixAddr{Net: network, Name: addr}, Err: syscall.ECONNREFUSED}
	}
	return l.dial(ctx)
}

// SetDialError makes every Dial fail so, as if the machine were out of reach;
// nil ends that. What the engine does in its swarm is not touched.
func (e *Engine) SetDialError(err error) { e.set(func() { e.dialErr = err }) }

// SetSilent makes the engine take requests and never answer them.
func (e *Engine) SetSilent(on bool) { e.set(func() { e.silent = on }) }

// SetVersion sets the versions of the engine and of its API, such as "20.10.24"
// and "1.41".
func (e *Engine) SetVersion(version, api string) { e.set(func() { e.version, e.api = version, api }) }

// SetLiveRestore sets what /info says of live-restore.
func (e *Engine) SetLiveRestore(on bool) { e.set(func() { e.live = on }) }

// SetEngineLabels sets the engine's labels, as a reload of daemon.json does:
// /info shows them at once, managers after Delays.Labels.
func (e *Engine) SetEngineLabels(labels map[string]string) {
	e.set(func() {
		e.labels = maps.Clone(labels)
		e.w.after(e.w.delays.Labels, e.describe)
	})
}

// SetRegistries sets what /info shows of daemon.json's insecure-registries and
// registry-mirrors.
func (e *Engine) SetRegistries(insecure, mirrors []string) {
	e.set(func() { e.insecure, e.mirrors = slices.Clone(insecure), slices.Clone(mirrors) })
}

// SetCut drops all packets between this engine and others (not the way to its
// socket): joins run into their time-outs, managers do not count for quorum,
// nodes go down.
func (e *Engine) SetCut(on bool) {
	e.set(func() {
		e.cut = on
		e.changed()
	})
}

// SetHidden drops what others send to this engine; what it sends arrives. As a
// worker it joins well; as a manager it does not, and leaves a ghost.
func (e *Engine) SetHidden(on bool) { e.set(func() { e.hidden = on }) }

// ExpireCertificate lets the engine come to its end of a long time without its
// swarm: it is in state error and says so.
func (e *Engine) ExpireCertificate() {
	e.set(func() {
		e.state, e.control = swarm.LocalNodeStateError, false
		e.errText = "Swarm certificates have expired. To replace them, leave the swarm and join again."
		e.changed()
	})
}

// Lock is a restart of a manager of a swarm with autolock. It is locked also
// where its swarm has none: then there is no key for it.
func (e *Engine) Lock() { e.set(e.lock) }

// Restart ends the engine and starts it again: it is pending, or locked.
func (e *Engine) Restart() {
	e.Kill()
	e.Revive()
}

// Kill ends the engine as kill -9 does: open connections break, nothing is
// tidied up. What is on its disk stays.
func (e *Engine) Kill() {
	e.set(func() {
		e.up = false
		e.life++
		if n := e.entry(); n != nil {
			e.cluster.die(n)
		}
		e.busy.end(reply{})
		e.shut()
		e.changed()
	})
}

// Revive starts a killed engine again. It takes up what its disk says: nothing,
// or its membership, which may be over meanwhile.
func (e *Engine) Revive() {
	e.set(func() {
		if e.up {
			return
		}
		e.up = true
		e.life++
		e.serve()
		e.resume()
	})
}

func (e *Engine) set(change func()) {
	e.w.lock()
	defer e.w.mu.Unlock()
	change()
}

// Certificate gives what the file swarm-node.crt on the machine says: the
// cluster (O), the node (CN) and its role (OU, "swarm-manager" or
// "swarm-worker"). All are "" without a certificate.
func (e *Engine) Certificate() (clusterID, nodeID, role string) {
	e.w.lock()
	defer e.w.mu.Unlock()
	if !e.onDisk || e.cluster == nil {
		return "", "", ""
	}
	return e.cluster.id, e.nodeID, e.certRole
}

// Calls says how often a method was called on this engine, such as
// "POST /nodes/{id}/update".
func (e *Engine) Calls(pattern string) int {
	e.w.lock()
	defer e.w.mu.Unlock()
	return e.calls[pattern]
}

// alive says whether other engines hear from it.
func (e *Engine) alive() bool { return e.up && !e.cut }

// wipe forgets all membership.
func (e *Engine) wipe() {
	e.life++
	e.state, e.errText, e.nodeID, e.addrGiven = swarm.LocalNodeStateInactive, "", "", ""
	e.control, e.onDisk, e.certRole, e.disk = false, false, "", ""
	c := e.cluster
	e.cluster = nil
	if c != nil {
		c.changed()
	}
}

// changed tells the swarm that something is different about the engine.
func (e *Engine) changed() {
	if e.cluster != nil {
		e.cluster.changed()
	}
}

// resume takes up the membership that is on the disk.
func (e *Engine) resume() {
	if !e.onDisk {
		e.wipe()
		return
	}
	if e.lockedAtStart() {
		e.lock()
		return
	}
	e.takeUp()
}

// takeUp lets the engine try to be the member again that its disk says it is.
func (e *Engine) takeUp() {
	e.state, e.control = swarm.LocalNodeStatePending, false
	e.cluster.changed()
	life := e.life
	var try func()
	try = func() {
		if e.life != life || e.state != swarm.LocalNodeStatePending || e.cluster == nil {
			return
		}
		n := e.cluster.nodes[e.nodeID]
		switch {
		case n == nil || e.cluster.leader == nil || e.cut:
			e.control = e.certRole == managerRole
			e.w.after(e.w.delays.Resume, try)
		default:
			e.enter(n)
		}
	}
	e.w.after(e.w.delays.Resume, try)
}

// enter makes the engine an active node.
func (e *Engine) enter(n *node) {
	e.state, e.errText = swarm.LocalNodeStateActive, ""
	e.certRole, e.control = workerRole, false
	if n.spec.Role == swarm.NodeRoleManager {
		e.certRole, e.control = managerRole, true
		n.member = true
		n.joined = e.w.clock
	}
	n.hostname, n.addr = e.hostname, e.addr
	if n.issuer == "" {
		n.issuer = e.cluster.issuer()
	}
	e.unlocking.end(ok)
	e.w.after(e.w.delays.Rekey, e.cluster.rekey)
	e.describe()
	e.cluster.changed()
}

// describe tells the managers what they show of this engine.
func (e *Engine) describe() {
	n := e.entry()
	if n == nil || !e.alive() || e.state != swarm.LocalNodeStateActive {
		return
	}
	n.labels, n.engine = maps.Clone(e.labels), e.version
	e.cluster.touch(n)
}

// entry is the engine's own entry in its swarm.
func (e *Engine) entry() *node {
	if e.cluster == nil {
		return nil
	}
	return e.cluster.nodes[e.nodeID]
}

// The organizational units of certificates (swarmkit ca/certificates.go).
const (
	managerRole = "swarm-manager"
	workerRole  = "swarm-worker"
)

// A reply is an answer to be sent; with code 0 the connection breaks.
type reply struct {
	code int
	body any
}

func refuse(code int, format string, args ...any) reply {
	return reply{code, errorBody{fmt.Sprintf(format, args...)}}
}

var ok = reply{code: http.StatusOK}

// An operation is a join or a leave under way. An engine does one at a time
// (moby daemon/cluster/cluster.go, controlMutex), whoever still waits for it.
type operation struct {
	done  chan struct{}
	reply reply
}

func newOperation() *operation { return &operation{done: make(chan struct{})} }

func (o *operation) over() bool {
	if o == nil {
		return true
	}
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// end gives the answer, unless there is one.
func (o *operation) end(r reply) {
	if o.over() {
		return
	}
	o.reply = r
	close(o.done)
}
