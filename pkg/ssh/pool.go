package ssh

import (
	"context"
	"errors"
	"sync"
)

// startupsAtOnce bounds the logins that are under way on one sshd at once.
// sshd counts those, and beyond MaxStartups (10 by default; sshd_config(5)) it
// hangs up on some of them.
const startupsAtOnce = 2

// Pool is what the logins of a run share: one connection to each jump host for
// all that are behind it, how many logins are under way on each sshd, and what
// the user was asked. The zero value is ready. It may be used concurrently.
// A connection to a jump host ends with the last Host behind it.
type Pool struct {
	mu    sync.Mutex
	jumps map[string]*jump
	doors map[string]chan struct{}
	keys  map[string]*opened // by label: what was asked for
	proof *proof             // nil until sudo wanted a password
}

// jump is a jump host that somebody holds on to.
type jump struct {
	key     string
	holders int
	host    *Host   // nil until it was reached for the first time
	flight  *flight // somebody is on the way there; nil for nobody
}

// flight is one attempt to reach a jump host. Whoever needs the host meanwhile
// waits for it, so that a bastion is not asked twenty times in vain.
type flight struct {
	done   chan struct{}
	err    error
	called bool // off, by the end of the context of the one who went
}

// hold gives the jump host of an endpoint, reached or not; each hold is let go
// with leave.
func (p *Pool) hold(e *endpoint) *jump {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := e.key()
	j := p.jumps[key]
	if j == nil {
		if p.jumps == nil {
			p.jumps = map[string]*jump{}
		}
		j = &jump{key: key}
		p.jumps[key] = j
	}
	j.holders++
	return j
}

// leave lets a jump host go. The last one to do so closes the connection.
func (p *Pool) leave(j *jump) {
	p.mu.Lock()
	j.holders--
	var last *Host
	if j.holders == 0 {
		delete(p.jumps, j.key)
		last = j.host
	}
	p.mu.Unlock()
	if last != nil {
		_ = last.Close()
	}
}

// reach gives the connection to a jump host, and makes it with dial where there
// is none, or where the one that there was has ended.
func (p *Pool) reach(ctx context.Context, j *jump, dial func(context.Context) (*Host, error)) (*Host, error) {
	for {
		p.mu.Lock()
		if j.host != nil && j.host.ended() == nil {
			defer p.mu.Unlock()
			return j.host, nil
		}
		f := j.flight
		if f == nil {
			f = &flight{done: make(chan struct{})}
			j.flight = f
			p.mu.Unlock()
			return p.fly(ctx, j, f, dial)
		}
		p.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if f.err != nil && !f.called {
			return nil, f.err
		}
	}
}

// fly makes the connection that others wait for.
func (p *Pool) fly(ctx context.Context, j *jump, f *flight, dial func(context.Context) (*Host, error)) (*Host, error) {
	host, err := dial(ctx)
	p.mu.Lock()
	before := j.host
	if err == nil {
		j.host = host
	}
	f.err, f.called = err, ctx.Err() != nil
	j.flight = nil
	close(f.done)
	p.mu.Unlock()
	if err == nil && before != nil {
		_ = before.Close()
	}
	return host, err
}

// enter waits until few enough logins are under way on an sshd, and returns
// what ends this one.
func (p *Pool) enter(ctx context.Context, sshd string) (leave func(), err error) {
	p.mu.Lock()
	door := p.doors[sshd]
	if door == nil {
		if p.doors == nil {
			p.doors = map[string]chan struct{}{}
		}
		door = make(chan struct{}, startupsAtOnce)
		p.doors[sshd] = door
	}
	p.mu.Unlock()
	select {
	case door <- struct{}{}:
		return func() { <-door }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// errForbidden means that a jump host lets nobody through.
var errForbidden = errors.New("it does not forward connections (AllowTcpForwarding, PermitOpen)")
