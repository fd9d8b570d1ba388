package plan

import (
	"cmp"
	"errors"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// active is about an engine that takes itself for a member.
func (d *differ) active(p pair) []Found {
	h, e := p.host, p.entry
	switch {
	case d.have.Swarm == nil && h.Info.Manager:
		return []Found{{Leaderless, cmp.Or(h.Info.Error, "its swarm has no leader"), noQuorumHint}}
	case d.have.Swarm == nil:
		return []Found{{Works, "none of its managers answers", ""}}
	case d.deposed(p), e == nil && (h.Info.Manager || h.Cert.Role == string(spec.Manager)):
		return []Found{{Deposed, deposedText, deposedHint}}
	case e == nil:
		return []Found{{Forgotten, "the swarm removed it, and it runs on as if it were a member", "apply has it leave, and join again"}}
	}
	if twin := d.twin(p); twin != "" {
		return []Found{{Twin, "it takes itself for the member that " + twin + " is: one is a copy of the other's disk", "give it an identity of its own: " + newIdentity}}
	}
	found := d.flaws(p)
	switch {
	case len(found) > 0:
	case e.Manager != nil:
		found = []Found{{Manages, "", ""}}
	default:
		found = []Found{{Works, "", ""}}
	}
	return found
}

// newIdentity makes a copy of a member's disk a host of its own.
const newIdentity = "docker swarm leave --force; systemctl stop docker; rm -f /var/lib/docker/engine-id /etc/docker/key.json; systemctl start docker"

// flaws are what is not right about a member that the swarm knows.
func (d *differ) flaws(p pair) []Found {
	h, e := p.host, p.entry
	var out []Found
	add := func(yes bool, s Situation, text, hint string) {
		if yes {
			out = append(out, Found{s, text, hint})
		}
	}
	add(e.State == "unknown", NewLeader, cmp.Or(e.Message, "the managers have not heard of it yet"), "it passes: apply waits for it")
	add(e.State == "down" || e.State == "disconnected", Partitioned, "the swarm calls it "+e.State+", and its engine takes itself for a member", partitionHint)
	add(e.Role == string(spec.Worker) && e.Manager != nil, Demoting, "it is to be a worker, and is a manager still", "apply waits for it; a swarm that would lose its quorum does not do it: bring another manager back")
	add(e.Role == string(spec.Worker) && e.Manager == nil && h.Cert.Role == string(spec.Manager), Unsettled, "it is a worker, and its certificate says manager still", "it passes: its role is not changed again until then")
	add(e.Role == string(spec.Manager) && e.Manager == nil, Promoting, "it is to be a manager, and is none yet", "apply waits for it; does the leader reach 2377/tcp at the address that it advertises?")
	add(e.Manager != nil && e.Manager.Reachability != "reachable", Unreachable, "the other managers do not reach it", "no manager is taken away while it is missed; do they reach its 2377/tcp?")
	add(movedFrom(p) != "", Moved, "the swarm knows it by "+movedFrom(p)+", and it has "+p.place(), "apply takes it out of the swarm, and lets it join anew")
	add(h.Info.LiveRestore, Unfit, "its engine has live-restore, with which it would not start again as a member", "put \"live-restore\": false into /etc/docker/daemon.json, and reload the engine: systemctl reload docker")
	wish := string(p.node.Availability)
	add(wish != "" && wish != e.Availability, Misplaced, "it is "+e.Availability+", and the file says "+wish, "apply changes it")
	return out
}

// twin gives the host that is the member which this one takes itself for; "" if
// it is the one. The swarm shows the name of one of them, and that one stays.
func (d *differ) twin(p pair) string {
	id := p.host.nodeID()
	if d.claimed[id] < 2 {
		return ""
	}
	var first *Host
	for i := range d.have.Hosts {
		o := &d.have.Hosts[i]
		if o.nodeID() == id && (first == nil || first.Info.Hostname != p.entry.Hostname && o.Info.Hostname == p.entry.Hostname) {
			first = o
		}
	}
	if first.ref() == p.host.ref() && first.Node == p.host.Node {
		return ""
	}
	return first.name()
}

// expired says whether the host's certificate is of the past. An engine that
// works by a clock of its own has the last word.
func (d *differ) expired(h *Host) bool {
	if h.Info.State == engine.Failed && strings.Contains(h.Info.Error, "certificates have expired") { // moby daemon/cluster/errors.go
		return true
	}
	return !h.Cert.Expires.IsZero() && h.Cert.Expires.Before(d.have.At)
}

func expired(h *Host) Found {
	text := "its certificate has expired"
	if !h.Cert.Expires.IsZero() {
		text += " (" + h.Cert.Expires.UTC().Format("2006-01-02 15:04 MST") + ")"
	}
	return Found{Expired, text, "apply removes its entry, has it leave, and join again; were all managers expired, it would not"}
}

// oldAPI says whether an engine speaks no version of the API from 1.40 on,
// which is that of Engine 19.03. "" is not known.
func oldAPI(version string) bool {
	return version != "" && spec.CompareVersions(version, "1.40") < 0
}

func wrongAPI(err error) bool { return errors.Is(err, engine.ErrAPI) }
