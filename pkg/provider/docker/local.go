package docker

import (
	"net"
	"os"
	"runtime"
	"strings"
)

// isLocalEngine says whether the engine runs on this very machine, so that what
// this machine says of itself holds for it, too.
func (p *Provider) isLocalEngine() bool {
	return runtime.GOOS == "linux" && strings.HasPrefix(p.api.DaemonHost(), "unix://")
}

// bindModules says whether to lend the machines the host's kernel modules: an
// engine inside loads ip_vs and overlay by itself. Elsewhere the engine makes
// the folder if its host has none.
func (p *Provider) bindModules() bool {
	if !p.isLocalEngine() {
		return true
	}
	_, err := os.Stat("/lib/modules")
	return err == nil
}

// mtu is that of the cluster's network: the smallest of this machine's links
// that leads out, if it is below the usual 1500; 0 means the engine's default.
func (p *Provider) mtu() int {
	if !p.isLocalEngine() {
		return 0
	}
	links, err := net.Interfaces()
	if err != nil {
		return 0
	}
	return smallestMTU(links, defaultLinks())
}

const usualMTU = 1500

func smallestMTU(links []net.Interface, leadOut map[string]bool) int {
	mtu := 0
	for _, l := range links {
		if leadOut[l.Name] && l.MTU > 0 && l.MTU < usualMTU && (mtu == 0 || l.MTU < mtu) {
			mtu = l.MTU
		}
	}
	return mtu
}

// defaultLinks are the interfaces of the default routes.
func defaultLinks() map[string]bool {
	out := map[string]bool{}
	for _, r := range hostRoutes() {
		if r.to.Bits() == 0 {
			out[r.link] = true
		}
	}
	return out
}

// hostSubnets are the networks that this machine has or knows a way to.
func hostSubnets() []used {
	var out []used
	for _, p := range localPrefixes() {
		out = append(out, used{p.Masked(), "this host"})
	}
	for _, r := range hostRoutes() {
		if r.to.Bits() > 0 {
			out = append(out, used{r.to, "this host"})
		}
	}
	return out
}

func hostRoutes() []route {
	table, err := os.ReadFile("/proc/net/route")
	if err != nil {
		return nil
	}
	return parseRoutes(string(table))
}
