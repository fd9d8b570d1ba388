package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// UnreachableError means that nothing answered as an SSH server should:
// refused, no route, no answer in time, no banner, or cut off before the login
// was decided. A later try may work.
type UnreachableError struct {
	Name string        // what the machine is called
	Addr string        // host:port
	Via  string        // the jump hosts it was to be reached through; "" for none
	Err  error         // what the last attempt saw
	For  time.Duration // for how long it was tried; 0: one attempt

	turnedAway bool // before the banner, as sshd does beyond MaxStartups
}

// Error is "dial NAME (ADDR): CAUSE for 20s".
func (e *UnreachableError) Error() string {
	s := fmt.Sprintf("dial %s: %s", where(e.Name, through(e.Addr, e.Via)), plain(e.Err))
	if e.For > 0 {
		s += " for " + e.For.String()
	}
	return s
}

// Unwrap gives what the last attempt saw.
func (e *UnreachableError) Unwrap() error { return e.Err }

// HostKeyError means that a host showed a key that it is not known for.
// Nothing was sent to it.
type HostKeyError struct {
	Host string // what the machine is called
	Addr string // host:port
	Via  string // the jump hosts it was reached through; "" for none
	Type string // of the key that was shown, such as ssh-ed25519
	Got  string // fingerprint of the key that was shown, "SHA256:..."
	// Want is the fingerprint that was expected; "" when none is known. Of
	// several it is the one of the same type, else the first.
	Want string
	// File and Line are where Want stands; "" when it was given by fingerprint.
	File string
	Line int
	// Known means that another key is known for this host: it has changed, or
	// somebody is in between.
	Known bool
	// Revoked means that the known hosts say that this key must not be trusted.
	Revoked bool
	// Searched are the files that were looked into for a host that is unknown.
	Searched []string
}

// Error says which key was shown and which was expected, with its place.
func (e *HostKeyError) Error() string {
	s := fmt.Sprintf("verify %s: ", where(e.Host, through(e.Addr, e.Via)))
	switch {
	case e.Revoked:
		return s + fmt.Sprintf("host key %s (%s) is revoked in %s:%d", e.Got, e.Type, e.File, e.Line)
	case e.Known && e.File != "":
		return s + fmt.Sprintf("host key is %s (%s), but %s:%d has %s", e.Got, e.Type, e.File, e.Line, e.Want)
	case e.Known:
		return s + fmt.Sprintf("host key is %s (%s), but %s is expected", e.Got, e.Type, e.Want)
	case len(e.Searched) == 0:
		return s + fmt.Sprintf("unknown host key %s (%s)", e.Got, e.Type)
	}
	return s + fmt.Sprintf("unknown host key %s (%s), not in %s", e.Got, e.Type, strings.Join(e.Searched, " or "))
}

// AuthError means that a host let nobody in. On a machine that has just been
// made it may be too early, before the keys are in place; who knows that may
// try again.
type AuthError struct {
	Host    string   // what the machine is called
	Addr    string   // host:port
	Via     string   // the jump hosts it was reached through; "" for none
	User    string   // who wanted to log in
	Offered []string // the keys that were offered, with their fingerprints
	Skipped []string // the keys that were not, each with the reason
	Allowed []string // the methods that the host allows, if it said so
	Locked  bool     // a key was not offered for want of its passphrase
	Err     error    // what went wrong on this side, such as an agent's refusal; may be nil
}

