package plan_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// before says whether b cannot begin before a has ended.
func before(p plan.Plan, a, b string) bool {
	for _, s := range p.Steps {
		if s.ID != b {
			continue
		}
		for _, id := range slices.Concat(s.After, s.Behind) {
			if id == a || before(p, a, id) {
				return true
			}
		}
	}
	return false
}

// takesManager says whether a step takes a member out of the raft group.
func takesManager(s plan.Step, st plan.State) bool {
	if s.Action != plan.Demote && s.Action != plan.Forget {
		return false
	}
	i := slices.IndexFunc(st.Swarm.Nodes, func(e engine.Node) bool { return e.ID == s.Member })
	demotedBefore := s.Action == plan.Forget && len(s.After) > 0 && s.Machine != ""
	return i >= 0 && st.Swarm.Nodes[i].Manager != nil && !demotedBefore
}

// Two changes that shrink the raft group are never under way at once, and the
// leader is the last to go for good.
func TestManagersGoOneAtATimeAndTheLeaderLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := drawFile(t), drawWorld(t)
		st := m.observe()
		p := plan.Diff(want, st, plan.Options{})
		if st.Swarm == nil {
			return
		}
		var shrinking []plan.Step
		for _, s := range p.Steps {
			if takesManager(s, st) {
				shrinking = append(shrinking, s)
			}
		}
		for i, b := range shrinking {
			for _, a := range shrinking[:i] {
				if !before(p, a.ID, b.ID) {
					t.Fatalf("%s and %s may run at once:\n%s", a.ID, b.ID, render(p))
				}
				if leads(st, a.Member) && !comesBack(p, a.Member) {
					t.Fatalf("the leader goes at %s, before %s:\n%s", a.ID, b.ID, render(p))
				}
			}
		}
	})
}

// comesBack says whether a member that leaves joins again in the same plan.
func comesBack(p plan.Plan, id string) bool {
	return slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Action == plan.Join && s.Formerly == id })
}

func leads(st plan.State, id string) bool {
	for _, e := range st.Swarm.Nodes {
		if e.ID == id {
			return e.Manager != nil && e.Manager.Leader
		}
	}
	return false
}

// In a swarm that works, the second manager joins alone, then the third, then
// the rest at once; in a new one all join at once.
func TestManagersJoinOneAtATimeUntilThereAreThree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := drawFile(t), drawWorld(t)
		st := m.observe()
		p := plan.Diff(want, st, plan.Options{})
		var joins []plan.Step
		for _, s := range p.Steps {
			if (s.Action == plan.Join || s.Action == plan.Promote) && s.Role == spec.Manager {
				joins = append(joins, s)
			}
		}
		if len(joins) < 2 {
			return
		}
		if st.Swarm != nil && len(joins) > 2 && managersAfter(p, st) == 1 && !before(p, joins[1].ID, joins[2].ID) {
			t.Fatalf("%s and %s may run at once beside a single manager:\n%s", joins[1].ID, joins[2].ID, render(p))
		}
		if alone := before(p, joins[0].ID, joins[1].ID); alone != (st.Swarm != nil) {
			t.Fatalf("%s before %s: %v, with a swarm: %v\n%s", joins[0].ID, joins[1].ID, alone, st.Swarm != nil, render(p))
		}
	})
}

// managersAfter counts the managers that are left once the dead are forgotten.
func managersAfter(p plan.Plan, st plan.State) int {
	n := 0
	for _, e := range st.Swarm.Nodes {
		dead := slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Action == plan.Forget && s.Member == e.ID && e.State == "down" })
		if e.Manager != nil && !dead {
			n++
		}
	}
	return n
}

// A plan can be read from top to bottom, and no step stands in it twice.
func TestEveryStepStandsOnceAndBehindWhatItWaitsFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := drawFile(t), drawWorld(t)
		for _, opt := range []plan.Options{{}, {Prune: true}, {Teardown: true}} {
			p := plan.Diff(want, m.observe(), opt)
			seen := map[string]bool{}
			for _, s := range p.Steps {
				if seen[s.ID] {
					t.Fatalf("%s stands twice:\n%s", s.ID, render(p))
				}
				for _, id := range slices.Concat(s.After, s.Behind) {
					if !seen[id] {
						t.Fatalf("%s stands before %s:\n%s", s.ID, id, render(p))
					}
				}
				seen[s.ID] = true
			}
		}
	})
}
