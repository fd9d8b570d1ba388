package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; write it anew with -update):\n%s", name, diff)
	}
}

// The plans have one of everything that a rendering treats in its own way.
func plans() map[string]plan.Plan {
	return map[string]plan.Plan{
		"fresh": {Cluster: "demo", Steps: []plan.Step{
			{ID: "create/mgr1", Action: plan.Create, Node: "mgr1", Role: spec.Manager},
			{ID: "connect/mgr1", Action: plan.Connect, Node: "mgr1", After: []string{"create/mgr1"}},
			{ID: "install/mgr1", Action: plan.Install, Node: "mgr1", Why: "there is no engine", After: []string{"connect/mgr1"}},
			{ID: "configure/mgr1", Action: plan.Configure, Node: "mgr1", Effect: daemon.Reload,
				Changes: []plan.Change{{What: "labels.role", To: "mgr"}}, After: []string{"install/mgr1"}},
			{ID: "init/mgr1", Action: plan.Init, Node: "mgr1", Role: spec.Manager, After: []string{"configure/mgr1"}},
			{ID: "join/n1", Action: plan.Join, Node: "n1", Role: spec.Worker, After: []string{"init/mgr1"}},
			{ID: "label/n1", Action: plan.Label, Node: "n1", Changes: []plan.Change{
				{What: "zone", From: "a", To: "b"}, {What: "disk", From: "ssd"}, {What: "availability", From: "pause", To: "active"},
			}, After: []string{"join/n1"}},
			{ID: "verify", Action: plan.Verify, After: []string{"label/n1"}},
		}, Partial: true},
		"reconcile": {Cluster: "demo", Steps: []plan.Step{
			{ID: "connect/n2", Action: plan.Connect, Node: "n2", Maybe: true, Why: "it did not answer"},
			{ID: "configure/n1", Action: plan.Configure, Node: "n1", Effect: daemon.Restart, Changes: []plan.Change{{What: "log-driver", From: "json-file", To: "local"}}},
			{ID: "promote/n1", Action: plan.Promote, Node: "n1"},
			{ID: "drain/worker-9", Action: plan.Drain, Node: "worker-9", Why: "not in the file"},
			{ID: "leave/worker-9", Action: plan.Leave, Node: "worker-9"},
			{ID: "delete/worker-9", Action: plan.Delete, Node: "worker-9", Machine: "demo-worker-9-x7"},
			{ID: "delete/n3", Action: plan.Delete, Node: "n3", Machine: "demo-n3-aa"},
			{ID: "create/n3", Action: plan.Create, Node: "n3"},
		},
			Blocked: []plan.Finding{{Node: "n4", Text: "did not answer: i/o timeout", Hint: "bring it back | or remove *it*"}},
			Notes:   []plan.Finding{{Node: "x1", Text: "x1 is a worker that is not in the file"}, {Text: "two managers: <b>none</b> may be lost, @ops"}}},
		"teardown": {Cluster: "demo", Teardown: true, Steps: []plan.Step{
			{ID: "leave/n1", Action: plan.Leave, Node: "n1", Force: true},
			{ID: "unconfigure/n1", Action: plan.Unconfigure, Node: "n1"},
			{ID: "clean", Action: plan.Clean},
		}},
		"empty":   {Cluster: "demo", Steps: []plan.Step{}},
		"blocked": {Cluster: "demo", Steps: []plan.Step{}, Blocked: []plan.Finding{{Node: "n1", Text: "is off"}}},
		"adopt": {Cluster: "demo", Steps: []plan.Step{}, Adopt: []plan.Step{
			{ID: "label/n1", Action: plan.Label, Node: "n1"}, {ID: "label/n2", Action: plan.Label, Node: "n2"},
		}},
		"loses": {Cluster: "demo", Steps: []plan.Step{
			{ID: "delete/n1", Action: plan.Delete, Node: "n1", Machine: "demo-n1-aa"}, {ID: "delete/n2", Action: plan.Delete, Node: "n2", Machine: "demo-n2-aa"},
		}, Loses: []plan.Loss{
			{Node: "n1", Volumes: []string{"data (db)", "0123456789ab (tool)"}, More: 3, Services: []string{"db (node.hostname == n1)"}},
			{Node: "n2", Unknown: "its engine does not answer, and its volumes are not known"},
		}},
		"drift": {Cluster: "demo", Steps: []plan.Step{}, Drift: []plan.Finding{{
			Node: "n1", Text: "n1's machine differs (image: a -> b)", Hint: "--replace n1 replaces it",
		}}},
		"refused": {Cluster: "demo", Steps: []plan.Step{}, Refused: []plan.Finding{{Text: "n1 is in another swarm", Hint: "take it out"}}},
	}
}