// Error says which keys were offered to whom.
func (e *AuthError) Error() string {
	s := fmt.Sprintf("log in to %s as %s: ", where(e.Host, through(e.Addr, e.Via)), e.User)
	switch noKeys := len(e.Allowed) > 0 && !slices.Contains(e.Allowed, "publickey"); {
	case noKeys:
		s += "it allows only " + strings.Join(e.Allowed, ", ")
	case len(e.Offered) > 0 && e.Err != nil: // at which of them it stopped, Err says
		s += "it was offered " + strings.Join(e.Offered, ", ")
	case len(e.Offered) > 0:
		s += "it refused " + strings.Join(e.Offered, ", ")
	default:
		s += "there is no key to offer"
	}
	if len(e.Skipped) > 0 {
		s += "; not offered: " + strings.Join(e.Skipped, ", ")
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives what went wrong on this side; it may be nil.
func (e *AuthError) Unwrap() error { return e.Err }

// LostError means that a connection ended under the calls that used it.
// Whether what they asked for was done is not known.
type LostError struct {
	Name string // what the machine is called
	Addr string // host:port
	Via  string // the jump hosts it went through; "" for none
	Err  error  // why it ended
}

// Error is "connection to NAME (ADDR) lost: CAUSE".
func (e *LostError) Error() string {
	return fmt.Sprintf("connection to %s lost: %s", where(e.Name, through(e.Addr, e.Via)), plain(e.Err))
}

// Unwrap gives why the connection ended.
func (e *LostError) Unwrap() error { return e.Err }

// ExitError means that a command ran and did not succeed.
type ExitError struct {
	Host   string // what the machine is called
	Cmd    string // its first words
	Code   int    // exit status; 128 and the signal's number when it was killed
	Signal string // the signal that killed it, such as "TERM"; "" when it exited
	Stderr string // all it wrote to standard error, or the end of it
}

// Error is one line that ends with the last line of standard error.
func (e *ExitError) Error() string {
	how := fmt.Sprintf("exit status %d", e.Code)
	if e.Signal != "" {
		how = "killed by signal " + e.Signal
	}
	s := fmt.Sprintf("run %q on %s: %s", e.Cmd, e.Host, how)
	if last := lastLine(e.Stderr); last != "" {
		s += ": " + last
	}
	return s
}

// ErrSudo means that the login user may not act as root.
var ErrSudo = errors.New("sudo does not let the login user act as root")

// ErrSudoPassword means that sudo did not take the password that it was given.
// It is given once: accounts may be locked after a few wrong ones.
var ErrSudoPassword = errors.New("sudo refused the password")

// ErrClosed is why calls fail on a Host after its Close.
var ErrClosed = errors.New("it was closed")

// inner takes off what Run says of its command, for callers whose own words
// say more.
func inner(err error) error {
	if in := errors.Unwrap(err); in != nil {
		return in
	}
	return err
}

// where names a machine with its address, once.
func where(name, addr string) string {
	bare, _, _ := strings.Cut(addr, " ")
	if host, _, err := net.SplitHostPort(bare); name == "" || name == bare || err == nil && name == host {
		return addr
	}
	return name + " (" + addr + ")"
}

// through adds the jump hosts to an address.
func through(addr, via string) string {
	if via == "" {
		return addr
	}
	return addr + " via " + via
}

// phaseError says where in a login an error came up.
type phaseError struct {
	phase string
	err   error
}

func (e *phaseError) Error() string { return e.phase + ": " + plain(e.err) }
func (e *phaseError) Unwrap() error { return e.err }

// plain cuts the layers of package net off a message: who and where is said by
// whoever wraps it.
func plain(err error) string {
	var errno syscall.Errno
	var dns *net.DNSError
	var phase *phaseError
	switch {
	case errors.As(err, &phase):
		return phase.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("no such host as %q", dns.Name)
	case errors.As(err, &dns):
		return fmt.Sprintf("look up %q: %s", dns.Name, dns.Err)
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed by the other side"
	case err == nil:
		return "unknown cause"
	}
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "ssh: handshake failed: "), "ssh: ")
}

// cutOff means that a connection ended, rather than that something was said on it.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// interrupted is the error of a call whose context has ended.
func interrupted(ctx context.Context, doing string) error {
	return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
}

// lastLine is the last line of a text that is not blank, safe to print.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexAny(s, "\r\n"); i >= 0 {
		s = s[i+1:]
	}
	return short(s, 300)
}

// short cuts a text to one line of at most n runes, safe to print.
func short(s string, n int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(s)))
	if len(runes) > n {
		return strings.TrimSpace(string(runes[:n])) + "..."
	}
	return string(runes)
}
