package docker

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/docker/go-connections/nat"
)

const (
	sshPort     = 22
	sshPortName = nat.Port("22/tcp")
)

// Reach is how swarmup gets to the machines' sshd.
type Reach string

const (
	// ReachAuto decides by looking: Direct where the cluster's bridge is on
	// this machine, Published elsewhere (Docker Desktop, a remote engine).
	ReachAuto Reach = ""
	// ReachDirect uses the machine's own address.
	ReachDirect Reach = "direct"
	// ReachPublished uses a port that the engine publishes.
	ReachPublished Reach = "published"
)

func (r Reach) check() error {
	switch r {
	case ReachAuto, ReachDirect, ReachPublished:
		return nil
	}
	return fmt.Errorf("reach %q is not direct or published", string(r))
}

// published decides whether new machines publish their sshd. A bridge is
// reachable from here if its gateway is one of our own addresses and the engine
// is behind a local socket: the same subnet may be in use on another host, too.
func (p *Provider) published(gateway netip.Addr) bool {
	switch p.settings.Reach {
	case ReachDirect:
		return false
	case ReachPublished:
		return true
	case ReachAuto:
	}
	return !strings.HasPrefix(p.api.DaemonHost(), "unix://") || !isLocal(gateway)
}

// publishOn is the engine's address to publish on: its loopback, unless the
// engine is another host's, where that would be out of reach.
func (p *Provider) publishOn() string {
	if host := p.engineHost(); host == "" || isLoopback(host) {
		return "127.0.0.1"
	}
	return ""
}

// publishedHost is where to dial a port that the engine published on ip.
func (p *Provider) publishedHost(ip string) string {
	if host := p.engineHost(); host != "" {
		return host
	}
	if ip == "" || ip == "0.0.0.0" || ip == "::" {
		return "127.0.0.1"
	}
	return ip
}

// engineHost is the host of an engine that is reached over TCP, else "".
func (p *Provider) engineHost() string {
	u, err := url.Parse(p.api.DaemonHost())
	if err != nil || u.Scheme == "unix" || u.Scheme == "npipe" {
		return ""
	}
	return u.Hostname()
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func isLocal(addr netip.Addr) bool {
	for _, prefix := range localPrefixes() {
		if prefix.Addr() == addr {
			return true
		}
	}
	return false
}

// localPrefixes are the addresses of this machine with their networks; none
// where the system does not tell.
func localPrefixes() []netip.Prefix {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []netip.Prefix
	for _, a := range addrs {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, prefix)
		}
	}
	return out
}
