package plan

import (
	"cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Classify says what state everything is in: the swarm itself where there is
// anything to say of it, the nodes of the file in its order, other hosts, and
// entries of the swarm that are of no host that answered. It may be called
// concurrently and keeps neither of its arguments.
func Classify(want *spec.Cluster, have State) []Standing {
	d := newDiffer(want, have, Options{})
	var out []Standing
	if have.Swarm != nil && have.Swarm.Rotating {
		out = append(out, Standing{Found: []Found{{
			Rotating, "the swarm's root CA is being rotated", "it ends once every member that is listed has its new certificate: bring back or remove those that are down",
		}}})
	}
	if q, lost := Lost(have); lost {
		out = append(out, Standing{Found: []Found{{Leaderless, q.Text(), q.Hint()}}})
	}
	for _, p := range d.pairs {
		out = append(out, d.standing(p))
		for i := range p.stale {
			out = append(out, d.leftover(p, p.stale[i]))
		}
	}
	for i := range d.extras {
		h := d.extras[i]
		out = append(out, d.standing(pair{node: spec.Node{Name: h.Node}, host: &h, entry: d.entryOf(h)}))
	}
	for _, e := range d.entries {
		if d.hostOf(e) == nil {
			out = append(out, d.entryAlone(e))
		}
	}
	return out
}

// standing judges a host, with its entry, or a node that has none.
func (d *differ) standing(p pair) Standing {
	s := Standing{Node: p.node.Name, Machine: machineOf(p.host)}
	if p.entry != nil {
		s.Member = p.entry.ID
	}
	switch {
	case p.host == nil && len(p.stale) > 0:
		s.Found = []Found{{Gone, "the swarm lists it, and its machine is gone", "apply removes its entry, and makes a new machine"}}
	case p.host == nil:
		s.Found = []Found{{Unmade, "", "apply makes its machine"}}
	case p.host.Answer != Answered:
		s.Found = []Found{unasked(p.host)}
	case p.host.Engine != EngineRunning:
		s.Found = d.withoutEngine(p)
	default:
		s.Found = d.running(p)
	}
	return s
}

// unasked is about a host of which nothing is known.
func unasked(h *Host) Found {
	switch {
	case h.Hung:
		return Found{Hung, "its engine takes requests and does not answer: " + h.Why, "look at its engine: journalctl -u docker; until it answers nothing is done about it"}
	case wrongAPI(h.Err):
		return Found{OldEngine, h.Why, "this swarmup and that engine have no version of the API in common: take another of either"}
	case h.Answer == Off:
		return Found{OffHost, h.reason(), ""}
	case h.Answer == Barred:
		return Found{Refused, h.Why, ""}
	}
	return Found{Unheard, h.Why, "unknown is not absent: nothing is done about it until it answers"}
}

// withoutEngine is about a host whose engine is not there or does not run.
func (d *differ) withoutEngine(p pair) []Found {
	h := p.host
	if h.Engine == EngineAbsent {
		return []Found{{NoEngine, "", "apply installs it"}}
	}
	f := Found{NoEngine, "its engine is stopped", "apply starts it"}
	switch {
	case h.Cert.Node != "" && p.entry == nil && d.have.Swarm != nil && h.Cert.Cluster == d.have.Swarm.ID:
		f.Text = "its engine is stopped, and the swarm has removed the member that it was"
	case h.Cert.Node != "":
		f.Text = "its engine is stopped, and it is a member of a swarm"
	}
	if d.expired(h) {
		return []Found{f, expired(h)}
	}
	return []Found{f}
}

// running is about a host whose engine answers.
func (d *differ) running(p pair) []Found {
	h := p.host
	if oldAPI(h.Info.API) {
		return []Found{{OldEngine, "its engine speaks version " + h.Info.API + " of the API, and 1.40 is the first that swarmup does", "upgrade its engine to 19.03 or later"}}
	}
	if d.foreign(*h) || d.second(*h) {
		return []Found{{Elsewhere, "it is in the swarm " + h.clusterID(), "it is left alone: leave that swarm on it by hand if it shall come over"}}
	}
	switch h.Info.State {
	case engine.Locked:
		return []Found{{LockedOut, "its engine waits for the unlock key", "apply unlocks it where swarm.autolock says where the key is kept; else swarmup unlock asks for it"}}
	case engine.Failed:
		return []Found{d.failed(p)}
	case engine.Pending:
		return []Found{d.pending(p)}
	case engine.Active:
		return d.active(p)
	default:
		return d.free(p)
	}
}

// second says whether a host is in another swarm than the first of the hosts
// that know theirs; it is what refuseForeign stops at.
func (d *differ) second(h Host) bool {
	if d.have.Swarm != nil || d.want.Swarm.ID != "" {
		return false // foreign knows
	}
	for _, o := range d.have.Hosts {
		if id := o.clusterID(); id != "" {
			return h.clusterID() != "" && h.clusterID() != id
		}
	}
	return false
}

// free is about an engine that is in no swarm.
func (d *differ) free(p pair) []Found {
	var out []Found
	for _, f := range Judge(d.want, State{Hosts: []Host{*p.host}, Swarm: d.have.Swarm}) {
		if f.Check == preflight.LiveRestore || f.Check == preflight.Backend {
			out = append(out, Found{Unfit, f.Text, f.Hint})
		}
	}
	if len(p.stale) > 0 {
		e := p.stale[0]
		return append(out, Found{Reborn, "its engine is in no swarm, and the swarm lists an earlier life of it (" + e.ID + ", " + e.State + ")", "apply removes that entry, and lets it join"})
	}
	return append(out, Found{Free, "", "apply lets it join"})
}

// failed is about an engine that has given its membership up.
func (d *differ) failed(p pair) Found {
	if d.expired(p.host) {
		return expired(p.host)
	}
	return Found{JoinFailed, p.host.Info.Error, "apply has it leave, and join again"}
}

// pending is about an engine that is on its way into a swarm, or back into it.
func (d *differ) pending(p pair) Found {
	h := p.host
	id := h.nodeID()
	manager := h.Info.Manager || h.Cert.Role == string(spec.Manager)
	switch {
	case id == "" || h.Cert.Node == "":
		return Found{Joining, "a join is under way", "apply waits for it, for a while"}
	case d.have.Swarm == nil && manager:
		return Found{Leaderless, cmp.Or(h.Info.Error, "its swarm has no leader"), noQuorumHint}
	case d.have.Swarm == nil:
		return Found{Joining, "it is on its way back into its swarm, of which no manager answers", "bring its managers back"}
	case p.entry == nil && manager:
		return Found{Deposed, deposedText, deposedHint}
	case p.entry == nil:
		return Found{Removed, "the swarm removed it while its engine was not running", "apply has it leave, and join again"}
	case p.entry.Hostname == "":
		return Found{Joining, "a join is under way", "apply waits for it, for a while"}
	}
	return Found{Partitioned, "it is a member and does not find its way back to its managers", partitionHint}
}

const (
	deposedText   = "the swarm does not count it, and it takes itself for a manager of it"
	deposedHint   = "apply has it leave by force, and join again; one that has a leader of its own is left alone"
	noQuorumHint  = "bring the managers back that are down; nothing is changed about the swarm until then"
	partitionHint = "are 2377/tcp and 7946 open between it and the managers? It is not removed"
)