func TestPlanRendering(t *testing.T) {
	for name, p := range plans() {
		t.Run(name, func(t *testing.T) {
			golden(t, "plan-"+name+".txt", planText(p))
			golden(t, "plan-"+name+".md", planMarkdown(p))
		})
	}
	var b bytes.Buffer
	if err := writeJSON(&b, plans()["reconcile"]); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan-reconcile.json", b.String())
}

func TestEveryActionHasItsWords(t *testing.T) {
	for _, a := range []plan.Action{
		plan.Create, plan.Start, plan.Connect, plan.Install, plan.Configure, plan.Init, plan.Join, plan.Label, plan.Mark, plan.Settle, plan.Settings,
		plan.Promote, plan.Demote, plan.Drain, plan.Leave, plan.Forget, plan.Unconfigure, plan.Delete, plan.Sweep, plan.Clean, plan.Verify,
	} {
		if w := words[a]; w.sign == "" || w.text == "" {
			t.Errorf("%s has no words", a)
		}
	}
}

func TestTallyCountsEachNodeOnce(t *testing.T) {
	tests := []struct{ name, want string }{
		{"fresh", "2 nodes to add"},
		{"reconcile", "1 node to change, 1 to replace, 1 to remove"},
		{"teardown", "1 node to remove"},
		{"empty", ""},
	}
	for _, tt := range tests {
		if got := tallyOf(plans()[tt.name]).String(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestStatusRendering(t *testing.T) {
	want := &spec.Cluster{Name: "demo", Nodes: []spec.Node{
		{Name: "mgr1", Role: spec.Manager}, {Name: "mgr2", Role: spec.Manager}, {Name: "n1", Role: spec.Worker},
		{Name: "n2", Role: spec.Worker}, {Name: "n3", Role: spec.Worker, Address: "192.0.2.3"}, {Name: "n4", Role: spec.Worker}, {Name: "n5", Role: spec.Worker},
	}}
	marks := func(node string) map[string]string {
		return map[string]string{plan.MarkCluster: "demo", plan.MarkNode: node}
	}
	answers := func(node, id, address string) plan.Host {
		return plan.Host{Node: node, Answer: plan.Answered, Engine: plan.EngineRunning, Machine: plan.Machine{Name: "demo-" + node + "-a", Address: address},
			Info: engine.Info{Version: "28.5.2", State: engine.Active, NodeID: id}}
	}
	have := plan.State{
		Hosts: []plan.Host{
			answers("mgr1", "id1", "10.0.0.1"), answers("mgr2", "id2", "10.0.0.2"),
			{Node: "n1", Answer: plan.Silent, Why: "dial n1: connection refused", Machine: plan.Machine{Name: "demo-n1-a", Address: "10.0.0.3"}},
			{Node: "n2", Answer: plan.Answered, Engine: plan.EngineAbsent, Machine: plan.Machine{Name: "demo-n2-a", Address: "10.0.0.4"}},
			{Node: "n4", Answer: plan.Answered, Engine: plan.EngineRunning, Info: engine.Info{Version: "20.10.24", State: engine.Locked, Error: "Swarm is encrypted"}},
			{Node: "n5", Answer: plan.Off, Machine: plan.Machine{Name: "demo-n5-a"}},
			answers("old", "id6", "10.0.0.9"),
		},
		Swarm: &plan.View{ID: "53x1z42eir65p7gvw1nc5utuy", Via: "mgr1", Nodes: []engine.Node{
			{ID: "id1", Hostname: "mgr1", Role: "manager", Availability: "active", State: "ready", Manager: &engine.ManagerStatus{Leader: true, Reachability: "reachable"}, Labels: marks("mgr1")},
			{ID: "id2", Hostname: "mgr2", Role: "worker", Availability: "active", State: "ready", Manager: &engine.ManagerStatus{Reachability: "unreachable"}, Labels: marks("mgr2")},
			{ID: "id3", Hostname: "n1", Role: "worker", Availability: "drain", State: "down", Labels: marks("n1"), Version: "26.1.5"},
			{ID: "id6", Hostname: "old", Role: "worker", Availability: "active", State: "ready", Labels: marks("old")},
			{ID: "id7", Hostname: "gone", Role: "worker", Availability: "active", State: "down", Labels: marks("gone")},
			{ID: "id8", Hostname: "theirs", Role: "worker", Availability: "active", State: "ready", Addr: "10.0.0.77"},
		}},
	}
	golden(t, "status.txt", statusText(statusOf(want, have)))
	golden(t, "status-without-swarm.txt", statusText(statusOf(want, plan.State{Hosts: have.Hosts[:1]})))
	var b bytes.Buffer
	if err := writeJSON(&b, statusOf(want, have)); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.json", b.String())
}

func TestOutcomeRendering(t *testing.T) {
	step := func(a plan.Action, node string) plan.Step {
		return plan.Step{ID: string(a) + "/" + node, Action: a, Node: node, Role: spec.Worker}
	}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	reports := []apply.Report{
		{{Step: step(plan.Connect, "n1"), Status: apply.Done, Began: began, Took: 1234567 * time.Nanosecond}},
		{
			{Step: step(plan.Join, "n1"), Status: apply.Failed, Began: began, Took: 45 * time.Second, Err: errors.New("no route to host")},
			{Step: step(plan.Label, "n1"), Status: apply.Skipped, Err: apply.ErrSkipped},
			{Step: step(plan.Verify, ""), Status: apply.Canceled, Err: errInterrupted},
			{Step: step(plan.Join, "n2"), Status: apply.Done, Began: began, Took: time.Second, Note: "it was a member already"},
		},
	}
	o := outcomeOf(plan.Plan{Cluster: "demo"}, reports, 61*time.Second)
	golden(t, "outcome.txt", outcomeText(o)+strings.Join(heldBack(o), "\n")+"\n")
	var b bytes.Buffer
	if err := writeJSON(&b, o); err != nil {
		t.Fatal(err)
	}
	golden(t, "outcome.json", b.String())
}

func TestAnErrorDoesNotRepeatTheTitleOfItsStep(t *testing.T) {
	for _, tt := range []struct {
		step      plan.Step
		err, want string
	}{
		{plan.Step{Action: plan.Init}, "init swarm: port 2377/tcp is taken", "port 2377/tcp is taken"},
		{plan.Step{Action: plan.Configure, Effect: daemon.Restart}, "configure engine: no space", "no space"},
		{plan.Step{Action: plan.Delete, Machine: "demo-n1-x"}, "delete machine demo-n1-x: no engine answers", "no engine answers"},
		{plan.Step{Action: plan.Join}, "join the swarm: refused", "join the swarm: refused"},
	} {
		err := after(tt.step, errors.New(tt.err))
		if err.Error() != tt.want {
			t.Errorf("%s: got %q, want %q", tt.step.Action, err, tt.want)
		}
	}
}
