package bootstrap

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/preflight"
)

// Look asks a machine for what decides whether it can be in a swarm, in one
// round trip of at most 30 s. It changes nothing. Addresses and Reached are left
// to the caller, who knows them from elsewhere.
func Look(ctx context.Context, h Host) (preflight.Conditions, error) {
	began := time.Now()
	a, err := run(ctx, h, call{script: "preflight", conditions: true, args: preflight.Modules(), limit: 30 * time.Second})
	if err != nil {
		return preflight.Conditions{}, fmt.Errorf("look at machine: %w", err)
	}
	return conditions(a.text("conditions"), began, time.Now()), nil
}

// conditions reads the script's answer. The machine's clock was read somewhere
// between two moments of ours.
func conditions(text string, began, ended time.Time) (c preflight.Conditions) {
	facts, routes, _ := strings.Cut(text, "\nroutes")
	facts, disk, _ := strings.Cut(facts, "\ndisk\n")
	c.DiskFree = diskFree(disk)
	for line := range strings.Lines(facts) {
		word, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "clock":
			if s, err := strconv.ParseInt(value, 10, 64); err == nil {
				c.Ahead, c.Margin = ahead(time.Unix(s, 0), began, ended)
			}
		case "machine-id":
			c.MachineID = value
		case "kernel":
			c.Kernel = value
		case "lacks":
			c.Lacks = append(c.Lacks, value)
		case "link":
			name, mtu, _ := strings.Cut(value, " ")
			if n, err := strconv.Atoi(mtu); err == nil {
				c.Links = append(c.Links, preflight.Link{Name: name, MTU: n})
			}
		}
	}
	for line := range strings.Lines(routes) {
		if r, ok := route(strings.Fields(line)); ok {
			c.Routes = append(c.Routes, r)
		}
	}
	return c
}

// diskFree reads what "df -Pk" prints of one file system: a heading, and a line
// with the free kilobytes in the fourth place. What cannot be read is 0, and a
// disk without any room has 1 byte.
func diskFree(s string) int64 {
	_, line, _ := strings.Cut(s, "\n")
	w := strings.Fields(line)
	if len(w) < 4 {
		return 0
	}
	kb, err := strconv.ParseInt(w[3], 10, 64)
	if err != nil {
		return 0
	}
	return max(1, kb<<10)
}

// ahead gives by how much a clock was ahead that said so many whole seconds, and
// how far that may be wrong.
func ahead(said, began, ended time.Time) (by, margin time.Duration) {
	const half = time.Second / 2
	took := ended.Sub(began)
	by = said.Add(half).Sub(began.Add(took / 2).Round(0)) // the wall clock counts
	return by, half + took/2
}

// route reads a line of "ip -4 route show table all", such as "10.1.0.0/16 via
// 10.0.0.1 dev eth0 proto dhcp", or of /proc/net/route. Default routes, and
// what leads to the host itself, are left out.
func route(w []string) (r preflight.Route, ok bool) {
	if len(w) >= 8 && len(w[1]) == 8 && len(w[7]) == 8 {
		return tableRoute(w)
	}
	if len(w) > 0 {
		switch w[0] {
		case "local", "broadcast", "multicast", "anycast", "default":
			return r, false
		case "unreachable", "blackhole", "prohibit", "throw", "unicast", "nat":
			w = w[1:]
		}
	}
	if len(w) == 0 {
		return r, false
	}
	to, ok := network(w[0])
	if !ok {
		return r, false
	}
	r.To = to
	for i := 1; i+1 < len(w); i++ {
		switch {
		case w[i] == "dev":
			r.Link = w[i+1]
		case w[i] == "proto" && w[i+1] == "kernel":
			r.Own = true
		}
	}
	return r, true
}

// widest is the prefix length of a route that says something of its own. Those
// that are shorter come from tunnels that take everything in, or nearly so: they
// are default routes in parts.
const widest = 8

// network reads 10.0.0.0/16, or an address alone.
func network(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), a.Is4()
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err == nil && p.Addr().Is4() && p.Bits() >= widest
}

// tableRoute reads a line of /proc/net/route: interface, destination, gateway,
// flags, three counters, mask; addresses in hexadecimal with the last byte
// first (linux net/ipv4/fib_trie.c, fib_route_seq_show).
func tableRoute(w []string) (r preflight.Route, ok bool) {
	to, errTo := hex.DecodeString(w[1])
	mask, errMask := hex.DecodeString(w[7])
	if errTo != nil || errMask != nil {
		return r, false // the heading
	}
	bits := 0
	for m := binary.LittleEndian.Uint32(mask); m&(1<<31) != 0; m <<= 1 {
		bits++
	}
	addr := netip.AddrFrom4([4]byte{to[3], to[2], to[1], to[0]})
	p := netip.PrefixFrom(addr, bits).Masked()
	return preflight.Route{To: p, Link: w[0], Own: w[2] == "00000000"}, bits >= widest
}
