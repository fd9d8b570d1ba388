package plan_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// drawReplace names nodes of the file that are to have new machines.
func drawReplace(t *rapid.T, m *model, want *spec.Cluster) (names []string) {
	m.agreed = map[string]bool{}
	for _, n := range want.Nodes {
		if rapid.IntRange(0, 2).Draw(t, "replace "+n.Name) == 0 {
			names, m.agreed[n.Name] = append(names, n.Name), true
		}
	}
	return names
}

// old are the machines of these nodes that are more than begun.
func (m *model) old(nodes []string) (names []string) {
	for _, x := range m.machines {
		if slices.Contains(nodes, x.node) && !x.incomplete {
			names = append(names, x.name)
		}
	}
	return names
}

// A replacement, carried out in any order that its edges allow, ends with other
// machines in the same places; nobody goes before another has taken the place,
// and the swarm keeps its quorum. A plan without the wish is empty then.
func TestAnyOrderReplacesWhatWasAskedFor(t *testing.T) {
	replaced := 0
	rapid.Check(t, func(t *rapid.T) {
		want, m := drawFile(t), drawWorld(t)
		names := drawReplace(t, m, want)
		old := m.old(names)
		p := converge(t, m, want, plan.Options{Replace: names})
		if len(p.Refused) > 0 || len(p.Blocked) > 0 {
			return
		}
		if err := m.satisfies(want); err != nil {
			t.Fatalf("%v\nlast plan:\n%s", err, render(p))
		}
		for _, x := range m.machines {
			if slices.Contains(old, x.name) {
				t.Fatalf("%s was not replaced\nlast plan:\n%s", x.name, render(p))
			}
		}
		replaced += len(old)
		if again := plan.Diff(want, m.observe(), plan.Options{}); !again.Empty() {
			t.Fatalf("a second plan is not empty:\n%s", render(again))
		}
	})
	if replaced == 0 {
		t.Error("nothing was ever replaced")
	}
}

// Killed after any step of a replacement, an apply without the wish ends it.
func TestAReplacementThatIsCutOffIsCarriedOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := drawFile(t), drawWorld(t)
		m.managersStay()
		names := drawReplace(t, m, want)
		opt := plan.Options{AllowDowngrade: true, Replace: names}
		if p := converge(t, m.clone(), want, opt); len(p.Refused)+len(p.Blocked) > 0 {
			return // something was in the way before anything was killed
		}
		if p := converge(t, m.clone(), want, plan.Options{AllowDowngrade: true}); len(p.Refused)+len(p.Blocked) > 0 {
			return // so it is where it was killed before anything was done
		}
		m.forgetful()
		for range rapid.IntRange(1, 3).Draw(t, "kills") {
			p := plan.Diff(want, m.observe(), opt)
			run(t, m, p, want, rapid.IntRange(0, 16).Draw(t, "killed after"))
		}
		known := func(x *machine) bool { _, ok := want.Node(x.node); return ok }
		if !slices.ContainsFunc(m.machines, known) && len(m.machines) > 0 {
			return // the last machine of the file's is gone, so that it looks like a wrong file
		}
		p := converge(t, m, want, plan.Options{AllowDowngrade: true})
		if len(p.Refused)+len(p.Blocked) > 0 {
			t.Fatalf("a killed replacement left something in the way:\n%s", render(p))
		}
		if err := m.satisfies(want); err != nil {
			t.Fatalf("%v\nlast plan:\n%s", err, render(p))
		}
	})
}

// Whoever is silent and lives is not replaced, and nobody loses a quorum by it.
func TestWhatIsSilentAndLivesIsNotReplaced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := drawFile(t), drawWorld(t)
		names := drawReplace(t, m, want)
		m.forgetful()
		var living []string
		for _, x := range m.machines {
			x.silent = x.on && rapid.IntRange(0, 3).Draw(t, "silent") == 0
			if n, ok := want.Node(x.node); ok && n.Role == spec.Worker && m.manages(x) {
				x.silent = false // the one case that promise 1 leaves open
			}
			if sw := m.ours(); sw != nil && x.silent && sw.get(x.member) != nil && m.state(sw.get(x.member)) == "ready" {
				living = append(living, x.name)
			}
		}
		p := plan.Diff(want, m.observe(), plan.Options{Replace: names})
		run(t, m, p, want, 1000) // steps on silent hosts fail; harm does not
		for _, name := range living {
			if m.find(name) == nil {
				t.Fatalf("%s lives and was destroyed:\n%s", name, render(p))
			}
		}
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
