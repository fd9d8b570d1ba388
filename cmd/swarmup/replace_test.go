package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
)

func TestReplaceIsAWishOfPlanAndApply(t *testing.T) {
	for _, args := range []string{"plan --replace n1 --replace mgr1,n1", "apply cluster.yaml --replace n1 --replace mgr1"} {
		w := &world{}
		user{world: w}.run(t, strings.Fields(args)...).wants(t, exitDone, nil, nil)
		if want := []string{"n1", "mgr1"}; !slices.Equal(w.wish.Replace, want) {
			t.Errorf("%s: %q, want %q", args, w.wish.Replace, want)
		}
	}
}

// A round that leads to another one has replaced some already.
func TestWhatARoundHasReplacedIsNotReplacedAgain(t *testing.T) {
	first := replacing(steps("delete/n1", "create/n1"), "n1")
	first.Partial = true
	w := &world{plans: []plan.Plan{first, steps("join/n1")}}
	user{world: w}.run(t, "apply", "--yes", "--replace", "n1", "--replace", "n2").wants(t, exitDone, nil, nil)
	if want := []string{"n2"}; !slices.Equal(w.wish.Replace, want) {
		t.Errorf("the last round wished for %q, want %q", w.wish.Replace, want)
	}
}

func TestWhatIsLeftAsItIsIsPendingAndNoFailure(t *testing.T) {
	drift := plan.Plan{Steps: []plan.Step{}, Drift: []plan.Finding{{Node: "n1", Text: "n1's machine differs (image: a -> ${SECRET})", Hint: "--replace n1 replaces it"}}}
	const shown = "demo: nothing to do unasked\nNot as the file says, and left so:\n  n1's machine differs (image: a -> ${SECRET})\n    --replace n1 replaces it\n"
	for args, code := range map[string]int{"plan": exitDone, "plan --detailed-exitcode": exitChanges, "apply": exitDone} {
		got := user{world: &world{plans: []plan.Plan{drift}}}.run(t, strings.Fields(args)...)
		got.wants(t, code, []string{shown}, nil)
	}
	for _, args := range []string{"plan -o json", "apply -o json"} {
		user{world: &world{plans: []plan.Plan{drift}}}.run(t, strings.Fields(args)...).wants(t, exitDone, []string{`"drift": [`, `"node": "n1"`}, nil)
	}
}

// Marks are no change, and apply sets them all the same.
func TestMembersThatAreOnlyMarkedAreNothingToDo(t *testing.T) {
	p := steps()
	p.Adopt = steps("label/n1").Steps
	for args, did := range map[string]int{"plan --detailed-exitcode": 0, "apply": 1} {
		w := &world{plans: []plan.Plan{p}}
		user{world: w}.run(t, strings.Fields(args)...).wants(t, exitDone,
			[]string{"demo: nothing to do\napply marks n1 as a member of this cluster (labels swarmup.*); nothing else of them changes.\n"}, nil)
		if len(w.did) != did {
			t.Errorf("%s did %q", args, w.did)
		}
	}
}

func TestStatusTellsOfAReplacementThatIsUnderWay(t *testing.T) {
	entry := func(id, leaving string) engine.Node {
		labels := map[string]string{plan.MarkCluster: "demo", plan.MarkNode: "n1"}
		if leaving != "" {
			labels[plan.MarkLeaving] = leaving
		}
		return engine.Node{ID: id, Hostname: "n1", Role: "worker", State: "ready", Labels: labels}
	}
	host := func(machine, id string) plan.Host {
		return plan.Host{
			Node: "n1", Machine: plan.Machine{Name: machine, Power: plan.Running, Owned: true}, Answer: plan.Answered,
			Engine: plan.EngineRunning, Info: engine.Info{State: engine.Active, NodeID: id},
		}
	}
	w := &world{have: plan.State{
		Hosts: []plan.Host{host("demo-n1-aaaa", "id1"), host("demo-n1-bbbb", "id2")},
		Swarm: &plan.View{ID: "s", Via: "mgr1", Nodes: []engine.Node{entry("id1", "demo-n1-aaaa"), entry("id2", "")}},
	}}
	got := user{world: w}.run(t, "status")
	if n := strings.Count(got.out, "gives way to another machine, apply goes on with that"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, got.out)
	}
}

// Losses are those that the plan was given.
func (w *world) Losses(_ context.Context, _ plan.State, p plan.Plan) []plan.Loss { return p.Loses }
