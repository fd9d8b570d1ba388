package plan_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

func TestDiffRefusesHostsThatCannotBecomeMembers(t *testing.T) {
	for _, tt := range []struct {
		name, file, world string
		change            func(f *spec.Cluster, h *plan.Host) // of node b
		want              string
	}{
		{"a clock", "a:manager b:worker", "a=idle b=idle", func(_ *spec.Cluster, h *plan.Host) { h.Conditions.Ahead = time.Hour },
			"refused: the clock of b is 1h0m0s ahead of that of a"},
		{"an engine", "a:manager b:worker", "a=manager b=idle", func(_ *spec.Cluster, h *plan.Host) { h.Info.LiveRestore = true },
			"refused: the engine of b has live-restore, which cannot be in a swarm"},
		{"a member is only told", "a:manager b:worker", "a=manager b=worker", func(_ *spec.Cluster, h *plan.Host) { h.Info.LiveRestore = true },
			"note: its engine has live-restore, with which it would not start again as a member"},
		{"a host that goes is not judged", "a:manager", "a=manager b=idle", func(_ *spec.Cluster, h *plan.Host) { h.Info.LiveRestore = true }, "delete/b"},
		{"a pool of the file", "a:manager b:worker", "a=idle b=idle", func(f *spec.Cluster, h *plan.Host) {
			f.Swarm.DefaultAddrPool = []string{"10.20.0.0/16"}
			h.Conditions.Routes = []preflight.Route{{To: netip.MustParsePrefix("10.20.0.0/16"), Link: "wg0"}}
		}, "refused: the address pool 10.20.0.0/16 overlaps 10.20.0.0/16 of b (a route by wg0)"},
		{"two hosts that are one", "a:manager b:worker", "a=manager b=worker", func(_ *spec.Cluster, h *plan.Host) { h.Info.EngineID = "a-1" },
			"refused: a and b have the same engine ID: one is a copy of the other's disk, or both lines lead to one machine"},
		{"a note holds nothing up", "a:manager b:worker", "a=manager b=idle", func(_ *spec.Cluster, h *plan.Host) { h.Conditions.Lacks = []string{"ip_vs"} },
			"join/b\nlabel/b<join/b\nnote: without ip_vs in the kernel of b ports that are published through the routing mesh do not answer there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, st := file(tt.file), world(tt.world).observe()
			for i := range st.Hosts {
				if st.Hosts[i].Node == "b" {
					tt.change(f, &st.Hosts[i])
				}
			}
			if got := short(plan.Diff(f, st, plan.Options{})); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestANewSwarmTakesNetworksFromWhereNoHostHasAny(t *testing.T) {
	f, st := file("a:manager b:worker"), world("a=idle b=idle").observe()
	if got := plan.AddressPool(f, st); got != "" {
		t.Errorf("with nothing in the way: %q, want the engine's own choice", got)
	}
	st.Hosts[1].Conditions.Routes = []preflight.Route{{To: netip.MustParsePrefix("10.0.0.0/16"), Link: "eth1", Own: true}}
	if got := plan.AddressPool(f, st); got != "10.128.0.0/9" {
		t.Errorf("got %q", got)
	}
	p := plan.Diff(f, st, plan.Options{})
	for _, s := range p.Steps {
		if s.Action == plan.Init && (len(s.Changes) != 1 || s.Changes[0].To != "10.128.0.0/9") {
			t.Errorf("the plan does not show it: %v", s.Changes)
		}
	}
	f.Swarm.DefaultAddrPool = []string{"10.64.0.0/16"}
	if got := plan.AddressPool(f, st); got != "" {
		t.Errorf("with a pool of the file: %q", got)
	}
}

// What is wrong with a host that is a member already, or that the file does not
// want, never stops a run; what is wrong with one that joins always does.
func TestOnlyHostsThatJoinAreJudged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := drawFile(t), drawWorld(t)
		st := m.observe()
		judged := false
		for i := range st.Hosts {
			h := &st.Hosts[i]
			if h.Answer != plan.Answered || rapid.Bool().Draw(t, "spared") {
				continue
			}
			h.Info.LiveRestore = true
			_, wanted := want.Node(h.Node)
			member := h.Engine == plan.EngineRunning && h.Info.State != engine.Inactive || h.Engine != plan.EngineRunning && h.Cert.Node != ""
			judged = judged || wanted && !member
		}
		p := plan.Diff(want, st, plan.Options{})
		got := slices.ContainsFunc(p.Refused, func(f plan.Finding) bool { return strings.Contains(f.Text, "live-restore") })
		if got != judged {
			t.Fatalf("refused: %t, a host that joins was spoilt: %t\n%s", got, judged, render(p))
		}
		if down := plan.Diff(want, st, plan.Options{Teardown: true}); len(down.Refused) > 0 {
			t.Fatalf("a teardown is refused:\n%s", render(down))
		}
	})
}

