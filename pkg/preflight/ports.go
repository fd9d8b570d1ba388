package preflight

import (
	"slices"
	"strconv"
	"strings"
)

// The ports of a swarm (docs.docker.com, "Getting started with swarm mode").
const (
	ControlPort = 2377 // TCP, on managers
	GossipPort  = 7946 // TCP and UDP, on all
	// DataPort is that of overlay traffic where none is chosen, UDP, on all
	// (moby api/types/swarm, DefaultDataPathPort).
	DataPort = 4789
)

// Port is a port, or a protocol without ports where Number is 0.
type Port struct {
	Number int
	Proto  string // tcp, udp, or esp
}

// String gives 2377/tcp, or esp.
func (p Port) String() string {
	if p.Number == 0 {
		return p.Proto
	}
	return strconv.Itoa(p.Number) + "/" + p.Proto
}

// ParsePort reads what String gives; false for anything else.
func ParsePort(s string) (Port, bool) {
	number, proto, found := strings.Cut(s, "/")
	if !found {
		return Port{Proto: s}, s == "esp"
	}
	n, err := strconv.Atoi(number)
	return Port{Number: n, Proto: proto}, err == nil && n > 0 && n < 1<<16 && (proto == "tcp" || proto == "udp")
}

// Ports are those that others have to reach on a member. The control port is
// a manager's only. dataPort 0 means 4789. Encrypted networks also use IP
// protocol 50, which is in the list always: whether somebody makes such a
// network cannot be known.
func Ports(manager bool, dataPort int) []Port {
	if dataPort == 0 {
		dataPort = DataPort
	}
	ports := []Port{{GossipPort, "tcp"}, {GossipPort, "udp"}, {dataPort, "udp"}, {0, "esp"}}
	if manager {
		ports = slices.Insert(ports, 0, Port{ControlPort, "tcp"})
	}
	return ports
}

// numbers gives those of one protocol.
func numbers(ports []Port, proto string) (out []string) {
	for _, p := range ports {
		if p.Proto == proto && p.Number != 0 {
			out = append(out, strconv.Itoa(p.Number))
		}
	}
	return out
}

func hasESP(ports []Port) bool { return slices.Contains(ports, Port{0, "esp"}) }
