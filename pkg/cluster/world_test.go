package cluster_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/provider/existing"
	"github.com/swarmup/swarmup/pkg/provider/providertest"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "12") // a story takes its time under -race; the command line may ask for more
	goleak.VerifyTestMain(m)
}

// world is a small world in memory, with a time of its own: machines behind a
// provider, each with an sshd and an engine, and the network between them.
type world struct {
	*testing.T
	net   *swarmtest.World
	cloud *cloud
	home  string
	clock clock
	// offers are the versions that machines can get an engine in.
	offers []string

	mu       sync.Mutex
	machines []*machine
	spec     *spec.Cluster
	key      sshtest.Key // the user's own, for machines that are there already
}

// in runs a test in a world. No goroutine of it may be left at the end.
func in(t *testing.T, f func(*world)) {
	t.Helper()
	t.Parallel()
	home := t.TempDir() + "/demo"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, home)
		defer w.net.Close()
		f(w)
	})
}

// newWorld makes a world without machines, inside a bubble.
func newWorld(t *testing.T, home string) *world {
	t.Helper()
	w := &world{T: t, net: swarmtest.New(), home: home, clock: clock{install: 20 * time.Second, start: 2 * time.Second}, offers: []string{"28.5.2"}}
	w.cloud = &cloud{Memory: &providertest.Memory{}, w: w}
	w.cloud.OnBoot, w.cloud.OnDelete = w.cloud.boot, w.cloud.gone
	w.key = sshtest.NewKey(t, "ed25519", "user")
	return w
}

// cloud is the provider of machines that swarmup makes.
type cloud struct {
	*providertest.Memory
	w *world
	// onBoot is called for each new machine, before it can be reached.
	onBoot func(*machine)
	// cut is why a boot that is under way comes to nothing; nil while it may go on.
	cut atomic.Pointer[error]
	// onAuthorize can make Authorize fail.
	onAuthorize func(*machine) error
}

func (c *cloud) boot(_ context.Context, req provider.Request) (providertest.Place, error) {
	m := c.w.machine(req.Node, req.AuthorizedKeys...)
	if c.onBoot != nil {
		c.onBoot(m)
	}
	time.Sleep(time.Second)
	if cut := c.cut.Load(); cut != nil {
		return providertest.Place{}, *cut
	}
	return providertest.Place{
		Address: m.addr, SSH: provider.Endpoint{Host: m.addr, Port: 22, User: "root"}, HostKey: m.sshd.Fingerprint(),
	}, nil
}

func (c *cloud) gone(_ context.Context, m provider.Machine) error {
	if m := c.w.at(m.Address); m != nil { // else it was never finished
		m.remove()
	}
	return nil
}

// Start switches a machine on.
func (c *cloud) Start(ctx context.Context, m provider.Machine) (provider.Machine, error) {
	c.w.at(m.Address).powerOn()
	return c.Memory.Start(ctx, m)
}

// Stop switches a machine off.
func (c *cloud) Stop(ctx context.Context, m provider.Machine) error {
	c.w.at(m.Address).powerOff()
	return c.Memory.Stop(ctx, m)
}

// Authorize lets more keys into a machine.
func (c *cloud) Authorize(ctx context.Context, m provider.Machine, keys []string) error {
	if c.onAuthorize != nil {
		if err := c.onAuthorize(c.w.at(m.Address)); err != nil {
			return err
		}
	}
	c.w.at(m.Address).authorize(keys)
	return c.Memory.Authorize(ctx, m, keys)
}

// machine adds a machine with an sshd and no engine.
func (w *world) machine(name string, authorized ...string) *machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := &machine{
		net: w.net, name: name, addr: fmt.Sprintf("10.0.0.%d", len(w.machines)+1),
		version: "28.5.2", offers: w.offers, files: map[string]string{}, clock: w.clock, keys: append(slices.Clone(authorized), "", ""),
	}
	m.lan = w.lan
	m.sshd = sshtest.Start(w, sshtest.Options{Authorized: m.keys, Exec: m.exec, Forward: m.forward, Memory: true})
	m.sshd.Misbehave(good())
	w.machines = append(w.machines, m)
	return m
}

// lan is the network between machines: it leads to their sshds and managers.
func (w *world) lan(addr string) (net.Conn, error) {
	host, port, _ := net.SplitHostPort(addr)
	switch to := w.at(host); {
	case to == nil:
		return nil, syscall.EHOSTUNREACH
	case port == "22":
		return to.sshd.Dial(context.Background(), "tcp", addr)
	default:
		return to.connect(port)
	}
}

// good is how an sshd behaves, but for a delay: timers of a bubble that are due
// at once make the race detector crash (Go 1.26, testing/synctest).
func good() sshtest.Fault { return sshtest.Fault{Delay: time.Nanosecond} }

// muted is an sshd from which nothing arrives any more, as if a cable were pulled.
func muted() sshtest.Fault { return sshtest.Fault{Delay: time.Nanosecond, Mute: true} }

// at gives the machine of that address; nil for none.
func (w *world) at(addr string) *machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.machines {
		if m.addr == addr {
			return m
		}
	}
	return nil
}

// of gives the newest machine of that name.
func (w *world) of(name string) *machine {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range slices.Backward(w.machines) {
		if m.name == name {
			return m
		}
	}
	w.Fatalf("there is no machine %s", name)
	return nil
}

