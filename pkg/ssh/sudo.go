package ssh

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// sudo is what is known of sudo on one host, for a login user that is not root.
type sudo struct {
	pool *Pool
	ask  func(ctx context.Context, host string) (Secret, error)
	mode atomic.Int32
	// refused is why no other password is given to this host; nil while none
	// was refused.
	refused atomic.Pointer[error]
}

// The ways in which sudo lets the login user act as root.
const (
	sudoUnknown int32 = iota
	sudoFree
	sudoWithPassword
)

// asRoot wraps a command for a login user that is not root. The locale is
// fixed, so that sudo's refusals can be recognised.
func asRoot(cmd string) string {
	return "env LC_ALL=C sudo -n sh -c " + quote(cmd)
}

// runAsRoot runs a command through sudo. That sudo wants a password is found out
// by trying without one: sudo then runs nothing. A command with an input must
// not be tried in vain, since the input might be lost.
func (h *Host) runAsRoot(ctx context.Context, cmd string, c command) (string, error) {
	if h.sudo.mode.Load() == sudoUnknown && (c.stdin != nil || c.out != nil) {
		if _, _, err := h.trySudo(ctx, command{line: asRoot(":"), words: c.words}); err != nil {
			return "", err
		}
	}
	if h.sudo.mode.Load() != sudoWithPassword {
		c.line = asRoot(cmd)
		if out, done, err := h.trySudo(ctx, c); done || err != nil {
			return out, err
		}
	}
	login, verdict, err := h.sudoLogin(ctx)
	if err != nil {
		return "", fmt.Errorf("become root on %s as %s: %w", h.name, h.user, err)
	}
	defer func() { verdict(login) }()
	login.entered = func() { verdict(login) }
	c.line, c.sudo = login.line(cmd), login
	return h.run(ctx, c)
}

// trySudo runs a command through sudo without a password. It was not done, and
// that is no error, where sudo wants one and somebody can be asked for it.
func (h *Host) trySudo(ctx context.Context, c command) (out string, done bool, err error) {
	out, err = h.run(ctx, c)
	var exit *ExitError
	switch {
	case errors.Is(err, errWantsPassword) && h.sudo.ask != nil:
		h.sudo.mode.Store(sudoWithPassword)
		return "", false, nil
	case errors.Is(err, errWantsPassword):
		return "", false, fmt.Errorf("become root on %s as %s: %w", h.name, h.user, &noRootError{errWantsPassword})
	case err == nil, errors.As(err, &exit):
		h.sudo.mode.Store(sudoFree)
	}
	return out, true, err
}

// errWantsPassword means that sudo ran nothing, since it wants a password.
var errWantsPassword = errors.New("sudo: a password is required")

// sudoProblem says what a command's failure means that was run through sudo.
func (h *Host) sudoProblem(e *ExitError, c command) error {
	switch {
	case c.sudo != nil && !c.sudo.in():
		c.sudo.last = lastLine(e.Stderr)
		return fmt.Errorf("become root on %s as %s: %w", h.name, h.user, h.passwordProblem(c.sudo))
	case c.sudo != nil || !noSudo(e):
		return e
	case wantsPassword(e):
		return fmt.Errorf("become root on %s as %s: %w", h.name, h.user, errWantsPassword)
	}
	return fmt.Errorf("become root on %s as %s: %w", h.name, h.user, &noRootError{errors.New(lastLine(e.Stderr))})
}

// noRootError is ErrSudo with the reason.
type noRootError struct{ why error }

func (e *noRootError) Error() string   { return ErrSudo.Error() + ": " + e.why.Error() }
func (e *noRootError) Unwrap() []error { return []error{ErrSudo, e.why} }

// wantsPassword recognises what "sudo -n" says where a password would do, in
// words of sudo and of sudo-rs.
func wantsPassword(e *ExitError) bool {
	last := lastLine(e.Stderr)
	return strings.HasSuffix(last, "a password is required") || strings.HasSuffix(last, "interactive authentication is required")
}

