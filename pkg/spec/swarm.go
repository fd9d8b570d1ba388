package spec

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"time"
)

const (
	// minExpiry is the least that the engine takes (swarmkit ca/config.go,
	// MinNodeCertExpiration).
	minExpiry = time.Hour
	// defaultSubnet is the prefix length of overlay networks, and
	// defaultPoolBits that of 10.0.0.0/8, which they come from (docker swarm
	// init --help).
	defaultSubnet   = 24
	defaultPoolBits = 8
)

// idForm matches the IDs that swarmkit makes: 25 digits of base 36 (swarmkit
// identity/randomid.go).
var idForm = regexp.MustCompile(`^[0-9a-z]{25}$`)

func (b *builder) swarm(k *swarmKeys) Swarm {
	if k.ID.good && !idForm.MatchString(k.ID.v) {
		b.wrong(k.ID.at, "%q is no swarm's ID: 25 digits and lower case letters", clip(k.ID.v))
	}
	if k.NodeCertExpiry.good && time.Duration(k.NodeCertExpiry.v) < minExpiry {
		b.wrong(k.NodeCertExpiry.at, "%s is less than 1h", time.Duration(k.NodeCertExpiry.v))
	}
	b.checkAdvertise(&k.Advertise)
	out := Swarm{
		ID:              k.ID.v,
		Advertise:       k.Advertise.v,
		DefaultAddrPool: b.each(k.DefaultAddrPool.v, pool),
		SubnetSize:      uint32(k.SubnetSize.v),   //nolint:gosec // its key has limits
		DataPathPort:    uint32(k.DataPathPort.v), //nolint:gosec // its key has limits
		NodeCertExpiry:  time.Duration(k.NodeCertExpiry.v),
	}
	if len(out.DefaultAddrPool) == 0 {
		out.DefaultAddrPool = nil
	}
	b.checkOverlap(k.DefaultAddrPool.v)
	b.checkSubnets(k)
	return out
}

func (b *builder) checkAdvertise(v *val[string]) {
	if !v.good {
		return
	}
	text := badInterface(v.v)
	if _, err := netip.ParseAddr(v.v); text == "" && err == nil {
		text = fmt.Sprintf("%q is the address of one machine: write it at its node, or an interface name or a CIDR here", v.v)
	}
	if text != "" {
		b.wrong(v.at, "%s", text)
	}
}

func pool(s string) (string, string) {
	if text := badCIDR(s); text != "" {
		return s, text
	}
	if p, err := netip.ParsePrefix(s); err == nil && !p.Addr().Is4() {
		return s, fmt.Sprintf("%q is not IPv4", s)
	}
	return s, ""
}

// checkOverlap reports pools that share addresses. Sorted by their first
// address, a range overlaps one before it exactly if it overlaps the widest
// that began last.
func (b *builder) checkOverlap(pools list[string]) {
	type pool struct {
		netip.Prefix
		at place
	}
	var sorted []pool
	for i := range pools {
		if p, err := netip.ParsePrefix(pools[i].v); err == nil && p == p.Masked() {
			sorted = append(sorted, pool{p, pools[i].at})
		}
	}
	slices.SortStableFunc(sorted, func(p, q pool) int {
		return cmp.Or(p.Addr().Compare(q.Addr()), cmp.Compare(p.Bits(), q.Bits()))
	})
	var wide netip.Prefix
	for _, p := range sorted {
		switch {
		case !wide.IsValid() || !wide.Overlaps(p.Prefix):
			wide = p.Prefix
		case wide != p.Prefix: // the same range twice was reported
			b.wrong(p.at, "%q overlaps %q", p.Prefix, wide)
		}
	}
}

// checkSubnets reports pools that are smaller than the networks cut from them
// (moby daemon/cluster/listen_addr.go, validateDefaultAddrPool).
func (b *builder) checkSubnets(k *swarmKeys) {
	bits := defaultSubnet
	if k.SubnetSize.given {
		bits = k.SubnetSize.v
	}
	if !k.SubnetSize.sound() {
		return
	}
	if len(k.DefaultAddrPool.v) == 0 {
		if bits < defaultPoolBits {
			b.wrong(k.SubnetSize.at, "the default pool 10.0.0.0/%d holds no network of /%d", defaultPoolBits, bits)
		}
		return
	}
	for _, e := range k.DefaultAddrPool.v {
		p, err := netip.ParsePrefix(e.v)
		if err == nil && p.Bits() > bits {
			b.wrong(e.at, "%q holds no network of /%d: see subnet_size", p, bits)
		}
	}
}
