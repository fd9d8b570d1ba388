package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/swarm"
)

// link is a connection to a machine, and the engine at its end.
type link struct {
	ssh    *ssh.Host
	engine *swarm.Engine
	// first holds one token: until the engine has answered once, who has it may
	// ask it. Docker's client settles the version of the API with its first call,
	// and lets all others wait for that whatever their contexts say.
	first    chan struct{}
	answered atomic.Bool
}

func newLink(s *ssh.Host, e *swarm.Engine) *link {
	s.Spare(e.CloseIdle)
	return &link{ssh: s, engine: e, first: make(chan struct{}, 1)}
}

// ask does something with the engine.
func (l *link) ask(ctx context.Context, do func(*swarm.Engine) error) error {
	if l.answered.Load() {
		return do(l.engine)
	}
	select {
	case l.first <- struct{}{}:
		defer func() { <-l.first }()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", engine.ErrNoAnswer, context.Cause(ctx))
	}
	err := do(l.engine)
	if err == nil || !errors.Is(err, engine.ErrNoAnswer) {
		l.answered.Store(true)
	}
	return err
}

// renew makes a new client of the host's engine, over the same connection: a client
// keeps to the version of the API that it settled, and an engine of another version
// may not have it any more.
func (h *host) renew() error {
	h.mu.Lock()
	l := h.link
	h.mu.Unlock()
	if l == nil {
		return nil
	}
	eng, err := swarm.New(l.ssh.DialContext)
	if err != nil {
		return fmt.Errorf("make client of its engine: %w", err)
	}
	h.mu.Lock()
	if h.link == l {
		h.link = newLink(l.ssh, eng)
	}
	h.mu.Unlock()
	return l.engine.Close()
}

func (l *link) close() {
	_ = l.engine.Close()
	_ = l.ssh.Close()
}

// noLinkError is why a host cannot be asked that there is no connection to. To
// those who ask engines it is one that did not answer.
type noLinkError struct{}

func (noLinkError) Error() string        { return "there is no connection to it" }
func (noLinkError) Is(target error) bool { return target == engine.ErrNoAnswer }

// connect logs in, unless that was done already. Nobody waits for it but those
// who need this host.
func (h *host) connect(ctx context.Context, patience time.Duration) error {
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if h.connected() {
		return nil
	}
	conn, err := h.dial(ctx, h, patience)
	if err != nil {
		return err
	}
	eng, err := swarm.New(conn.DialContext)
	if err != nil {
		_ = conn.Close()
		return fmt.Errorf("make client of its engine: %w", err)
	}
	return h.hold(newLink(conn, eng))
}

// hold keeps a new connection, unless the host was retired meanwhile.
func (h *host) hold(l *link) error {
	h.mu.Lock()
	retired := h.retired
	if !retired {
		h.link, h.lost = l, false
		h.login, h.hostKey = loginOf(l.ssh), l.ssh.HostKey()
	}
	h.mu.Unlock()
	if retired {
		l.close()
		return noLinkError{}
	}
	return nil
}

// disconnect ends the connection. Calls on it fail.
func (h *host) disconnect() {
	if l := h.release(); l != nil {
		l.close()
	}
}

// retire ends the connection for good.
func (h *host) retire() {
	h.mu.Lock()
	h.retired = true
	h.mu.Unlock()
	h.disconnect()
}

// gone says whether the host was taken away.
func (h *host) gone() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.retired
}

// release gives the connection away; nil if there is none.
func (h *host) release() *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.link
	h.link, h.lost = nil, false
	return l
}

// take moves the connection of another host here, if there is one.
func (h *host) take(old *host) {
	login, hostKey := old.reached()
	l := old.release()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.link, h.login, h.hostKey = l, login, hostKey
}

// connected says whether there is a connection, as far as is known.
func (h *host) connected() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.link != nil
}

// linked gives the connection. One that broke is made anew, in one attempt; a
// host that was never connected, or was disconnected, is left alone.
func (h *host) linked(ctx context.Context) (*link, error) {
	h.mu.Lock()
	l, lost := h.link, h.lost
	h.mu.Unlock()
	switch {
	case l != nil:
		return l, nil
	case !lost:
		return nil, noLinkError{}
	}
	if err := h.connect(ctx, 0); err != nil {
		return nil, fmt.Errorf("%w: %w", noLinkError{}, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.link == nil {
		return nil, noLinkError{}
	}
	return h.link, nil
}

// over looks at the error of a call: where the connection broke beneath it, the
// next call needs another one.
func (h *host) over(l *link, err error) error {
	if !broke(err) {
		return err
	}
	h.mu.Lock()
	broken := h.link == l
	if broken {
		h.link, h.lost = nil, true
	}
	h.mu.Unlock()
	if broken {
		l.close()
	}
	return err
}

// broke says whether a connection ended, rather than that something was said on it.
func broke(err error) bool {
	var lost *ssh.LostError
	return errors.As(err, &lost)
}

// with does something over the connection.
func (h *host) with(ctx context.Context, do func(*link) error) error {
	l, err := h.linked(ctx)
	if err != nil {
		return err
	}
	return h.over(l, do(l))
}

// tell does something with the engine.
func (h *host) tell(ctx context.Context, do func(*swarm.Engine) error) error {
	return h.with(ctx, func(l *link) error { return l.ask(ctx, do) })
}

// Run runs a command as root.
func (h *host) Run(ctx context.Context, cmd string, stdin io.Reader) (out string, err error) {
	err = h.with(ctx, func(l *link) (err error) {
		out, err = l.ssh.Run(ctx, cmd, stdin)
		return err
	})
	return out, err
}

// Put writes a file as root.
func (h *host) Put(ctx context.Context, path string, mode fs.FileMode, content []byte) error {
	return h.with(ctx, func(l *link) error { return l.ssh.Put(ctx, path, mode, content) })
}

// Info asks the engine about itself.
func (h *host) Info(ctx context.Context) (info engine.Info, err error) {
	err = h.tell(ctx, func(e *swarm.Engine) (err error) {
		info, err = e.Info(ctx)
		return err
	})
	return info, err
}

// member is a host to those who only want to know of its membership.
type member struct{ *host }

// Info asks the engine about its membership, which is cheap where there is none.
func (m member) Info(ctx context.Context) (info engine.Info, err error) {
	err = m.tell(ctx, func(e *swarm.Engine) (err error) {
		info, err = e.Membership(ctx)
		return err
	})
	if facts, _ := m.seen(); info.Hostname == "" {
		info.Hostname = facts.Hostname
	}
	return info, err
}

// Init makes the engine the first manager of a new swarm.
func (h *host) Init(ctx context.Context, r engine.InitRequest) (nodeID string, err error) {
	err = h.tell(ctx, func(e *swarm.Engine) (err error) {
		nodeID, err = e.Init(ctx, r)
		return err
	})
	return nodeID, err
}

// Join makes the engine join a swarm.
func (h *host) Join(ctx context.Context, r engine.JoinRequest) error {
	return h.tell(ctx, func(e *swarm.Engine) error { return e.Join(ctx, r) })
}

// Leave makes the engine leave its swarm.
func (h *host) Leave(ctx context.Context, force bool) error {
	return h.tell(ctx, func(e *swarm.Engine) error { return e.Leave(ctx, force) })
}
