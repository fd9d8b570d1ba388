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
	// The bounds of a heartbeat are ours: below a second the managers do little
	// else, and a node that died would be called down after three hours.
	minHeartbeat, maxHeartbeat = time.Second, time.Hour
	// defaultSubnet is the prefix length of overlay networks, and
	// defaultPoolBits that of 10.0.0.0/8, which they come from (docker swarm
	// init --help).
	defaultSubnet   = 24
	defaultPoolBits = 8
	// smallestSubnet is the longest prefix of a network that nodes are in.
	smallestSubnet = 29
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
	if h := time.Duration(k.Heartbeat.v); k.Heartbeat.good && (h < minHeartbeat || h > maxHeartbeat) {
		b.wrong(k.Heartbeat.at, "%s is not between 1s and 1h", h)
	}
	b.checkAdvertise(&k.Advertise)
	out := Swarm{
		ID:               k.ID.v,
		Advertise:        k.Advertise.v,
		DefaultAddrPool:  b.each(k.DefaultAddrPool.v, pool),
		SubnetSize:       uint32(k.SubnetSize.v),   //nolint:gosec // its key has limits
		DataPathPort:     uint32(k.DataPathPort.v), //nolint:gosec // its key has limits
		NodeCertExpiry:   time.Duration(k.NodeCertExpiry.v),
		Heartbeat:        time.Duration(k.Heartbeat.v),
		SnapshotInterval: k.SnapshotInterval.v,
		SlowFollowers:    k.SlowFollowers.v,
		Ingress:          b.ingress(&k.Ingress.v),
		Autolock:         b.autolock(&k.Autolock),
	}
	if k.TaskHistory.good {
		out.TaskHistory = &k.TaskHistory.v
	}
	if k.OldSnapshots.good {
		out.OldSnapshots = &k.OldSnapshots.v
	}
	if len(out.DefaultAddrPool) == 0 {
		out.DefaultAddrPool = nil
	}
	b.checkOverlap(k.DefaultAddrPool.v)
	b.checkSubnets(k)
	return out
}

func (b *builder) ingress(k *ingressKeys) Ingress {
	out := Ingress{MTU: k.MTU.v, Subnet: k.Subnet.v}
	if k.Encrypted.good {
		out.Encrypted = &k.Encrypted.v
	}
	if k.Subnet.good {
		text := badPool(k.Subnet.v)
		if p, err := netip.ParsePrefix(k.Subnet.v); text == "" && err == nil && p.Bits() > smallestSubnet {
			text = fmt.Sprintf("%q has no room for the addresses of nodes", k.Subnet.v)
		}
		if text != "" {
			b.wrong(k.Subnet.at, "%s", text)
		}
	}
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

func pool(s string) (string, string) { return s, badPool(s) }

// badPool says why a text is no range of IPv4 addresses, "" if it is one.
func badPool(s string) string {
	if text := badCIDR(s); text != "" {
		return text
	}
	if p, err := netip.ParsePrefix(s); err == nil && !p.Addr().Is4() {
		return fmt.Sprintf("%q is not IPv4", s)
	}
	return ""
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
