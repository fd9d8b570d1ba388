package swarmtest

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// listener is the socket of an engine.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and dial. It is called once.
func (l *listener) Close() error {
	close(l.closed)
	return nil
}

// Addr gives an address that means nothing.
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "engine", Net: "unix"} }

func (e *Engine) serve() {
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	s := &http.Server{Handler: e.routes(), ReadHeaderTimeout: time.Minute}
	e.listener, e.server = l, s
	e.w.serving.Go(func() { _ = s.Serve(l) })
}

// shut breaks all connections.
func (e *Engine) shut() {
	if e.server != nil {
		_ = e.server.Close()
		e.server = nil
	}
}

type errorBody struct {
	Message string `json:"message"`
}

// A handler answers a request. It is called with the world locked.
type handler func(*http.Request) reply

func (e *Engine) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /_ping":                e.ping,
		"GET /info":                 e.getInfo,
		"GET /version":              e.getVersion,
		"GET /swarm":                e.manager(e.getSwarm),
		"POST /swarm/init":          e.postInit,
		"POST /swarm/join":          e.postJoin,
		"POST /swarm/leave":         e.postLeave,
		"POST /swarm/update":        e.manager(e.postSwarm),
		"GET /swarm/unlockkey":      e.manager(e.getUnlockKey),
		"POST /swarm/unlock":        e.postUnlock,
		"GET /nodes":                e.manager(e.getNodes),
		"GET /nodes/{id}":           e.manager(e.getNode),
		"POST /nodes/{id}/update":   e.manager(e.postNode),
		"DELETE /nodes/{id}":        e.manager(e.deleteNode),
		"GET /networks":             e.manager(e.getNetworks),
		"POST /networks/create":     e.manager(e.postNetwork),
		"DELETE /networks/{id}":     e.manager(e.deleteNetwork),
		"GET /volumes":              e.getVolumes,
		"GET /containers/json":      e.getContainers,
		"GET /tasks":                e.manager(e.getTasks),
		"GET /services":             e.manager(e.getServices),
		"GET /configs/{id}":         e.manager(e.getConfig),
		"POST /configs/create":      e.manager(e.postConfig),
		"POST /configs/{id}/update": e.manager(e.postConfigUpdate),
		"DELETE /configs/{id}":      e.manager(e.deleteConfig),
	} {
		mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { e.answer(rw, r, pattern, h) })
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if v, rest, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); found && strings.HasPrefix(v, "v1.") {
			if tooNew(v[1:], e.api) {
				send(rw, refuse(http.StatusBadRequest, "client version %s is too new. Maximum supported API version is %s", v[1:], e.api))
				return
			}
			r.URL.Path = "/" + rest
		}
		mux.ServeHTTP(rw, r)
	})
}

// tooNew compares versions of the form 1.NN.
func tooNew(asked, have string) bool {
	return len(asked) > len(have) || len(asked) == len(have) && asked > have
}

func (e *Engine) answer(rw http.ResponseWriter, r *http.Request, pattern string, h handler) {
	e.w.lock()
	if e.calls == nil {
		e.calls = map[string]int{}
	}
	e.calls[pattern]++
	e.w.calls[pattern]++
	silent := e.silent
	e.w.mu.Unlock()
	if silent {
		<-r.Context().Done()
		return
	}
	if pattern == "GET /_ping" {
		e.pingHeader(rw)
	}
	e.w.lock()
	answer := h(r)
	e.w.mu.Unlock()
	if answer.code != 0 { // else nobody waits for it
		send(rw, answer)
	}
}

func send(rw http.ResponseWriter, r reply) {
	if r.body != nil {
		rw.Header().Set("Content-Type", "application/json")
	}
	rw.WriteHeader(r.code)
	if r.body != nil {
		_ = json.NewEncoder(rw).Encode(r.body)
	}
}

// wait unlocks the world until the operation is over or the client is gone.
func (w *World) wait(ctx context.Context, op *operation) reply {
	for !op.over() {
		next := time.Hour
		if len(w.events) > 0 {
			next = time.Until(w.events[0].at)
		}
		w.mu.Unlock()
		due := time.NewTimer(next)
		select {
		case <-due.C:
		case <-op.done:
		case <-ctx.Done():
		}
		due.Stop()
		w.lock()
		if ctx.Err() != nil {
			return reply{}
		}
	}
	return op.reply
}

// sleep unlocks the world for d.
func (w *World) sleep(ctx context.Context, d time.Duration) {
	op := newOperation()
	w.after(d, func() { op.end(ok) })
	w.wait(ctx, op)
}

// manager lets a request through only where the control plane works (moby
// daemon/cluster/cluster.go, lockedManagerAction).
func (e *Engine) manager(h handler) handler {
	return func(r *http.Request) reply {
		if refusal, refused := e.refusal(r); refused {
			return refusal
		}
		return h(r)
	}
}

const (
	locked     = `Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.`
	notManager = "This node is not a swarm manager. "
	noLeader   = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of the managers are online."
	tooLate    = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
)

func (e *Engine) refusal(r *http.Request) (reply, bool) {
	switch {
	case e.state == swarm.LocalNodeStateLocked:
		return refuse(http.StatusServiceUnavailable, locked), true
	case !e.control && (e.state == swarm.LocalNodeStateInactive || e.state == swarm.LocalNodeStateError):
		return refuse(http.StatusServiceUnavailable, notManager+`Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.`), true
	case !e.control:
		return refuse(http.StatusServiceUnavailable, notManager+"Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager."), true
	case e.leaderless():
		return refuse(http.StatusInternalServerError, noLeader), true
	case e.cluster.leader == nil && r.Method != http.MethodGet:
		e.w.sleep(r.Context(), e.w.delays.Timeout)
		return refuse(http.StatusInternalServerError, tooLate), true
	}
	return reply{}, false
}

// leaderless says whether a manager cannot even read. Until the lease is over
// a leader without a quorum still answers.
func (e *Engine) leaderless() bool {
	c := e.cluster
	if n := e.entry(); n == nil || !n.member || e.cut {
		return true
	}
	if c.leader != nil {
		return false
	}
	led := c.acting != nil && c.acting.alive() && c.acting.cluster == c
	return !led || c.w.clock.Sub(c.lost) >= c.w.delays.Stale
}

func decode(r *http.Request, into any) (reply, bool) {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "invalid JSON: %v", err), false
	}
	return reply{}, true
}
