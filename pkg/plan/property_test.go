package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// names is the pool that both the file and the world draw from, so that they
// overlap as often as not.
func names() []string { return []string{"a", "b", "c", "d", "e", "f", "g", "h"} }

// drawFile gives a random file: at least one manager, any number of workers.
func drawFile(t *rapid.T) *spec.Cluster {
	c := &spec.Cluster{Name: "demo", Provider: spec.Provider{Name: "docker"}}
	pool := rapid.Permutation(names()).Draw(t, "pool")
	managers := rapid.IntRange(1, 5).Draw(t, "managers")
	total := rapid.IntRange(managers, len(pool)).Draw(t, "nodes")
	version := rapid.SampledFrom([]string{"", "26.1", "28.5"}).Draw(t, "version")
	settings := rapid.Bool().Draw(t, "settings")
	for i, name := range pool[:total] {
		n := spec.Node{Name: name, Role: spec.Worker, Engine: spec.Engine{Install: spec.InstallDistro}}
		if i < managers {
			n.Role = spec.Manager
		}
		if rapid.Bool().Draw(t, "labelled") {
			n.Labels = map[string]string{"zone": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "zone")}
		}
		n.Engine.Version = version
		if settings {
			n.Engine.Daemon = map[string]any{"log-driver": "local"}
		}
		n.Availability = rapid.SampledFrom([]spec.Availability{"", "", spec.Active, spec.Drain, spec.Pause}).Draw(t, "availability")
		c.Nodes = append(c.Nodes, n)
	}
	return c
}

// drawWorld gives a random world: machines in any state, in a swarm or not,
// with entries that are nobody's any more.
func drawWorld(t *rapid.T) *model {
	m := &model{name: "demo", swarms: map[string]*swarm{}}
	sw := &swarm{id: "swarm0"}
	for _, name := range names() {
		kind := rapid.SampledFrom([]string{
			"none", "none", "none", "incomplete", "stopped", "bare", "idle",
			"worker", "worker", "worker", "manager", "manager", "manager",
			"off-worker", "off-manager", "lost-worker", "lost-manager", "expelled", "fresh-worker", "failed-worker", "engine-off",
			"moved-worker", "moved-manager", "cut-worker", "demoting", "promoting",
		}).Draw(t, name)
		drawHost(m, sw, name, kind)
	}
	drawEngines(t, m, sw)
	wrong := false // two hosts that agree on a wrong time are right
	for _, x := range m.machines {
		if !x.on || x.member != "" {
			continue // it is judged in the middle of a run, which the model does not play
		}
		x.lacks = rapid.SampledFrom([][]string{nil, {"ip_vs"}}).Draw(t, "kernel")
		if !wrong && rapid.IntRange(0, 7).Draw(t, "clock") == 0 {
			wrong, x.ahead = true, time.Hour
		}
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "orphans") {
		sw.members = append(sw.members, &member{id: fmt.Sprintf("orphan%d", i), role: spec.Worker, availability: "active", labels: map[string]string{}})
	}
	if all, _ := m.raft(sw); all > 0 {
		m.swarms[sw.id] = sw
		return m
	}
	// Nobody remembers a swarm without managers.
	for _, x := range m.machines {
		x.member, x.swarm, x.failed, x.moved, x.inherits = "", "", false, false, false
	}
	return m
}

func drawHost(m *model, sw *swarm, name, kind string) {
	x := &machine{name: m.id(name + "-"), node: name, owned: true, on: true, installed: true, running: true}
	e := &member{
		id: m.id("id"), hostname: name, role: spec.Worker, availability: "active",
		labels: map[string]string{plan.MarkCluster: "demo", plan.MarkNode: name, plan.MarkOwned: "ours-before", "ours-before": "1", "theirs": "1"},
	}
	join := func() {
		sw.members = append(sw.members, e)
		x.member, x.swarm = e.id, sw.id
	}
	switch kind {
	case "none":
		return
	case "incomplete":
		x.incomplete, x.on, x.installed, x.running = true, false, false, false
	case "stopped":
		x.on, x.running = false, false
	case "bare":
		x.installed, x.running = false, false
	case "worker":
		join()
	case "fresh-worker": // a join that was cut short before its label
		e.availability, e.labels = "pause", map[string]string{}
		join()
	case "manager":
		e.role, e.raft = spec.Manager, true
		join()
	case "off-worker":
		x.on, x.running = false, false
		join()
	case "off-manager":
		e.role, e.raft = spec.Manager, true
		x.on, x.running = false, false
		join()
	case "lost-worker":
		sw.members = append(sw.members, e)
		return
	case "lost-manager":
		e.role, e.raft = spec.Manager, true
		sw.members = append(sw.members, e)
		return
	case "expelled":
		x.member, x.swarm = e.id, sw.id
	case "moved-worker":
		join()
		x.moved, x.inherits = true, true
	case "moved-manager":
		e.role, e.raft = spec.Manager, true
		join()
		x.moved, x.inherits = true, true
	case "cut-worker":
		e.unheard = true
		join()
	case "demoting":
		e.raft = true
		join()
	case "promoting":
		e.role = spec.Manager
		join()
	case "failed-worker":
		join()
		x.failed = true
	case "engine-off":
		join()
		x.running = false
	}
	m.machines = append(m.machines, x)
}