// noSudo recognises sudo's own refusals (exit status 1) and its absence (127),
// in words of sudo 1.8 and 1.9 and of sudo-rs.
func noSudo(e *ExitError) bool {
	last := lastLine(e.Stderr)
	switch e.Code {
	case 1:
		return strings.HasPrefix(last, "sudo: ") || strings.Contains(last, "is not in the sudoers file") ||
			strings.Contains(last, "is not allowed to execute") || strings.HasPrefix(last, "sudo-rs: ")
	case 127:
		return strings.Contains(last, "sudo") && strings.HasPrefix(last, "env: ")
	}
	return false
}

// proof is the password of sudo: one for a run. Until a host has taken it, one
// host at a time may try it, so that a wrong one is counted once and not on
// every host of a domain.
type proof struct {
	turn     chan struct{} // holds one token: who has it may ask or try
	asked    bool
	password Secret
	err      error  // why nobody could be asked
	proven   bool   // some host took it
	refused  string // the host that did not, before any took it
}

// sudoLogin gives the password for one command. verdict must be called when it
// is known what became of it; only the first call counts.
func (h *Host) sudoLogin(ctx context.Context) (login *sudoLogin, verdict func(*sudoLogin), err error) {
	if refused := h.sudo.refused.Load(); refused != nil {
		return nil, nil, *refused
	}
	p := h.sudo.pool.sudo()
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	if err := p.get(ctx, h); err != nil {
		<-p.turn
		return nil, nil, err
	}
	login = newSudoLogin(p.password)
	if p.proven {
		<-p.turn
		return login, func(*sudoLogin) {}, nil
	}
	return login, p.verdict(h), nil
}

// get asks for the password, unless that was done.
func (p *proof) get(ctx context.Context, h *Host) error {
	switch p.refused {
	case "":
	case h.name:
		return ErrSudoPassword
	default:
		return fmt.Errorf("%w on %s, so it was not tried here", ErrSudoPassword, p.refused)
	}
	if !p.asked {
		password, err := h.sudo.ask(ctx, h.name)
		if ctx.Err() != nil {
			return context.Cause(ctx) // the next one asks again
		}
		p.asked, p.password, p.err = true, password, err
	}
	if p.err != nil {
		return &noRootError{fmt.Errorf("it wants a password: %w", p.err)}
	}
	return nil
}

// verdict returns what ends a host's turn.
func (p *proof) verdict(h *Host) func(*sudoLogin) {
	var done atomic.Bool
	return func(login *sudoLogin) {
		if !done.CompareAndSwap(false, true) {
			return
		}
		switch {
		case login.in():
			p.proven = true
		case h.sudo.refused.Load() != nil:
			p.refused = h.name
		}
		<-p.turn
	}
}

// passwordProblem says why sudo did not let the login user in with a password.
// Whatever it is, this host is not given one again.
func (h *Host) passwordProblem(login *sudoLogin) error {
	if !login.wrong() && login.last != "" && !refusedPassword(login.last) {
		return &noRootError{errors.New(login.last)} // such as of a user who is no sudoer: the password may be right
	}
	err := ErrSudoPassword
	h.sudo.refused.CompareAndSwap(nil, &err)
	return err
}

// refusedPassword recognises what sudo and sudo-rs say of a wrong password when
// they ask only once (sudoers(5), passwd_tries).
func refusedPassword(last string) bool {
	return strings.Contains(last, "incorrect password attempt") || strings.Contains(last, "incorrect authentication attempt") ||
		strings.Contains(last, "Authentication failed") || strings.Contains(last, "Sorry, try again")
}

// sudo gives what is known of the password.
func (p *Pool) sudo() *proof {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proof == nil {
		p.proof = &proof{turn: make(chan struct{}, 1)}
	}
	return p.proof
}
