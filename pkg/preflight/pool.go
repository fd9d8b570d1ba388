package preflight

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
)

const (
	// defaultSubnet is the prefix length of an overlay network where none is
	// chosen (docker swarm init --help).
	defaultSubnet = 24
	// nearNetworks is how many networks of a pool are looked at closely. A swarm
	// takes them one after the other from the beginning (moby swarmkit, ipam).
	nearNetworks = 256
)

// candidates are the pools of which the first that is free is taken where the
// file names none. The engine's own choice comes first, then parts of it that
// clouds leave free more often than not.
func candidates() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"10.0.0.0/8", "10.128.0.0/9", "10.64.0.0/10", "10.32.0.0/11", "10.224.0.0/11",
		"172.24.0.0/13", "192.168.128.0/17", "198.18.0.0/15",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// DefaultPool is where overlay networks come from in a swarm that was told
// nothing (docker swarm init --help).
func DefaultPool() netip.Prefix { return candidates()[0] }

// ChoosePool gives the pool of a swarm whose file names none: the first of a
// short list that overlaps no route of a host and has room for a network of
// that prefix length. false means that there is none.
func ChoosePool(subnetSize int, hosts []Host) (netip.Prefix, bool) {
	for _, c := range candidates() {
		if c.Bits() <= size(subnetSize) && free(c, hosts) {
			return c, true
		}
	}
	return netip.Prefix{}, false
}

func size(subnetSize int) int {
	if subnetSize == 0 {
		return defaultSubnet
	}
	return subnetSize
}

func free(pool netip.Prefix, hosts []Host) bool {
	for _, h := range hosts {
		for _, r := range h.Routes {
			if r.To.Overlaps(pool) {
				return false
			}
		}
	}
	return true
}

// pools compares where overlay networks come from with where the hosts' own
// packets go: containers in an overlay network do not reach what it hides.
func (j *judge) pools() {
	if j.wish.Fresh && len(j.wish.Pools) == 0 {
		j.noPool()
		return
	}
	for _, pool := range j.wish.Pools {
		for _, h := range j.joining() {
			j.pool(pool, h)
		}
	}
}

// noPool: where nothing is free the choice is the user's.
func (j *judge) noPool() {
	if _, ok := ChoosePool(j.wish.SubnetSize, j.hosts); ok {
		return
	}
	var tried []string
	for _, c := range candidates() {
		tried = append(tried, c.String())
	}
	j.add(Pool, "", "each range that overlay networks could come from overlaps a route of a host: "+strings.Join(tried, ", "),
		"name one that is free in swarm.default_addr_pool")
}

// pool judges one pool against one host, by the route that says most.
func (j *judge) pool(pool netip.Prefix, h Host) {
	near := first(pool, size(j.wish.SubnetSize))
	var wide string
	for _, r := range h.Routes {
		if !r.To.Overlaps(pool) {
			continue
		}
		text := fmt.Sprintf("the address pool %s overlaps %s of %s (%s)", pool, r.To, h.Name, r.kind())
		aggregate := !r.Own && r.To.Bits() < pool.Bits()
		if j.wish.Fresh && r.To.Overlaps(near) && !aggregate {
			j.add(Pool, h.Name, text, "choose another swarm.default_addr_pool"+j.suggestion())
			return
		}
		if wide == "" {
			wide = text
		}
	}
	if wide == "" {
		j.local(pool, h)
		return
	}
	hint := "if something in there is needed from containers, choose another swarm.default_addr_pool before the swarm is made"
	if !j.wish.Fresh {
		hint = "the pool of a swarm is fixed: containers in overlay networks may not reach what is there"
	}
	j.add(PoolWide, h.Name, wide, hint)
}

// local compares with the pools that the engine's own bridges come from: two
// networks of one container must not overlap.
func (j *judge) local(pool netip.Prefix, h Host) {
	var f struct {
		Pools []struct{ Base string } `json:"default-address-pools"`
	}
	_ = json.Unmarshal(h.Daemon, &f)
	for _, p := range f.Pools {
		base, err := netip.ParsePrefix(p.Base)
		if err == nil && base.Overlaps(pool) && j.wish.Fresh {
			j.add(Pool, h.Name, fmt.Sprintf("the address pool %s overlaps %s, which %s's bridge networks come from", pool, base, h.Name),
				"choose another swarm.default_addr_pool, or other default-address-pools in daemon.json"+j.suggestion())
			return
		}
	}
}

func (j *judge) suggestion() string {
	if c, ok := ChoosePool(j.wish.SubnetSize, j.hosts); ok {
		return fmt.Sprintf("; %s is free", c)
	}
	return ""
}

// first is the part of a pool that its first networks come from.
func first(pool netip.Prefix, subnet int) netip.Prefix {
	bits := subnet
	for n := 1; n < nearNetworks; n *= 2 {
		bits--
	}
	if bits <= pool.Bits() {
		return pool
	}
	return netip.PrefixFrom(pool.Addr(), bits)
}

func (r Route) kind() string {
	switch {
	case r.Link == "docker0", r.Link == "docker_gwbridge", strings.HasPrefix(r.Link, "br-"):
		return "a bridge network of Docker's, " + r.Link
	case r.Own:
		return "its own network on " + r.Link
	case r.Link == "":
		return "a route"
	}
	return "a route by " + r.Link
}
