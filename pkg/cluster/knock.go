package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// knockWait is for how long an answer is waited for. The engine itself gives up
// after 20 s; a packet that is dropped is not answered at all.
const knockWait = 3 * time.Second

// try is one connection to be tried.
type try struct {
	from, to *host // to is nil where there is no connection to it
	name     string
	ip       netip.Addr
	port     int
	listens  bool
}

// knock has a host try the ports of the door, and the host behind the door
// those of the host, which has to answer it. Only if something is in the way
// somebody looks for what it is. opening means that steps are still to come that
// open firewalls.
func (c *Cluster) knock(ctx context.Context, h *host, d door, opening bool) []preflight.Attempt {
	if !d.ip.IsValid() || d.host == h {
		return nil
	}
	n, err := c.node(h)
	if err != nil {
		return nil
	}
	tries := []try{
		{h, d.host, d.name, d.ip, preflight.ControlPort, d.open},
		{h, d.host, d.name, d.ip, preflight.GossipPort, false},
	}
	if own := h.outward(c); own.IsValid() && d.host != nil {
		tries = append(tries, try{d.host, h, h.node, own, preflight.GossipPort, false})
		if n.Role == spec.Manager {
			tries = append(tries, try{d.host, h, h.node, own, preflight.ControlPort, false})
		}
	}
	out := make([]preflight.Attempt, len(tries))
	bounded(ctx, len(tries), indexes(tries), func(ctx context.Context, i int) { out[i] = c.attempt(ctx, tries[i], h) })
	for i := range out {
		if !out[i].Failed() {
			continue
		}
		if out[i].Walls = c.walls(ctx, tries[i], opening); out[i].Failed() {
			break // it is the one that is told
		}
	}
	return out
}

// backAtOnce is how many tries go out from the leader at once. A try that is not
// answered keeps one of its connection's few channels busy for minutes, and the
// swarm is led through the others.
const backAtOnce = 4

// attempt does one try. Those from the leader to hosts that join are bounded,
// and given up once some were not answered.
func (c *Cluster) attempt(ctx context.Context, t try, joining *host) preflight.Attempt {
	if t.from == joining {
		return t.do(ctx)
	}
	select {
	case c.back <- struct{}{}:
	default:
		timer := time.NewTimer(knockWait)
		defer timer.Stop()
		select {
		case c.back <- struct{}{}:
		case <-timer.C:
			return preflight.Attempt{}
		case <-ctx.Done():
			return preflight.Attempt{}
		}
	}
	a := t.do(ctx)
	if a.Outcome != preflight.Dropped { // else its channel is still busy
		<-c.back
	}
	return a
}

// do tries it over the host's own connection, which costs it no process.
func (t try) do(ctx context.Context) preflight.Attempt {
	to := netip.AddrPortFrom(t.ip, uint16(t.port)).String() //nolint:gosec // ports of ours
	a := preflight.Attempt{From: t.from.node, Whom: t.name, To: to, Listens: t.listens}
	short, cancel := context.WithTimeoutCause(ctx, knockWait, fmt.Errorf("no answer within %s", knockWait))
	defer cancel()
	err := t.from.with(short, func(l *link) error {
		conn, err := l.ssh.DialContext(short, "tcp", to)
		if err == nil {
			err = conn.Close()
		}
		return err
	})
	why, prohibited, refused := ssh.Refusal(err)
	switch {
	case err == nil:
		a.Outcome = preflight.Open
	case prohibited: // then with what there is on the host
		a.Outcome, a.Why = bootstrap.Knock(ctx, t.from, t.ip, t.port)
	case refused && unreachable(why):
		a.Outcome, a.Why = preflight.Dropped, strings.ToLower(why)
	case refused:
		a.Outcome, a.Why = preflight.Closed, "connection refused"
	case ctx.Err() == nil && errors.Is(short.Err(), context.DeadlineExceeded):
		a.Outcome, a.Why = preflight.Dropped, context.Cause(short).Error()
	default:
		a.Outcome, a.Why = preflight.Untried, err.Error()
	}
	return a
}

// unreachable tells what a packet filter answers, or a network without a way,
// from a host where nobody listens (errno(3), as sshd prints it).
func unreachable(why string) bool {
	for _, s := range []string{"timed out", "unreachable", "no route", "not permitted", "denied", "is down"} {
		if strings.Contains(strings.ToLower(why), s) {
			return true
		}
	}
	return false
}

// walls looks for firewalls on both sides.
func (c *Cluster) walls(ctx context.Context, t try, opening bool) (out []preflight.Wall) {
	port := preflight.Port{Number: t.port, Proto: "tcp"}
	if t.to != nil && t.to.connected() {
		if f, err := bootstrap.Firewall(ctx, t.to, t.ip.String()); err == nil {
			out = append(out, f.In(t.to.node, port, c.ports(t.to))...)
			if opening {
				c.willOpen(t.to, f, out)
			}
		}
	}
	if f, err := bootstrap.Firewall(ctx, t.from, ""); err == nil {
		out = append(out, f.Out(t.from.node, port, c.ports(t.from))...)
	}
	return out
}

// willOpen marks the walls of a firewall that a step of this run is about to open.
func (c *Cluster) willOpen(h *host, f preflight.Firewall, walls []preflight.Wall) {
	n, err := c.node(h)
	facts, _ := h.seen()
	if err != nil || !n.Engine.OpenPorts || f.Tool() == "" || len(facts.Owned.Opened.Lacks(plan.Ports(c.cfg.Spec, n))) == 0 {
		return
	}
	for i := range walls {
		walls[i].Goes = true
	}
}

// ports are those that others have to reach on a host.
func (c *Cluster) ports(h *host) []preflight.Port {
	n, err := c.node(h)
	return preflight.Ports(err != nil || n.Role == spec.Manager, int(c.cfg.Spec.Swarm.DataPathPort))
}
