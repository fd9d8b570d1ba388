package docker

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/docker/docker/api/types/network"
)

// checkSubnet checks Settings.Subnet.
func checkSubnet(s string) error {
	if s == "" {
		return nil
	}
	prefix, err := netip.ParsePrefix(s)
	switch {
	case err != nil || !prefix.Addr().Is4():
		return fmt.Errorf("subnet %q is not an IPv4 CIDR such as 172.30.0.0/24", s)
	case prefix != prefix.Masked():
		return fmt.Errorf("subnet %q has host bits set (%s?)", s, prefix.Masked())
	case prefix.Bits() > 28 || prefix.Bits() < 8:
		return fmt.Errorf("subnet %q: a prefix length from 8 to 28 is needed", s)
	}
	return nil
}

// chooseSubnet gives the wanted subnet, or the first free one that was not tried.
func (p *Provider) chooseSubnet(networks []network.Summary, tried map[netip.Prefix]bool) (netip.Prefix, error) {
	inUse := engineSubnets(networks)
	if p.settings.Subnet != "" {
		want := netip.MustParsePrefix(p.settings.Subnet)
		for _, u := range inUse {
			if u.prefix.Overlaps(want) {
				return netip.Prefix{}, fmt.Errorf("subnet %s is taken by network %s (%s)", want, u.by, u.prefix)
			}
		}
		return want, nil
	}
	if p.isLocalEngine() {
		inUse = append(inUse, hostSubnets()...)
	}
	for _, c := range candidates() {
		if !tried[c] && !overlapsAny(c, inUse) {
			return c, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("no free subnet in 172.30.0.0/16 and 192.168.128.0/17 (set one)")
}

// used is a range of addresses that something has already.
type used struct {
	prefix netip.Prefix
	by     string
}

func engineSubnets(networks []network.Summary) []used {
	var out []used
	for _, n := range networks {
		for _, c := range n.IPAM.Config {
			if prefix, err := netip.ParsePrefix(c.Subnet); err == nil {
				out = append(out, used{prefix, n.Name})
			}
		}
	}
	return out
}

// candidates are ranges far from what engines (172.17.0.0 upwards), swarms
// (10.0.0.0 upwards) and home networks (192.168.0.0 upwards) take first.
func candidates() []netip.Prefix {
	var out []netip.Prefix
	for i := range 256 {
		out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 30, byte(i), 0}), 24))
	}
	for i := 128; i < 256; i++ {
		out = append(out, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, byte(i), 0}), 24))
	}
	return out
}

func overlapsAny(p netip.Prefix, inUse []used) bool {
	for _, u := range inUse {
		if u.prefix.Overlaps(p) {
			return true
		}
	}
	return false
}

// freeAddress gives an address of the subnet that is neither taken nor the
// gateway: the lowest, or with skip > 0 one further on, so that two who ran into
// each other part.
func (n clusterNet) freeAddress(taken map[string]bool, skip int) (netip.Addr, error) {
	var last netip.Addr
	for a := n.subnet.Masked().Addr().Next(); n.subnet.Contains(a.Next()); a = a.Next() {
		if a == n.gateway || taken[a.String()] {
			continue
		}
		if last = a; skip == 0 {
			break
		}
		skip--
	}
	if !last.IsValid() {
		return netip.Addr{}, fmt.Errorf("no address is left in subnet %s", n.subnet)
	}
	return last, nil
}

// room is how many machines fit: all addresses but the network's, the gateway's
// and the broadcast's.
func (n clusterNet) room() int { return 1<<(32-n.subnet.Bits()) - 3 }

// parting is how many free addresses to pass over at the given attempt.
func parting(attempt int) int {
	if attempt == 0 {
		return 0
	}
	return rand.IntN(8 * attempt)
}