// listed gives the machine of a node as the provider has it.
func (w *world) listed(node string) provider.Machine {
	w.Helper()
	list, err := w.cloud.List(w.Context(), "demo")
	if err != nil {
		w.Fatal(err)
	}
	i := slices.IndexFunc(list, func(m provider.Machine) bool { return m.Node == node })
	if i < 0 {
		w.Fatalf("the provider lists no machine of %s", node)
	}
	return list[i]
}

// file reads the file that processes from now on work for. The name and the
// provider need not be said.
func (w *world) file(text string) {
	w.Helper()
	if !strings.Contains(text, "provider:") {
		text = "provider: docker\n" + text
	}
	c, err := spec.Parse(spec.Source{Name: "cluster.yaml", Dir: "/", Data: []byte("name: demo\n" + text)})
	if err != nil {
		w.Fatal(err)
	}
	w.spec = c
}

// existing gives machines of that name that somebody else has set up, with an
// engine that runs, and the file's lines for them.
func (w *world) existing(names ...string) (lines map[string]string) {
	lines = map[string]string{}
	for _, n := range names {
		m := w.machine(n, w.key.Authorized).bring("")
		lines[n] = fmt.Sprintf("{name: %s, address: %s, ssh: {host_key: %q}}", n, m.addr, m.sshd.Fingerprint())
	}
	return lines
}

// provider is the one that the file names.
func (w *world) provider() provider.Provider {
	if w.spec.Provider.Name == "docker" {
		return w.cloud
	}
	var list []provider.Machine
	for _, n := range w.spec.Nodes {
		list = append(list, provider.Machine{Node: n.Name, HostKey: n.SSH.HostKey, SSH: provider.Endpoint{Host: n.Address, Port: n.SSH.Port, User: n.SSH.User}})
	}
	return existing.New("demo", list)
}

// dial is the network: it leads to a machine's sshd.
func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(addr)
	m := w.at(host)
	if m == nil || m.inner {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.EHOSTUNREACH}
	}
	return m.sshd.Dial(ctx, network, addr)
}

// right says in which way the world is not what the file says; nil if it is.
// It asks the world itself, not those who are tested.
func (w *world) right() error {
	var errs []error
	nodes := w.net.Nodes()
	if len(nodes) != len(w.spec.Nodes) {
		errs = append(errs, fmt.Errorf("%d entries, want %d", len(nodes), len(w.spec.Nodes)))
	}
	for _, n := range w.spec.Nodes {
		errs = append(errs, w.rightNode(n))
	}
	if w.spec.Provider.Name == "docker" {
		list, err := w.cloud.List(context.Background(), "demo")
		if len(list) != len(w.spec.Nodes) {
			errs = append(errs, fmt.Errorf("%d machines, want %d (%w)", len(list), len(w.spec.Nodes), err))
		}
	}
	return errors.Join(append(errs, w.sound())...)
}

func (w *world) rightNode(n spec.Node) error {
	nodes := w.net.Nodes()
	i := slices.IndexFunc(nodes, func(e swarmNode) bool { return e.Hostname == n.Name })
	if i < 0 {
		return fmt.Errorf("%s is no member", n.Name)
	}
	e := nodes[i]
	wish := string(n.Availability)
	if wish == "" {
		wish = "active"
	}
	switch {
	case e.State != "ready":
		return fmt.Errorf("%s is %s", n.Name, e.State)
	case e.Role != string(n.Role) || (e.Manager != nil) != (n.Role == spec.Manager):
		return fmt.Errorf("%s is %s (%v), want %s", n.Name, e.Role, e.Manager, n.Role)
	case e.Availability != wish:
		return fmt.Errorf("%s is %s, want %s", n.Name, e.Availability, wish)
	}
	if before := e.Labels[plan.MarkBefore]; before != "" {
		return fmt.Errorf("%s still waits to be %s", n.Name, before)
	}
	if m := w.of(n.Name); !n.Engine.Takes(m.runs) || m.loaded != m.read(daemonFile) && len(n.Engine.Daemon) > 0 {
		return fmt.Errorf("%s has engine %s, which runs by %s", n.Name, m.runs, m.loaded)
	}
	for k, v := range n.Labels {
		if e.Labels[k] != v {
			return fmt.Errorf("%s has label %s=%q, want %q", n.Name, k, e.Labels[k], v)
		}
	}
	for k, v := range n.Engine.Labels {
		if e.EngineLabels[k] != v {
			return fmt.Errorf("the managers show engine label %s=%q of %s, want %q", k, e.EngineLabels[k], n.Name, v)
		}
	}
	return nil
}

// sound says which promise was broken, whether or not the world is as the file says.
func (w *world) sound() error {
	var errs []error
	if c := w.net.Clusters(); len(c) > 1 {
		errs = append(errs, fmt.Errorf("there were %d swarms", len(c)))
	}
	for _, v := range w.net.Violations() {
		errs = append(errs, errors.New(v))
	}
	for _, g := range w.net.Ghosts() {
		errs = append(errs, fmt.Errorf("the entry %s (%q) is nobody's", g.ID, g.Hostname))
	}
	return errors.Join(errs...)
}

type nodeSpec = engine.NodeSpec

// update changes a node by way of the leader, as somebody else would.
func (w *world) update(hostname string, change func(*nodeSpec)) {
	w.Helper()
	for _, n := range w.net.Nodes() {
		if n.Hostname == hostname {
			if err := w.api(w.leader().addr).UpdateNode(w.Context(), n.ID, change); err != nil {
				w.Fatal(err)
			}
		}
	}
}

// api speaks to an engine directly.
func (w *world) api(addr string) *swarm.Engine {
	w.Helper()
	api, err := swarm.New(w.at(addr).engine.Dial)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = api.Close() })
	return api
}
