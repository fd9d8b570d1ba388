package docker

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// route is a line of the kernel's IPv4 routing table.
type route struct {
	link string
	to   netip.Prefix
}

// parseRoutes reads /proc/net/route: addresses stand there as numbers in the
// machine's byte order (Linux net/ipv4/fib_trie.c, fib_route_seq_show). Lines
// that it cannot read, such as the heading, it leaves out.
func parseRoutes(table string) []route {
	var out []route
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			continue
		}
		addr, err1 := strconv.ParseUint(fields[1], 16, 32)
		mask, err2 := strconv.ParseUint(fields[7], 16, 32)
		if err1 != nil || err2 != nil {
			continue
		}
		var b [4]byte
		binary.NativeEndian.PutUint32(b[:], uint32(addr))
		out = append(out, route{fields[0], netip.PrefixFrom(netip.AddrFrom4(b), bits.OnesCount32(uint32(mask)))})
	}
	return out
}
