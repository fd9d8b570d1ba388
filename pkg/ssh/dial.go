package ssh

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	defaultTimeout = 10 * time.Second
	// between is the pause between two attempts while Patience lasts.
	between = 200 * time.Millisecond
)

// dial logs in. The Host keeps the hold on its jump host.
func (e *endpoint) dial(ctx context.Context, o Options, who *wallet) (*Host, error) {
	if o.Pool == nil {
		o.Pool = new(Pool)
	}
	w := &way{to: e, o: o}
	host, err := e.persist(ctx, w, who)
	if err != nil {
		w.leave()
		return nil, err
	}
	host.lean(w)
	return host, nil
}

// persist logs in, again and again while Patience lasts and nobody answers.
// Without patience only those try again that were there and sent away.
func (e *endpoint) persist(ctx context.Context, w *way, who *wallet) (*Host, error) {
	o := w.o
	if o.Patience <= 0 {
		return e.knock(ctx, w, who)
	}
	var host *Host
	err := wait.Until(ctx, e.where()+" to answer", o.Patience, between, func(ctx context.Context) (bool, error) {
		var err error
		if host, err = e.dialOnce(ctx, w, who); err == nil {
			return true, nil
		}
		if retriable(err) || ctx.Err() != nil {
			return false, err
		}
		return false, wait.Stop(err)
	})
	var over *wait.TimeoutError
	if !errors.As(err, &over) {
		return host, err
	}
	last := e.unreachable(over.Last)
	last.For = o.Patience
	if saw := (*UnreachableError)(nil); errors.As(over.Last, &saw) {
		last.Err = saw.Err
	} else if errors.Is(over.Last, context.DeadlineExceeded) {
		last.Err = errors.New("no answer")
	}
	return nil, last
}

// knocks is how often a host is dialled that turns us away at its door, and
// nextKnock the first pause, which doubles: 3 s in all. Nobody holds a place at
// the door for long but those who break in.
const (
	knocks    = 6
	nextKnock = 100 * time.Millisecond
)

// knock logs in. A host that has no place for another login just now, or whose
// jump host went away in the middle, is dialled again a few times.
func (e *endpoint) knock(ctx context.Context, w *way, who *wallet) (host *Host, err error) {
	pause := nextKnock
	for i := range knocks {
		host, err = e.dialOnce(ctx, w, who)
		var at *UnreachableError
		away := errors.As(err, &at) && at.turnedAway
		if err == nil || ctx.Err() != nil || !away && (i > 0 || !w.broken()) || i == knocks-1 {
			return host, err
		}
		if err := rest(ctx, pause); err != nil {
			return nil, interrupted(ctx, "dial "+e.where())
		}
		pause *= 2
	}
	return host, err
}

// rest waits d, three quarters to five quarters of it, so that several do not
// knock in step.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d*3/4 + rand.N(d/2+1)) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (e *endpoint) unreachable(err error) *UnreachableError {
	return &UnreachableError{Name: e.name, Addr: e.addr(), Via: e.via, Err: err}
}

// retriable errors may be gone at the next attempt. A name that does not
// exist is one nobody answers for, but a typing mistake rather than a machine
// that is booting.
func retriable(err error) bool {
	var unreachable *UnreachableError
	var dns *net.DNSError
	return errors.As(err, &unreachable) && (!errors.As(err, &dns) || !dns.IsNotFound)
}

// dialOnce logs in. With the fingerprint of a host key alone, its kind is not
// known: the host is then dialled again without the kinds that it has shown,
// until it shows the right one or has no other.
func (e *endpoint) dialOnce(ctx context.Context, w *way, who *wallet) (*Host, error) {
	t, err := e.trust(w.o)
	if err != nil {
		return nil, err
	}
	if err := w.ready(ctx); err != nil {
		return nil, err
	}
	var first *HostKeyError
	for algorithms := t.algorithms(); ; {
		a := &attempt{to: e, way: w, trust: t, who: who, algorithms: algorithms}
		host, err := a.run(ctx)
		var wrong *HostKeyError
		var disjoint *xssh.AlgorithmNegotiationError
		switch {
		case e.hostKey == "" || err == nil:
			return host, err
		case first != nil && errors.As(err, &disjoint):
			return nil, first
		case !errors.As(err, &wrong):
			return nil, err
		case first == nil:
			first = wrong
		}
		var rest []string
		for _, alg := range algorithms {
			if keyType(alg) != wrong.Type {
				rest = append(rest, alg)
			}
		}
		if len(rest) == 0 || len(rest) == len(algorithms) {
			return nil, first
		}
		algorithms = rest
	}
}

// attempt is one TCP connection and what became of it.
type attempt struct {
	to         *endpoint
	way        *way
	trust      *trust
	who        *wallet
	algorithms []string

	late    func() error        // why the attempt has to end; nil while it has time
	more    func(time.Duration) // gives the attempt that much time from now
	preface preface
	shown   xssh.PublicKey // the key that the host showed
	refused error          // why that key is not accepted
	login   bool           // the host key was accepted and the login has begun
	allowed []string
	partial bool   // a key was accepted, and was not enough
	notice  string // what the server had to say before the login
}

