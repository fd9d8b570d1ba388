package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Quorum is what a swarm without a leader has and lacks, as those of its managers
// say that answered.
type Quorum struct {
	Managers int // of the swarm
	Needed   int // so many of them must work for it to have a leader
	// Here are the nodes whose managers answered, in the order of their hosts.
	Here []string
	// Missing are the managers that none of them is, sorted by address.
	Missing []Seat
}

// Seat is a manager that is missed.
type Seat struct {
	Node string // "" where no host is known at its address
	Addr string // at which the others know it
	Why  string // "" is not known
}

// String is "mgr2 (10.0.0.2: it is switched off)".
func (s Seat) String() string {
	text := s.Addr
	if s.Why != "" {
		text += ": " + s.Why
	}
	if s.Node == "" {
		return text
	}
	return s.Node + " (" + text + ")"
}

// Lost says what a swarm lacks whose managers have no leader. It is false where
// one has a leader, or where none answered.
func Lost(have State) (q Quorum, lost bool) {
	var here []Host
	seats := map[string]bool{}
	for _, h := range have.Hosts {
		if !h.leaderless() {
			continue
		}
		here, q.Here = append(here, h), append(q.Here, h.name())
		for _, r := range h.Info.Remotes {
			if at, err := netip.ParseAddrPort(r); err == nil {
				seats[at.Addr().Unmap().String()] = true
			}
		}
	}
	if have.Swarm != nil || len(q.Here) == 0 {
		return Quorum{}, false
	}
	for addr := range seats {
		if !slices.ContainsFunc(here, func(h Host) bool { return h.at(addr) }) {
			q.Missing = append(q.Missing, have.seat(addr))
		}
	}
	slices.SortFunc(q.Missing, func(a, b Seat) int { return strings.Compare(a.Addr, b.Addr) })
	q.Managers = len(q.Here) + len(q.Missing)
	q.Needed = q.Managers/2 + 1
	return q, true
}

// leaderless says whether the host is a manager of a swarm that has no leader, as
// far as the host can tell.
func (h Host) leaderless() bool {
	return h.Answer == Answered && h.Engine == EngineRunning && h.Info.Manager && h.Info.ClusterID == "" &&
		(h.Info.State == engine.Active || h.Info.State == engine.Pending)
}

// at says whether the host has, or is known by, an address.
func (h Host) at(addr string) bool {
	return h.Machine.Address == addr || h.Info.NodeAddr == addr || len(preflight.Chosen(h.Addresses, addr)) > 0
}

// seat gives who is, or was, at an address, and why it does not take part.
func (s State) seat(addr string) Seat {
	out := Seat{Addr: addr}
	for _, h := range s.Hosts {
		if !h.at(addr) {
			continue
		}
		out.Node = h.name()
		switch {
		case h.Answer != Answered:
			out.Why = h.reason()
		case h.Engine != EngineRunning:
			out.Why = "its engine is " + string(h.Engine)
		default:
			out.Why = "its engine is " + string(h.Info.State)
		}
		break
	}
	return out
}

// Enough says whether so many managers answered that they can choose a leader.
func (q Quorum) Enough() bool { return len(q.Here) >= q.Needed }

// Text says in one sentence what is missing.
func (q Quorum) Text() string {
	if q.Enough() {
		return fmt.Sprintf("the swarm has no leader right now: %d of its %d managers work, and choose one", len(q.Here), q.Managers)
	}
	var missing []string
	for _, s := range q.Missing {
		missing = append(missing, s.String())
	}
	return fmt.Sprintf("the swarm lost its quorum: %d of its %d managers work, %d are needed; missing: %s",
		len(q.Here), q.Managers, q.Needed, strings.Join(missing, ", "))
}

// Hint says what brings the swarm back.
func (q Quorum) Hint() string {
	if q.Enough() {
		return "run again in a moment"
	}
	them := "one of the missing ones"
	if n := q.Needed - len(q.Here); n > 1 {
		them = fmt.Sprintf("%d of the missing ones", n)
	}
	return fmt.Sprintf("bring back %s; where that cannot be done: swarmup recover --manager %s", them, q.Here[0])
}

// deposed says whether a host takes itself for a manager of this very swarm, which
// does not count it any more: managers are left behind when the swarm is made anew
// from one of them, or were removed while they were away. One with a leader of its
// own is not deposed but in a second swarm of the same ID.
func (d *differ) deposed(p pair) bool {
	h := p.host
	if h == nil || d.have.Swarm == nil || !h.leaderless() || h.clusterID() != d.have.Swarm.ID {
		return false
	}
	return p.entry == nil || p.entry.Manager == nil && p.entry.Role == string(spec.Manager)
}

// rival says whether a host is a manager with a leader, of a swarm of this ID that
// does not know it: there are two of them.
func (d *differ) rival(p pair) bool {
	h := p.host
	return h != nil && d.have.Swarm != nil && h.Answer == Answered && h.Info.Manager &&
		h.Info.ClusterID == d.have.Swarm.ID && (p.entry == nil || p.entry.Manager == nil && p.entry.State != "ready")
}

// quit has a manager that counts no more leave by force, before its entry goes: a
// host that is still listed is never removed from under its engine.
func (l *liveDiff) quit(p pair, why string) string {
	if !l.deposed(p) {
		return ""
	}
	return l.add(Step{
		Action: Leave, Node: p.node.Name, Role: spec.Role(p.entry.Role), Machine: machineOf(p.host), Member: p.entry.ID, Why: why, Force: true,
	})
}
