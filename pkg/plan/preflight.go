package plan

import (
	"net/netip"
	"slices"

	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// preflight refuses what hosts that are about to become members say against it,
// and notes what is only worth knowing.
func (d *differ) preflight() {
	have := d.have
	have.Hosts = slices.DeleteFunc(slices.Clone(have.Hosts), func(h Host) bool { return d.leaver(h) != nil })
	for _, f := range Judge(d.want, have) {
		out := Finding{Node: f.Host, Text: f.Text, Hint: f.Hint}
		if f.Note {
			d.notes = append(d.notes, out)
		} else {
			d.refused = append(d.refused, out)
		}
	}
	if len(d.refused) > 0 {
		d.notes = nil // first things first
	}
}

// Judge says what is wrong with the hosts that are about to become members.
func Judge(want *spec.Cluster, have State) []preflight.Finding {
	var hosts []preflight.Host
	for _, h := range copiesLast(have) {
		if h.Answer == Answered {
			hosts = append(hosts, h.judged(want))
		}
	}
	return preflight.Judge(wish(want, have.Swarm), hosts)
}

// AddressPool gives the pool of a new swarm whose file names none: the first of
// a short list that overlaps no route of a host. "" leaves it to the engine,
// whose own choice is the first of that list.
func AddressPool(want *spec.Cluster, have State) string {
	if len(want.Swarm.DefaultAddrPool) > 0 || have.Swarm != nil {
		return ""
	}
	var hosts []preflight.Host
	for _, h := range have.Hosts {
		hosts = append(hosts, h.judged(want))
	}
	if p, ok := preflight.ChoosePool(int(want.Swarm.SubnetSize), hosts); ok && p != preflight.DefaultPool() {
		return p.String()
	}
	return ""
}

func wish(want *spec.Cluster, have *View) preflight.Wish {
	settings := want.Swarm
	if have != nil {
		settings = have.Settings
	}
	w := preflight.Wish{Fresh: have == nil, SubnetSize: int(settings.SubnetSize), DataPort: int(settings.DataPathPort)}
	for _, s := range settings.DefaultAddrPool {
		if p, err := netip.ParsePrefix(s); err == nil {
			w.Pools = append(w.Pools, p)
		}
	}
	return w
}

// judged gives a host as it is judged.
func (h Host) judged(want *spec.Cluster) preflight.Host {
	n, wanted := want.Node(h.Node)
	out := preflight.Host{
		Name: h.name(), Joins: h.Joins() && wanted,
		Advertise: n.Advertise, DataPath: n.DataPath, Given: h.Machine.Address,
		HostKey: h.HostKey, EngineID: h.Info.EngineID, NodeID: h.nodeID(),
		LiveRestore: h.Info.LiveRestore, Backend: h.Info.Firewall, Daemon: h.Daemon,
	}
	if h.Conditions != nil && (wanted || h.member()) {
		out.Conditions = *h.Conditions
	}
	return out
}

// Joins says whether a host that answered is in no swarm, so that it has to be
// made a member if the file wants it.
func (h Host) Joins() bool { return h.Answer == Answered && !h.member() }

// Underlay gives the smallest MTU, in bytes, among the networks that carry the
// overlay traffic of the hosts that were asked; 0 where nothing is known. It
// says nothing of members, which nobody asks.
func Underlay(want *spec.Cluster, have State) int {
	least := 0
	for _, h := range have.Hosts {
		if h.Conditions == nil {
			continue
		}
		if mtu, _ := h.judged(want).Underlay(); mtu != 0 && (least == 0 || mtu < least) {
			least = mtu
		}
	}
	return least
}
