package engine

import (
	"cmp"
	"slices"
)

// Ingress is the network of published ports, the routing mesh, of a swarm. The
// zero value is that of a swarm that has none.
type Ingress struct {
	ID string `json:"id"`
	// MTU is the one that the overlay driver was told the network beneath has;
	// what containers get is 50 bytes less, and with encryption less again (moby
	// libnetwork/drivers/overlay/encryption.go, maxMTU). 0 means that it was not
	// told, and takes 1500.
	MTU       int      `json:"mtu,omitempty"`
	Subnets   []string `json:"subnets,omitempty"`
	Encrypted bool     `json:"encrypted,omitempty"`
	// Ready means that the managers have given it its addresses and its place in
	// the overlay: engines can use it.
	Ready bool `json:"ready,omitempty"`
}

// DefaultMTU is what the overlay driver takes for the MTU of the network beneath
// where it is not told (moby libnetwork/drivers/overlay/encryption.go, maxMTU).
const DefaultMTU = 1500

// IngressRequest is what is asked of an ingress network. Zero values leave the
// choice to the engine.
type IngressRequest struct {
	MTU       int
	Subnet    string
	Encrypted *bool
}

// Met says whether a network is as it was asked for. None at all never is.
func (r IngressRequest) Met(i Ingress) bool {
	switch {
	case i.ID == "":
		return false
	case r.MTU != 0 && r.MTU != i.Beneath():
		return false
	case r.Subnet != "" && !slices.Equal([]string{r.Subnet}, i.Subnets):
		return false
	}
	return r.Encrypted == nil || *r.Encrypted == i.Encrypted
}

// Beneath is the MTU that the network takes the one beneath it to have.
func (i Ingress) Beneath() int { return cmp.Or(i.MTU, DefaultMTU) }
