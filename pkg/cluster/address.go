package cluster

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/spec"
)

// addresses gives what a node advertises, and where its overlay traffic goes:
// what the file says, else the provider's address where the machine itself has
// it, else "", which leaves the choice to the engine.
func addresses(h *host, n spec.Node) (advertise, dataPath string, err error) {
	facts, _ := h.seen()
	if advertise, err = address(facts.Addresses, n.Advertise); err != nil {
		return "", "", fmt.Errorf("choose advertise: %w", err)
	}
	if dataPath, err = address(facts.Addresses, n.DataPath); err != nil {
		return "", "", fmt.Errorf("choose data_path: %w", err)
	}
	if given := h.is().Address; advertise == "" && has(facts.Addresses, given) {
		advertise = given
	}
	return advertise, dataPath, nil
}

// address makes an IP address, or an interface name, of what the file says. A
// CIDR means the one address of the host that is in it.
func address(own []bootstrap.Iface, s string) (string, error) {
	if !strings.Contains(s, "/") {
		return s, nil // an address or an interface
	}
	within, err := netip.ParsePrefix(s)
	if err != nil {
		return "", err
	}
	var found []string
	for _, i := range own {
		if a, ok := ip(i); ok && within.Contains(a) {
			found = append(found, a.String())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no address of the host is in %s", s)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d addresses of the host are in %s: %s", len(found), s, strings.Join(found, ", "))
}

// has says whether an IP address is one of the host's own.
func has(own []bootstrap.Iface, want string) bool {
	w, err := netip.ParseAddr(want)
	if err != nil {
		return false
	}
	for _, i := range own {
		if a, ok := ip(i); ok && a == w.Unmap() {
			return true
		}
	}
	return false
}

// ip gives the address of an interface.
func ip(i bootstrap.Iface) (netip.Addr, bool) {
	p, err := netip.ParsePrefix(i.CIDR)
	return p.Addr().Unmap(), err == nil
}
