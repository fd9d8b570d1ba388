package plan

import (
	"net/netip"
	"strings"

	"github.com/swarmup/swarmup/pkg/preflight"
)

// movedFrom gives the address that a member has told its swarm and does not have
// any more: engines keep the one that they joined with (moby
// daemon/cluster/noderunner.go, docker-state.json), and no manager changes that
// of the raft group by itself. "" means that it is right, or that nobody knows:
// a member may well tell an address that others translate for it.
func movedFrom(p pair) string {
	told, err := netip.ParseAddr(p.host.Info.NodeAddr)
	place, known := p.address()
	told = told.Unmap()
	switch {
	case err != nil, !known, told == place, told.IsLinkLocalUnicast(), told.IsLoopback():
		return ""
	case p.node.Advertise != "":
		return told.String()
	case len(preflight.Chosen(p.host.Addresses, told.String())) > 0:
		return "" // it is one of its own, which somebody else has chosen
	case !p.wasAt(told):
		return ""
	}
	return told.String()
}

// wasAt says whether an address that the host does not have was its own: it is of a
// network that the host is in, or swarmup has reached the host there.
func (p pair) wasAt(a netip.Addr) bool {
	for _, own := range p.host.Addresses {
		if own.Prefix.Masked().Contains(a) {
			return true
		}
	}
	login, _, _ := strings.Cut(p.entry.Labels[MarkSSH], " ")
	reached, err := netip.ParseAddrPort(login[strings.LastIndexByte(login, '@')+1:])
	return err == nil && reached.Addr().Unmap() == a
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
