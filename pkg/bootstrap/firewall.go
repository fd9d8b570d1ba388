package bootstrap

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/swarmup/swarmup/pkg/preflight"
)

// Firewall asks a machine for its packet filters. addr is the machine's own
// address that the swarm's traffic comes to; "" where that does not matter.
func Firewall(ctx context.Context, h Host, addr string) (preflight.Firewall, error) {
	a, err := run(ctx, h, call{script: "firewall", args: []string{addr}, limit: scriptLimit})
	if err != nil {
		return preflight.Firewall{}, fmt.Errorf("look at firewall: %w", err)
	}
	return preflight.Firewall{
		Zone: a.text("zone"), ZoneOpen: strings.Fields(a.text("open")),
		UFW: a.text("ufw"), NFT: a.text("nft"), IPTables: a.text("iptables"),
	}, nil
}

// Knock has a machine try a TCP connection with what it has: bash or nc. Where
// it has neither, or cannot be asked, the outcome is Untried.
func Knock(ctx context.Context, h Host, to netip.Addr, port int) (o preflight.Outcome, why string) {
	a, err := run(ctx, h, call{script: "knock", args: []string{to.String(), strconv.Itoa(port)}, limit: scriptLimit})
	if err != nil {
		return preflight.Untried, err.Error()
	}
	said := a.text("outcome")
	switch {
	case said == "":
		return preflight.Untried, "its sshd forbids forwarding, and it has neither bash nor nc"
	case said == "open":
		return preflight.Open, ""
	case strings.Contains(strings.ToLower(said), "refused"):
		return preflight.Closed, "connection refused"
	case strings.HasPrefix(said, "no answer"):
		return preflight.Dropped, said
	}
	last := said[strings.LastIndex(said, "\n")+1:]
	return preflight.Dropped, strings.TrimSpace(strings.ToLower(last[strings.LastIndex(last, ": ")+1:]))
}
