package cluster

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// host is one machine with its connection and what was last seen of it. Its
// methods may be called concurrently: one chain of steps works on a host, and
// others ask it as a manager or as a witness. What a host was seen to be is
// never changed in place.
type host struct {
	node string
	// dial logs in to the machine, which may take its time to boot.
	dial func(ctx context.Context, h *host, patience time.Duration) (*ssh.Host, error)
	// turn holds one token: who has it may dial.
	turn chan struct{}

	mu      sync.Mutex // guards what follows; nothing is waited for while it is held
	machine provider.Machine
	target  ssh.Target
	link    *link
	lost    bool // the connection broke, so that the next call makes a new one
	retired bool // no connection is made any more
	login   string
	hostKey string
	answer  plan.Answer
	why     string
	err     error // what why is of
	facts   bootstrap.Facts
	info    engine.Info
	manager bool // takes part in the control plane, as far as is known
	// conditions are what decides whether it can become a member; nil until it
	// was asked. They are of this round.
	conditions *preflight.Conditions
}

func (c *Cluster) newHost(node string, m provider.Machine) *host {
	return &host{
		node: node, dial: c.dial, turn: make(chan struct{}, 1),
		machine: m, target: c.target(node, m), answer: plan.Silent, why: "it was not asked",
	}
}

// is gives the provider's word on the machine.
func (h *host) is() provider.Machine {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.machine
}

// way gives how the machine is logged in to.
func (h *host) way() ssh.Target {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.target
}

// become takes over what the provider says now.
func (h *host) become(m provider.Machine, t ssh.Target) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.machine, h.target = m, t
}

// seen gives what the machine and its engine said when they were last asked.
func (h *host) seen() (bootstrap.Facts, engine.Info) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.facts, h.info
}

// reached gives how the host was logged in to, as loginOf says it, and the
// fingerprint of the key that it showed.
func (h *host) reached() (login, hostKey string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.login, h.hostKey
}

// manages says whether the host can be asked as a manager.
func (h *host) manages() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.manager && (h.link != nil || h.lost)
}

func (h *host) setManager(is bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.manager = is
}

// off notes that there is nobody to ask.
func (h *host) off(why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer, h.why, h.err = plan.Off, why, nil
}

// answered notes that the host let us in and told all.
func (h *host) answered() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer, h.why, h.err = plan.Answered, "", nil
}

// unanswered notes why a host could not be asked. What will not be better the
// next time is Barred: a key that does not fit, and mistakes in our own settings,
// which come to light before any dial.
func (h *host) unanswered(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer, h.why, h.err = plan.Silent, err.Error(), err
	var hostKey *ssh.HostKeyError
	var login *ssh.AuthError
	var silent *ssh.UnreachableError
	var late *lateError
	switch {
	case errors.As(err, &late): // whatever it was that took so long
	case errors.As(err, &hostKey), errors.As(err, &login), errors.Is(err, ssh.ErrSudo), errors.Is(err, ssh.ErrSudoPassword):
		h.answer = plan.Barred
	case h.link == nil && !h.lost && !errors.As(err, &silent) && !errors.Is(err, errKeyUnknown):
		h.answer = plan.Barred
	}
}

// state gives what a plan needs to know of the host.
func (h *host) state() plan.Host {
	h.mu.Lock()
	defer h.mu.Unlock()
	var hung *hungError
	out := plan.Host{
		Node: h.node, Answer: h.answer, Why: h.why, Err: h.err, Hung: errors.As(h.err, &hung),
		Machine: plan.Machine{
			Name: h.machine.Name, Address: h.machine.Address,
			Power: string(h.machine.State), Owned: h.machine.Owned, Settings: h.machine.Settings,
		},
	}
	if h.answer != plan.Answered {
		return out
	}
	out.Engine, out.EngineVersion, out.Info = plan.EngineState(h.facts.Engine), h.facts.EngineVersion, h.info
	out.Cert = plan.Cert{Cluster: h.facts.CertCluster, Node: h.facts.CertNode, Role: strings.TrimPrefix(h.facts.CertRole, "swarm-"), Expires: h.facts.CertExpiry}
	out.Unfinished = h.facts.Unfinished
	out.Daemon, out.Owned, out.Flags = h.facts.Daemon, h.facts.Owned, h.facts.Flags
	out.Environ, out.Addresses = h.facts.Environ, interfaces(h.facts)
	out.SSH, out.HostKey, out.Conditions = h.login, h.hostKey, h.conditions
	return out
}
