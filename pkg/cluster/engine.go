package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// install puts an engine on a host that has none. One that is there in another
// version, on a host that no swarm knows, is changed.
func (c *Cluster) install(ctx context.Context, s plan.Step, h *host) (string, error) {
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	facts, _ := h.seen()
	switch {
	case facts.Engine == bootstrap.Absent:
	case n.Engine.Takes(facts.EngineVersion):
		return "engine " + facts.EngineVersion + " is there", nil
	case facts.CertNode != "" || n.Engine.Install == spec.InstallNone:
		return "", &bootstrap.VersionError{Has: facts.EngineVersion, Wants: n.Engine.Version}
	default:
		return c.upgrade(ctx, s, h)
	}
	r, err := c.wanted(n)
	if err != nil {
		return "", err
	}
	if err := bootstrap.Install(ctx, h, facts, r, c.progress(h.node)); err != nil {
		return "", err
	}
	if err := h.look(ctx, startWait); err != nil {
		return "", err
	}
	facts, _ = h.seen()
	if !n.Engine.Takes(facts.EngineVersion) { // a script's own choice
		return "", &bootstrap.VersionError{Has: facts.EngineVersion, Wants: n.Engine.Version}
	}
	return "engine " + facts.EngineVersion, nil
}

// wanted is what a node without an engine gets. Where the file asks for no
// version, it is the managers', if it can be had.
func (c *Cluster) wanted(n spec.Node) (bootstrap.Request, error) {
	e := n.Engine
	r := bootstrap.Request{
		How: e.Install, Version: e.Version, Repository: e.Repository.URL,
		Env:     plan.WantEnv(c.cfg.Spec, n, c.places()), // the proxies of it
		Cluster: c.cfg.Spec.Name, Node: n.Name,
	}
	if e.Version == "" {
		r.Prefer = c.managersVersion()
	}
	var err error
	switch {
	case e.Install == spec.InstallScript:
		if r.Script, err = os.ReadFile(e.Script); err != nil {
			return r, fmt.Errorf("read install script: %w", err)
		}
	case e.Repository.Key != "":
		if r.Key, err = os.ReadFile(e.Repository.Key); err != nil {
			return r, fmt.Errorf("read the repository's key: %w", err)
		}
	}
	return r, nil
}

// managersVersion is the oldest engine among the managers of a swarm that was
// there before this run; "" where there was none.
func (c *Cluster) managersVersion() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	oldest := ""
	for _, n := range c.round.nodes {
		if n.Manager != nil && n.Version != "" && (oldest == "" || spec.CompareVersions(n.Version, oldest) < 0) {
			oldest = n.Version
		}
	}
	return oldest
}

// configure makes daemon.json what the file says and the engine run by it. A
// member is never restarted here: that would stop its tasks. Whether it is one
// is looked at now, since it may have become one after the plan was made.
func (c *Cluster) configure(ctx context.Context, s plan.Step, h *host) (string, error) {
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	facts, err := bootstrap.Probe(ctx, h)
	if err != nil {
		return "", err
	}
	if err := c.openPorts(ctx, h, n, facts.Owned.Opened); err != nil {
		return "", err
	}
	stopped := facts.Engine != bootstrap.Running
	member := facts.CertNode != ""
	if member && !stopped && onlyPorts(s) {
		return "", nil
	}
	effect, err := bootstrap.Configure(ctx, h, bootstrap.Settings{
		Want: plan.WantDaemon(n.Engine), Env: plan.WantEnv(c.cfg.Spec, n, c.places()), Member: member,
		AllowRestart: stopped || !member, Live: h.live,
	})
	if err != nil {
		return "", err
	}
	if stopped {
		if err := bootstrap.EnsureRunning(ctx, h); err != nil {
			return "", err
		}
	}
	if err := h.look(ctx, startWait); err != nil {
		return "", err
	}
	if (stopped || s.Maybe) && h.locked() { // others rely on a manager that was started
		return "unlocked", c.unlock(ctx, h)
	}
	if stopped {
		return "engine started", nil
	}
	return differs(effect, s.Effect), nil
}

// differs gives an effect that was another one than planned; "" for none.
func differs(effect, planned daemon.Effect) string {
	if effect == daemon.None || effect == planned {
		return ""
	}
	return string(effect)
}

// onlyPorts says whether a step only looks after the firewall: the engine's own
// settings come with its restart.
func onlyPorts(s plan.Step) bool {
	return len(s.Changes) > 0 && !slices.ContainsFunc(s.Changes, func(c plan.Change) bool { return c.What != "open_ports" })
}

// openPorts brings the host's firewall in line with the file, where it is not.
func (c *Cluster) openPorts(ctx context.Context, h *host, n spec.Node, have *daemon.Opened) error {
	switch {
	case !n.Engine.OpenPorts && have == nil:
		return nil
	case !n.Engine.OpenPorts:
		return bootstrap.ClosePorts(ctx, h)
	case len(have.Lacks(plan.Ports(c.cfg.Spec, n))) == 0:
		return nil
	}
	addr := ""
	if own := h.outward(c); own.IsValid() {
		addr = own.String()
	}
	return bootstrap.OpenPorts(ctx, h, addr, c.ports(h))
}

// places tells where every node is, as far as is known by now.
func (c *Cluster) places() map[string]plan.Place {
	out := map[string]plan.Place{}
	for _, h := range c.all() {
		if _, ok := c.cfg.Spec.Node(h.node); ok && !c.leaving(h) {
			facts, _ := h.seen()
			out[h.node] = plan.Place{Address: h.is().Address, Interfaces: interfaces(facts)}
		}
	}
	return out
}

// interfaces gives the addresses of a machine's interfaces.
func interfaces(f bootstrap.Facts) (out []preflight.Address) {
	for _, i := range f.Addresses {
		if p, err := netip.ParsePrefix(i.CIDR); err == nil {
			out = append(out, preflight.Address{Link: i.Name, Prefix: p})
		}
	}
	return out
}

// live asks the engine what it works by.
func (h *host) live(ctx context.Context) (daemon.Live, error) {
	i, err := h.Info(ctx)
	if err != nil {
		return daemon.Live{}, err
	}
	return daemon.Live{
		Labels: i.Labels, InsecureRegistries: i.InsecureRegistries,
		RegistryMirrors: i.RegistryMirrors, Known: true,
	}, nil
}

// unconfigure takes our keys back out of daemon.json.
func (c *Cluster) unconfigure(ctx context.Context, h *host) error {
	return bootstrap.Unconfigure(ctx, h)
}

// node gives the file's node of a host.
func (c *Cluster) node(h *host) (spec.Node, error) {
	n, ok := c.cfg.Spec.Node(h.node)
	if !ok {
		return spec.Node{}, errNotInFile
	}
	return n, nil
}
