package cluster

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// addresses gives what a node advertises, and where its overlay traffic goes:
// what the file says, else the provider's address where the machine itself has
// it, else "", which leaves the choice to the engine.
func addresses(h *host, n spec.Node) (advertise, dataPath string, err error) {
	facts, _ := h.seen()
	own := interfaces(facts)
	if advertise, err = address(own, n.Advertise); err != nil {
		return "", "", fmt.Errorf("choose advertise: %w", err)
	}
	if dataPath, err = address(own, n.DataPath); err != nil {
		return "", "", fmt.Errorf("choose data_path: %w", err)
	}
	if given := h.is().Address; advertise == "" && has(own, given) {
		advertise = given
	}
	return advertise, dataPath, nil
}

// address makes an IP address, or an interface name, of what the file says. A
// CIDR means the one address of the host that is in it.
func address(own []preflight.Address, s string) (string, error) {
	if !strings.Contains(s, "/") {
		return s, nil // an address or an interface
	}
	if _, err := netip.ParsePrefix(s); err != nil {
		return "", err
	}
	var found []string
	for _, a := range preflight.Chosen(own, s) {
		found = append(found, a.IP().String())
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
func has(own []preflight.Address, want string) bool {
	_, err := netip.ParseAddr(want)
	return err == nil && len(preflight.Chosen(own, want)) > 0
}
