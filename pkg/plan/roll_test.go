package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// chain is what happens to one node of a roll, after and behind others.
func chain(node, after, behind string) []string {
	edge := func(mark string, ids ...string) string {
		var out []string
		for _, id := range ids {
			if id != "" {
				out = append(out, id)
			}
		}
		if len(out) == 0 {
			return ""
		}
		return mark + strings.Join(out, ",")
	}
	drain, restart := "drain/"+node, "restart/"+node
	return []string{
		drain + edge("<", after) + edge("~", behind),
		restart + edge("<", after, drain) + edge("~", behind),
		"restore/" + node + edge("<", after) + edge("~", behind, drain, restart),
	}
}

// whole are the steps that the next node of a roll waits for.
func whole(node string) string {
	return "drain/" + node + ",restart/" + node + ",restore/" + node
}

func TestARollGoesThroughASwarm(t *testing.T) {
	many, manyAre := "a:manager b:manager c:manager", "a=manager b=manager c=manager"
	for i := range 21 {
		many += fmt.Sprintf(" w%d:worker", i)
		manyAre += fmt.Sprintf(" w%d=worker", i)
	}
	few := "note: the swarm has fewer than three managers: its control plane stops while the engine of a restarts"
	nobody := func(n string) string {
		return "note: no other member can take the tasks of " + n + ": they stop while its engine restarts"
	}
	for _, tt := range []struct {
		name, file, world string
		given             func(*model)
		want              [][]string // part of the plan, in its order
	}{
		{"followers first, then the leader, then workers", "a:manager b:manager c:manager w:worker x:worker", "a=manager b=manager c=manager w=worker x=worker", nil, [][]string{
			chain("b", "", ""), chain("c", whole("b"), ""), chain("a", whole("c"), ""), chain("w", whole("a"), ""), chain("x", whole("w"), ""),
		}},
		{"a tenth of the workers at once", many, manyAre, nil, [][]string{
			chain("w0", whole("a"), ""), chain("w1", whole("a"), ""), chain("w2", whole("w0"), ""), chain("w3", whole("w1"), ""), chain("w4", whole("w2"), ""),
		}},
		{"a node that is alone is not drained", "a:manager", "a=manager", nil, [][]string{{"restart/a"}, {few}, {nobody("a")}}},
		{"nor one whose neighbour takes no tasks", "a:manager b:worker", "a=manager b=worker",
			func(m *model) { m.ours().members[0].availability = "drain" }, [][]string{{"restart/a"}, {"restart/b<restart/a"}, {few}, {nobody("b")}}},
		{"a node that is drained stays so", "a:manager b:worker c:worker", "a=manager b=worker c=worker",
			func(m *model) { m.ours().members[1].availability = "drain" }, [][]string{chain("a", "", ""), {"restart/b<" + whole("a")}, chain("c", "restart/b", "")}},
		{"one that was cut off comes first", "a:manager b:worker c:worker", "a=manager b=worker c=worker",
			func(m *model) { m.withdrawn("c") }, [][]string{chain("c", whole("a"), ""), chain("b", whole("c"), "")}},
		{"one that only waits for its availability gets it before", "a:manager b:worker c:worker", "a=manager b=worker c=worker",
			func(m *model) { m.withdrawn("c"); m.settled("c") }, [][]string{{"restore/c"}, chain("a", "", "restore/c"), chain("b", whole("a"), "restore/c")}},
		{"after roles have changed", "a:manager b:manager c:manager d:worker", "a=manager b=manager c=worker d=manager", nil, [][]string{
			{"promote/c"}, {"demote/d<promote/c"}, chain("b", "promote/c,demote/d", ""),
		}},
		{"without a quorum to spare", "a:manager b:manager c:manager", "a=manager b=manager c=manager/silent",
			func(m *model) { m.of(plan.Step{Node: "c"}).failed = true }, [][]string{{
				"blocked: the engines of a, b have to restart: 2 of 3 managers can be reached, and without one more the swarm has no quorum",
			}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want, m := file(tt.file), world(tt.world)
			for i := range want.Nodes {
				want.Nodes[i].Engine.Daemon = map[string]any{"log-driver": "local"}
			}
			if tt.given != nil {
				tt.given(m)
			}
			got := short(plan.Diff(want, m.observe(), plan.Options{}))
			rest := got
			for _, part := range tt.want {
				_, after, found := strings.Cut("\n"+rest+"\n", "\n"+strings.Join(part, "\n")+"\n")
				if !found {
					t.Fatalf("got:\n%s\nwant, after what was before:\n%s", got, strings.Join(part, "\n"))
				}
				rest = after
			}
		})
	}
}

// withdrawn is a member that a roll has drained and not given back.
func (m *model) withdrawn(node string) {
	e := m.named(m.ours(), node)
	e.labels[plan.MarkBefore], e.availability = e.availability, "drain"
}

// settled has the settings of the roll already.
func (m *model) settled(node string) {
	x := m.of(plan.Step{Node: node})
	x.settings, x.record.Keys = []byte(`{"log-driver": "local"}`), []string{"log-driver"}
}

func TestWithdrawnNodesGetBackWhatTheyHad(t *testing.T) {
	for _, tt := range []struct{ before, meanwhile, file, want string }{
		{"active", "", "", "active"},
		{"pause", "", "", "pause"},
		{"drain", "", "", "drain"},
		{"active", "pause", "", "pause"}, // by somebody
		{"active", "", "pause", "pause"},
		{"pause", "", "active", "active"},
	} {
		s := engine.NodeSpec{Labels: map[string]string{plan.MarkNode: "a", "theirs": "1"}, Availability: tt.before}
		plan.Withdraw(&s)
		plan.Withdraw(&s) // by a run that was cut off
		if s.Availability != "drain" || s.Labels[plan.MarkBefore] != tt.before {
			t.Errorf("%v: withdrawn it is %+v", tt, s)
		}
		if tt.meanwhile != "" {
			s.Availability = tt.meanwhile
		}
		want := plan.Labels{Node: spec.Node{Name: "a", Availability: spec.Availability(tt.file)}}
		if was := s.Availability; tt.file != "" {
			if want.Apply(&s); s.Availability != was {
				t.Errorf("%v: a label ended it", tt)
			}
		}
		want.Restore(&s)
		if _, left := s.Labels[plan.MarkBefore]; left || s.Availability != tt.want || s.Labels["theirs"] != "1" {
			t.Errorf("%v: restored it is %+v", tt, s)
		}
		want.Restore(&s)
		if s.Availability != tt.want {
			t.Errorf("%v: restored twice it is %s", tt, s.Availability)
		}
	}
}

// Of a roll's steps no two of managers may run at once, and of workers' no more
// than their share.
func TestNoTwoManagersAreAwayAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, m := drawFile(t), drawWorld(t)
		p := plan.Diff(want, m.observe(), plan.Options{AllowDowngrade: true})
		for i, a := range p.Steps {
			for _, b := range p.Steps[:i] {
				stops := func(s plan.Step) bool {
					return s.Member != "" && (s.Action == plan.Restart || s.Action == plan.Upgrade)
				}
				if stops(a) && stops(b) && !before(p, b.ID, a.ID) {
					t.Fatalf("%s and %s may run at once:\n%s", b.ID, a.ID, render(p))
				}
			}
		}
	})
}
