package plan

import (
	"net/netip"

	"github.com/swarmup/swarmup/pkg/preflight"
)

// movedFrom gives the address that a member has told its swarm and does not have
// any more: engines keep the one that they joined with (moby
// daemon/cluster/noderunner.go, docker-state.json), and no manager changes that
// of the raft group by itself. "" means that it is right, or that nobody knows.
func movedFrom(p pair) string {
	told, err := netip.ParseAddr(p.host.Info.NodeAddr)
	place, known := p.address()
	if err != nil || !known || told.Unmap() == place {
		return ""
	}
	if p.node.Advertise == "" && len(preflight.Chosen(p.host.Addresses, told.Unmap().String())) > 0 {
		return "" // it is one of its own, which somebody else has chosen
	}
	return told.String()
}

// place is the address that the host would join with now; "" is not known.
func (p pair) place() string {
	if a, ok := p.address(); ok {
		return a.String()
	}
	return ""
}

// address is where the file says, else the provider, if that is one address which
// the host itself has: one behind a translation of addresses may be known by any.
func (p pair) address() (a netip.Addr, known bool) {
	choice := p.node.Advertise
	if choice == "" {
		choice = p.host.Machine.Address
		if _, err := netip.ParseAddr(choice); err != nil {
			return netip.Addr{}, false
		}
	}
	found := preflight.Chosen(p.host.Addresses, choice)
	if len(found) != 1 {
		return netip.Addr{}, false
	}
	return found[0].IP().Unmap(), true
}
