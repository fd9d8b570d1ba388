// Package importer writes the cluster.yaml of a swarm that is there already. It
// asks one manager, and changes nothing anywhere.
package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
)

// Manager is one manager of a swarm.
type Manager interface {
	Info(ctx context.Context) (engine.Info, error)
	Swarm(ctx context.Context) (engine.Swarm, error)
	Nodes(ctx context.Context) ([]engine.Node, error)
	Ingress(ctx context.Context) (engine.Ingress, error)
}

// Options say what a swarm does not know of itself.
type Options struct {
	// Name is the cluster's; "" means the one that members are marked with, else
	// "swarm".
	Name string
	// Host is where the manager was reached; "" means that nobody knows. It is
	// the manager's address where the swarm has none that others could use.
	Host string
	// User, Port and IdentityFile are how it was logged in to, and so how all
	// others are; "" and 0 are left out.
	User         string
	Port         int
	IdentityFile string
}

// File is what was written of a swarm.
type File struct {
	Text []byte
	// Left says in one sentence each what is not in the file, and why.
	Left []string
}

// DefaultName is that of a cluster of which nothing says what it is called.
const DefaultName = "swarm"

// ErrNotManager means that the engine that was asked is no manager that could
// speak for its swarm.
var ErrNotManager = errors.New("it is no manager of a swarm")

// Import asks a manager and writes the file of its swarm, for provider ssh. The
// same swarm gives the same file, to the byte.
func Import(ctx context.Context, m Manager, o Options) (File, error) {
	info, err := m.Info(ctx)
	switch {
	case err != nil:
		return File{}, err
	case info.State != engine.Active || !info.Manager:
		return File{}, fmt.Errorf("%s: %w", cmp.Or(info.Hostname, "the engine"), ErrNotManager)
	}
	s, err := m.Swarm(ctx)
	if err != nil {
		return File{}, err
	}
	entries, err := m.Nodes(ctx)
	if err != nil {
		return File{}, err
	}
	ingress, err := m.Ingress(ctx)
	if err != nil {
		return File{}, err
	}
	w := &writer{o: o, self: info.NodeID, taken: map[string]bool{}}
	w.o.Name = cmp.Or(o.Name, clusterOf(entries), DefaultName)
	return w.file(s, entries, ingress), nil
}

// clusterOf gives the name that members are marked with; "" where there is none,
// or more than one.
func clusterOf(entries []engine.Node) string {
	names := map[string]bool{}
	for _, e := range entries {
		if c := e.Labels[plan.MarkCluster]; c != "" {
			names[c] = true
		}
	}
	if len(names) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(names))[0]
}

// node is one line of the file.
type node struct {
	engine.Node
	name, address string
}

// nodes gives those that can be written, by name. Who was there first keeps a
// name that several have.
func (w *writer) nodes(entries []engine.Node) (out []node) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b engine.Node) int {
		return cmp.Or(cmp.Compare(label(a), label(b)), a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	for _, e := range entries {
		n := node{Node: e, address: w.address(e)}
		switch {
		case e.Hostname == "":
			w.leave("an entry without a name (%s), which a join left that never finished", e.ID)
		case e.State == "down":
			w.leave("%s (%s), which is down", e.Hostname, e.ID)
		case n.address == "":
			w.leave("%s (%s), of which the swarm knows no address", e.Hostname, e.ID)
		default:
			n.name = w.name(label(e))
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b node) int { return cmp.Compare(a.name, b.name) })
	return out
}

// label is what a node is called: by its mark, else by its host name.
func label(e engine.Node) string { return cmp.Or(e.Labels[plan.MarkNode], e.Hostname) }

// address is where a node is reached: by its mark, else as the dispatcher sees
// it. A manager that is connected to itself is seen where nobody else finds it.
func (w *writer) address(e engine.Node) string {
	if _, login, ok := strings.Cut(e.Labels[plan.MarkSSH], "@"); ok {
		if host, _, err := net.SplitHostPort(login); err == nil {
			return host
		}
	}
	candidates := []string{e.Addr}
	if e.Manager != nil {
		if host, _, err := net.SplitHostPort(e.Manager.Addr); err == nil {
			candidates = append(candidates, host)
		}
	}
	for _, c := range candidates {
		if a, err := netip.ParseAddr(c); err == nil && !a.IsUnspecified() && !a.IsLoopback() {
			return a.Unmap().String()
		}
	}
	if e.ID == w.self {
		return w.o.Host
	}
	return ""
}

// name makes a name of the file of a host name: lower case letters, digits and
// dashes, a letter first, 30 at most.
func (w *writer) name(host string) string {
	const most = 30
	var b strings.Builder
	for _, r := range strings.ToLower(host) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0:
			b.WriteByte('-')
		}
	}
	base := cmp.Or(strings.Trim(b.String()[:min(most, b.Len())], "-"), "node")
	out := base
	for i := 2; w.taken[out]; i++ {
		suffix := fmt.Sprintf("-%d", i)
		out = base[:min(len(base), most-len(suffix))] + suffix
	}
	w.taken[out] = true
	return out
}

// The engine's own choices, which are not written (docker swarm init --help;
// moby swarmkit manager/controlapi, api/defaults).
const (
	defaultPool      = "10.0.0.0/8"
	defaultSubnet    = 24
	defaultDataPort  = 4789
	defaultExpiry    = 2160 * time.Hour
	defaultHistory   = 5
	defaultHeartbeat = 5 * time.Second
)