// run connects, shakes hands and logs in, within Options.Timeout.
func (a *attempt) run(ctx context.Context) (*Host, error) {
	timeout := a.way.o.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	leave, err := a.way.o.Pool.enter(ctx, through(a.to.addr(), a.to.via))
	if err != nil {
		return nil, interrupted(ctx, "dial "+a.to.where())
	}
	defer leave()
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var limit atomic.Int64
	limit.Store(int64(timeout))
	timer := time.AfterFunc(timeout, func() { cancel(fmt.Errorf("no answer within %s", time.Duration(limit.Load()))) })
	defer timer.Stop()
	a.late = func() error { return context.Cause(bounded) }
	a.more = func(d time.Duration) {
		limit.Store(int64(d))
		timer.Reset(d)
	}

	raw, err := a.way.dial(bounded)
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	a.preface.Conn = raw
	stop := context.AfterFunc(bounded, func() { _ = raw.Close() })
	conn, channels, requests, err := xssh.NewClientConn(&a.preface, a.to.addr(), a.config(timeout))
	if !stop() && err == nil { // the time was over in the very moment of success
		_ = conn.Close()
		err = context.Cause(bounded)
	}
	if err != nil {
		return nil, a.explain(ctx, err)
	}
	return newHost(a.to, a.way.o, a.shown, xssh.NewClient(conn, channels, requests)), nil
}

func (a *attempt) config(timeout time.Duration) *xssh.ClientConfig {
	return &xssh.ClientConfig{
		User:              a.to.user,
		Auth:              []xssh.AuthMethod{xssh.PublicKeys(a.signers(timeout)...)},
		HostKeyAlgorithms: a.algorithms,
		HostKeyCallback: func(_ string, remote net.Addr, key xssh.PublicKey) error {
			a.shown = key
			if cert, ok := key.(*xssh.Certificate); ok {
				a.shown = cert.Key
			}
			a.refused = a.trust.check(key, remote)
			return a.refused
		},
		BannerCallback: func(message string) error {
			a.notice = lastLine(message)
			return nil
		},
		AuthCallback: func(c *xssh.ClientAuthContext) (xssh.AuthMethod, error) {
			a.login, a.allowed, a.partial = true, c.AllowedMethods, len(c.PartialSuccessMethods) > 0
			return nil, nil
		},
	}
}

// explain turns the failure of an attempt into one of the kinds that Dial promises.
func (a *attempt) explain(ctx context.Context, err error) error {
	unreachable := func(err error) error { return a.to.unreachable(err) }
	var disjoint *xssh.AlgorithmNegotiationError
	switch {
	case a.refused != nil:
		return a.refused
	case ctx.Err() != nil:
		return interrupted(ctx, "dial "+a.to.where())
	case a.late() != nil:
		return unreachable(a.slow())
	case errors.Is(err, errForbidden):
		return fmt.Errorf("dial %s: %w", a.to.where(), err)
	case a.preface.Conn == nil:
		return unreachable(err)
	case !a.preface.spokeSSH():
		e := a.to.unreachable(a.preface.problem(err))
		e.turnedAway = a.preface.closed(err)
		return e
	case errors.As(err, &disjoint):
		return &disjointError{a.to.where(), disjoint}
	case cutOff(err) && a.notice != "":
		return unreachable(&phaseError{"it ended the login", errors.New(a.notice)})
	case cutOff(err) && a.login:
		return unreachable(&phaseError{"it ended the login", err})
	case cutOff(err):
		return unreachable(&phaseError{"it ended the handshake", err})
	case a.login:
		return a.denied(err)
	}
	return fmt.Errorf("dial %s: %w", a.to.where(), err)
}

// disjointError means that two sides know no common way to speak, mostly
// because one of them is very old.
type disjointError struct {
	where string
	err   *xssh.AlgorithmNegotiationError
}

func (e *disjointError) Error() string {
	return fmt.Sprintf("dial %s: no common algorithm for %s: it offers only %s", e.where, e.err.What, strings.Join(e.err.RequestedAlgorithms, ", "))
}

func (e *disjointError) Unwrap() error { return e.err }

// slow says what the time ran out on.
func (a *attempt) slow() error {
	cause := a.late()
	switch {
	case a.preface.Conn == nil:
		return cause
	case !a.preface.spokeSSH():
		return &phaseError{"connected, but no SSH banner", cause}
	case !a.login:
		return &phaseError{"in the handshake", cause}
	}
	return &phaseError{"in the login", cause}
}

func (a *attempt) denied(err error) error {
	denied := &AuthError{
		Host: a.to.name, Addr: a.to.addr(), Via: a.to.via, User: a.to.user, Allowed: a.allowed, Skipped: a.who.skipped, Locked: a.who.locked,
	}
	if len(a.allowed) == 0 || slices.Contains(a.allowed, "publickey") || a.partial {
		for _, k := range a.who.keys {
			denied.Offered = append(denied.Offered, k.String())
		}
	}
	switch inner := unwrapHandshake(err); {
	case a.partial:
		denied.Err = errors.New("it wants more than a key")
	case !noMethodsLeft(inner):
		denied.Err = inner
	}
	return denied
}