var errSkipped = errors.New("skipped")

// run does the steps in a random order that their edges allow, at most limit
// of them. A step that fails holds back those after it.
func run(t *rapid.T, m *model, p plan.Plan, want *spec.Cluster, limit int) map[string]error {
	ended, begun := map[string]error{}, map[string]bool{}
	left := slices.Concat(p.Steps, p.Adopt)
	for len(left) > 0 && limit > 0 {
		var ready []int
		for i, s := range left {
			if waits(s, ended) {
				continue
			}
			ready = append(ready, i)
		}
		if len(ready) == 0 {
			t.Fatalf("nothing can be done of %s", render(plan.Plan{Steps: left}))
		}
		if m.stalled() { // whoever needs the control plane waits for it
			ready = slices.DeleteFunc(ready, func(i int) bool { return !begun[left[i].ID] })
		}
		i := rapid.SampledFrom(ready).Draw(t, "next")
		s := left[i]
		stops := s.Action == plan.Restart || s.Action == plan.Upgrade
		if by := heldBy(s, ended); by == "" && stops && !begun[s.ID] {
			begun[s.ID] = true
			m.stop(s)
			m.unharmed(t, p)
			continue
		}
		left = append(left[:i:i], left[i+1:]...)
		if by := heldBy(s, ended); by != "" {
			ended[s.ID] = fmt.Errorf("%w: %s", errSkipped, by)
			continue
		}
		ended[s.ID] = m.do(s, want)
		limit--
		m.unharmed(t, p)
	}
	for _, s := range left {
		if begun[s.ID] {
			m.killed(s, rapid.IntRange(0, 3).Draw(t, "how far"), want)
		}
	}
	return ended
}

func (m *model) unharmed(t *rapid.T, p plan.Plan) {
	if len(m.harm) > 0 {
		t.Fatalf("harm: %s\nplan:\n%s", m.harm[0], render(p))
	}
}

// forgetful lets labels of others be lost: those of an entry that is removed are
// nowhere until its node has joined again, and a run that ends in between takes
// them along.
func (m *model) forgetful() {
	for _, x := range m.machines {
		x.inherits = false
	}
}

func waits(s plan.Step, ended map[string]error) bool {
	for _, id := range append(append([]string(nil), s.After...), s.Behind...) {
		if _, ok := ended[id]; !ok {
			return true
		}
	}
	return false
}

func heldBy(s plan.Step, ended map[string]error) string {
	for _, id := range s.After {
		if ended[id] != nil {
			return id
		}
	}
	return ""
}

// converge applies until nothing is partial any more, as the command does.
func converge(t *rapid.T, m *model, want *spec.Cluster, opt plan.Options) plan.Plan {
	for range 6 {
		p := plan.Diff(want, m.observe(), opt)
		if len(p.Refused) > 0 {
			if len(p.Steps) > 0 {
				t.Fatalf("a refused plan has steps:\n%s", render(p))
			}
			return p
		}
		newer := false
		for id, err := range run(t, m, p, want, 1000) {
			newer = newer || errors.Is(err, errNewer)
			if err != nil && !errors.Is(err, errSkipped) && !errors.Is(err, errNewer) {
				t.Fatalf("%s: %v\nplan:\n%s", id, err, render(p))
			}
		}
		if !p.Partial && !newer { // what was found to be newer is refused next
			return p
		}
		opt.Replace = slices.DeleteFunc(slices.Clone(opt.Replace), func(n string) bool { return slices.Contains(p.Replaces, n) })
	}
	t.Fatalf("still partial after six rounds:\n%s", render(plan.Diff(want, m.observe(), opt)))
	return plan.Plan{}
}

