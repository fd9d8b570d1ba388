package plan

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Place is where a node is reached: what the provider says, and the addresses of
// its interfaces, as far as they are known.
type Place struct {
	Address    string
	Interfaces []preflight.Address
}

// WantEnv is the environment that the file asks of a node's engine. With a proxy
// in it NO_PROXY, and no_proxy for programs that only know that, name all nodes of
// the file besides what the user has there: by what stands in the file, and by the
// addresses that places, by node, tell.
func WantEnv(want *spec.Cluster, n spec.Node, places map[string]Place) map[string]string {
	if !proxied(n) {
		return n.Engine.Env
	}
	out := map[string]string{}
	var hosts []string
	for _, name := range slices.Sorted(maps.Keys(n.Engine.Env)) {
		out[name] = n.Engine.Env[name]
		if daemon.NoProxy(name) {
			for h := range strings.SplitSeq(out[name], ",") {
				hosts = append(hosts, strings.TrimSpace(h))
			}
		}
	}
	user := len(hosts)
	for _, m := range want.Nodes {
		hosts = append(hosts, addressesOf(m, places[m.Name])...)
	}
	slices.Sort(hosts[user:])
	var list []string
	for _, h := range hosts {
		if h != "" && !slices.Contains(list, h) {
			list = append(list, h)
		}
	}
	out["NO_PROXY"] = strings.Join(list, ",")
	out["no_proxy"] = out["NO_PROXY"]
	return out
}

// proxied says whether a node's engine has a proxy.
func proxied(n spec.Node) bool {
	for name, value := range n.Engine.Env {
		if daemon.Proxy(name) && value != "" {
			return true
		}
	}
	return false
}

// addressesOf gives the addresses of one node: where it is reached, and those that
// it may advertise. An interface is known by its addresses, a range of the file by
// those that are in it.
func addressesOf(n spec.Node, p Place) (out []string) {
	out = append(out, n.Address, p.Address)
	for _, choice := range []string{n.Advertise, n.DataPath} {
		if a, err := netip.ParseAddr(choice); err == nil {
			out = append(out, a.String())
			continue
		}
		for _, a := range preflight.Chosen(p.Interfaces, choice) {
			out = append(out, a.IP().String())
		}
	}
	return out
}

// places tells of every node of the file what is known of its host.
func (d *differ) places() map[string]Place {
	out := map[string]Place{}
	for _, p := range d.pairs {
		if p.host != nil {
			out[p.node.Name] = Place{Address: p.host.Machine.Address, Interfaces: p.host.Addresses}
		}
	}
	return out
}

// environ gives what has to change about the environment of a node's engine, for
// which a running member may not be restarted.
func (d *differ) environ(p pair) daemon.EnvPatch {
	have := p.host.Environ
	have.Up = p.host.Engine == EngineRunning
	return daemon.DiffEnv(WantEnv(d.want, p.node, d.places()), have, p.host.member())
}

// newcomers says whether nodes get an address in this plan, so that those with a
// proxy have to be told of it.
func (d *differ) newcomers() bool {
	return slices.ContainsFunc(d.pairs, func(p pair) bool { return p.host == nil || p.host.Answer != Answered })
}

// awaitPlaces has a step of a node with a proxy wait until all other nodes have
// their addresses: its engine is told of them before any node joins. Of machines
// that are made only after it was configured it is told in another round.
func (d *differ) awaitPlaces() {
	for i, s := range d.steps {
		n, ok := d.want.Node(s.Node)
		if s.Action != Configure && s.Action != Restart || !ok || !proxied(n) {
			continue
		}
		for _, other := range d.steps {
			switch {
			case other.Action != Connect:
			case d.leaverOf(other.Node) != nil && other.Node != s.Node && d.comesAfter(other, s.ID):
				d.partial = true
			default:
				d.steps[i].Behind = edges(append(d.steps[i].Behind, other.ID))
			}
		}
	}
}

// comesAfter says whether a step has to wait for another one.
func (d *differ) comesAfter(s Step, id string) bool {
	byID := map[string]Step{}
	for _, x := range d.steps {
		byID[x.ID] = x
	}
	seen := map[string]bool{}
	for todo := slices.Concat(s.After, s.Behind); len(todo) > 0; todo = todo[1:] {
		if todo[0] == id {
			return true
		}
		if x, ok := byID[todo[0]]; ok && !seen[x.ID] {
			seen[x.ID] = true
			todo = slices.Concat(todo, x.After, x.Behind)
		}
	}
	return false
}