func TestPortsAreOpenedOnce(t *testing.T) {
	opened := func(ports ...string) *daemon.Opened { return &daemon.Opened{By: "ufw", Ports: ports} }
	all := []string{"7946/tcp", "7946/udp", "4789/udp", "esp"}
	for _, tt := range []struct {
		name, world string
		open        bool
		have        *daemon.Opened // of b, a worker
		want        string
	}{
		{"nothing is wanted", "a=manager b=worker", false, nil, ""},
		{"a member without", "a=manager b=worker", true, nil, "configure/a: 2377/tcp, 7946/tcp, 7946/udp, 4789/udp, esp\nconfigure/b: 7946/tcp, 7946/udp, 4789/udp, esp"},
		{"what was looked after", "a=manager b=worker", true, opened(all...), "configure/a: 2377/tcp, 7946/tcp, 7946/udp, 4789/udp, esp"},
		{"a manager that became a worker keeps its port", "a=manager b=worker", true, opened(append(all, "2377/tcp")...), "configure/a: 2377/tcp, 7946/tcp, 7946/udp, 4789/udp, esp"},
		{"another data port", "a=manager b=worker", true, opened("7946/tcp", "7946/udp", "esp"), "configure/a: 2377/tcp, 7946/tcp, 7946/udp, 4789/udp, esp\nconfigure/b: 4789/udp"},
		{"a run that was cut off", "a=manager b=worker", true, &daemon.Opened{By: "ufw", Ports: all, Pending: true}, "configure/a: 2377/tcp, 7946/tcp, 7946/udp, 4789/udp, esp\nconfigure/b: 7946/tcp, 7946/udp, 4789/udp, esp"},
		{"it is not wanted any more", "a=manager b=worker", false, opened(all...), "configure/b: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, st := file("a:manager b:worker"), world(tt.world).observe()
			for i := range f.Nodes {
				f.Nodes[i].Engine.OpenPorts = tt.open
			}
			for i := range st.Hosts {
				if st.Hosts[i].Node == "b" {
					st.Hosts[i].Owned.Opened = tt.have
				}
			}
			var got []string
			for _, s := range plan.Diff(f, st, plan.Options{}).Steps {
				if s.Action == plan.Configure && len(s.Changes) == 1 && s.Changes[0].What == "open_ports" {
					got = append(got, s.ID+": "+s.Changes[0].To)
				}
			}
			if s := strings.Join(got, "\n"); s != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", s, tt.want)
			}
		})
	}
}

// Whoever joins does so by way of managers whose firewalls are open by then.
func TestJoinsComeBehindTheOpeningOfMembers(t *testing.T) {
	f, st := file("a:manager b:worker"), world("a=manager b=idle").observe()
	for i := range f.Nodes {
		f.Nodes[i].Engine.OpenPorts = true
	}
	p := plan.Diff(f, st, plan.Options{})
	if !before(p, "configure/a", "join/b") || !before(p, "configure/b", "join/b") {
		t.Errorf("got:\n%s", render(p))
	}
}

func TestUnderlayIsTheSmallestThatIsKnown(t *testing.T) {
	f, st := file("a:manager b:worker c:worker"), world("a=idle b=idle c=idle").observe()
	if got := plan.Underlay(f, st); got != 0 {
		t.Errorf("with nothing known: %d", got)
	}
	for i, mtu := range []int{1500, 1400} {
		c := st.Hosts[i].Conditions
		c.Links = []preflight.Link{{Name: "eth0", MTU: mtu}, {Name: "docker0", MTU: 1280}}
		c.Addresses = []preflight.Address{{Link: "eth0", Prefix: netip.MustParsePrefix(fmt.Sprintf("10.0.0.%d/24", i+1))}}
		st.Hosts[i].Machine.Address = fmt.Sprintf("10.0.0.%d", i+1)
	}
	if got := plan.Underlay(f, st); got != 1400 {
		t.Errorf("got %d, want 1400", got)
	}
}