func render(p plan.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		fmt.Fprintf(&b, "  %s (%s %s) after %v behind %v %s\n", s.ID, s.Machine, s.Member, s.After, s.Behind, s.Why)
	}
	for _, s := range p.Adopt {
		fmt.Fprintf(&b, "  adopt %s\n", s.ID)
	}
	for _, f := range p.Blocked {
		fmt.Fprintf(&b, "  blocked %s: %s\n", f.Node, f.Text)
	}
	for _, f := range p.Refused {
		fmt.Fprintf(&b, "  refused %s: %s\n", f.Node, f.Text)
	}
	return b.String()
}

// A plan, carried out in any order that its edges allow, makes the world what
// the file says and does no harm on the way, or nothing is in its way but what
// it names. A second plan is empty.
func TestAnyOrderReachesTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := draw(t)
		opt := plan.Options{AllowDowngrade: rapid.Bool().Draw(t, "downgrade")}
		p := converge(t, m, want, opt)
		if len(p.Refused) > 0 || len(p.Blocked) > 0 {
			return
		}
		if err := m.satisfies(want); err != nil {
			t.Fatalf("%v\nlast plan:\n%s", err, render(p))
		}
		if again := plan.Diff(want, m.observe(), plan.Options{}); !again.Empty() {
			t.Fatalf("a second plan is not empty:\n%s", render(again))
		}
	})
}

// Killed after any step, the next run finishes.
func TestKilledAnywhereTheNextRunFinishes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := draw(t)
		opt := plan.Options{AllowDowngrade: true}
		if p := converge(t, m.clone(), want, opt); len(p.Refused)+len(p.Blocked) > 0 {
			return // something was in the way before anything was killed
		}
		if sw := m.ours(); sw != nil && sw.key != 0 && !m.store {
			return // a restart that was cut off cannot be finished without the key
		}
		m.forgetful()
		for range rapid.IntRange(1, 3).Draw(t, "kills") {
			p := plan.Diff(want, m.observe(), opt)
			run(t, m, p, want, rapid.IntRange(0, 12).Draw(t, "killed after"))
		}
		p := converge(t, m, want, opt)
		if len(p.Refused)+len(p.Blocked) > 0 {
			if plan.KeepsOut(want, m.observe()) != nil {
				return // what was cut off is the restart of a manager that nobody can unlock
			}
			t.Fatalf("a killed run left something in the way:\n%s", render(p))
		}
		if err := m.satisfies(want); err != nil {
			t.Fatalf("%v\nlast plan:\n%s", err, render(p))
		}
	})
}

// Hosts that do not answer are never destroyed, no second swarm is born beside
// them, and once they answer the file is reached.
func TestSilentHostsAreNotAbsent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := draw(t)
		for _, x := range m.machines {
			x.silent = x.on && rapid.IntRange(0, 3).Draw(t, "silent") == 0
			if n, ok := want.Node(x.node); ok && n.Role == spec.Worker && m.manages(x) {
				x.silent = false // the one case that promise 1 leaves open
			}
		}
		m.forgetful()
		p := plan.Diff(want, m.observe(), plan.Options{})
		run(t, m, p, want, 1000) // steps on silent hosts fail; harm does not
		for _, x := range m.machines {
			x.silent = false
		}
		p = converge(t, m, want, plan.Options{})
		if len(p.Refused)+len(p.Blocked) > 0 {
			return
		}
		if err := m.satisfies(want); err != nil {
			t.Fatalf("%v\nlast plan:\n%s", err, render(p))
		}
	})
}

// Teardown leaves nothing, whatever state the cluster is in.
func TestTeardownLeavesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := draw(t)
		m.teardown = true
		p := plan.Diff(want, m.observe(), plan.Options{Teardown: true})
		run(t, m, p, want, 1000)
		if len(m.machines) > 0 {
			t.Fatalf("%d machines are left\nplan:\n%s", len(m.machines), render(p))
		}
	})
}

// Random orders mean little if the plan itself is random.
func TestTheSameInputGivesTheSamePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := draw(t)
		a, b := plan.Diff(want, m.observe(), plan.Options{}), plan.Diff(want, m.clone().observe(), plan.Options{})
		if render(a) != render(b) {
			t.Fatalf("two plans differ:\n%s\n%s", render(a), render(b))
		}
	})
}
