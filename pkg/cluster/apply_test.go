package cluster_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// three managers are what most tests begin with.
const three = "managers: [{name: m, count: 3}]\n"

func TestAFreshClusterComesUpAndASecondPlanIsEmpty(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w, count: 4, labels: {zone: a}}]\nengine: {labels: {env: test}}\nswarm: {node_cert_expiry: 720h}")
		began := time.Now()
		w.apply()
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it took %s: machines are not brought up side by side", took)
		}
		if got := w.net.Calls("POST /swarm/init"); got != 1 {
			t.Errorf("%d inits, want 1", got)
		}
		for _, n := range w.net.Nodes() {
			if n.Labels[plan.MarkCluster] != "demo" || n.Labels[plan.MarkNode] != n.Hostname || n.Labels[plan.MarkSSH] != "root@"+n.Addr+":22" {
				t.Errorf("%s is marked %v", n.Hostname, n.Labels)
			}
			if want := w.of(n.Hostname).sshd.Fingerprint(); n.Labels[plan.MarkHostKey] != want {
				t.Errorf("%s is marked with host key %s, want %s", n.Hostname, n.Labels[plan.MarkHostKey], want)
			}
		}
	})
}

// Each row is a cluster that is up, and what becomes of its file.
func TestOnlyTheDifferenceHappens(t *testing.T) {
	for _, tt := range []struct {
		name, from, to string
		want           string // the steps, without the ones that verify and sweep
	}{
		{"workers are added", "managers: [{name: m}]", "managers: [{name: m}]\nworkers: [{name: w, count: 2}]",
			"configure/w1 configure/w2 connect/w1 connect/w2 create/w1 create/w2 install/w1 install/w2 join/w1 join/w2 label/w1 label/w2"},
		{"managers are added", "managers: [{name: m}]", "managers: [{name: m}, {name: x, count: 2}]",
			"configure/x1 configure/x2 connect/x1 connect/x2 create/x1 create/x2 install/x1 install/x2 join/x1 join/x2 label/x1 label/x2"},
		{"workers go", "managers: [{name: m}]\nworkers: [{name: w, count: 3}]", "managers: [{name: m}]\nworkers: [{name: w, count: 1}]",
			"delete/w2 delete/w3 drain/w2 drain/w3 forget/w2 forget/w3 leave/w2 leave/w3"},
		{"managers go", "managers: [{name: m, count: 5}]", three,
			"delete/m4 delete/m5 demote/m4 demote/m5 drain/m4 drain/m5 forget/m4 forget/m5 leave/m4 leave/m5"},
		{"the leader goes", "managers: [{name: m, count: 3}]", "managers: [{name: m2}, {name: m3}]",
			"delete/m1 demote/m1 drain/m1 forget/m1 leave/m1"},
		{"a worker is promoted", "managers: [{name: a}]\nworkers: [{name: b}]", "managers: [{name: a}, {name: b}]", "promote/b"},
		{"a manager is demoted", three, "managers: [{name: m, count: 2}]\nworkers: [{name: m3}]", "demote/m3"},
		{"roles are exchanged", "managers: [{name: a}]\nworkers: [{name: b}]", "managers: [{name: b}]\nworkers: [{name: a}]",
			"demote/a promote/b"},
		{"labels and availability change", "managers: [{name: a, labels: {x: one, y: one}}]", "managers: [{name: a, labels: {x: two}, availability: drain}]", "label/a"},
		{"engine labels change", "managers: [{name: a, engine_labels: {x: one, y: one}}]", "managers: [{name: a, engine_labels: {x: two}}]", "configure/a"},
		{"the last engine label goes", "managers: [{name: a, engine_labels: {x: one}}]", "managers: [{name: a}]", "configure/a"},
		{"settings change", "managers: [{name: a}]", "managers: [{name: a}]\nswarm: {node_cert_expiry: 1000h}", "settings"},
		{"all settings change", "managers: [{name: a}]\nswarm: {task_history: 0, ingress: {mtu: 1400}}",
			"managers: [{name: a}]\nswarm: {task_history: 9, heartbeat: 7s, snapshot_interval: 5000, keep_old_snapshots: 2, log_entries_for_slow_followers: 900, ingress: {mtu: 1300, subnet: 10.9.0.0/16, encrypted: true}}", "settings"},
		{"what leaves the file stays", "managers: [{name: a}]\nswarm: {task_history: 0, heartbeat: 7s, ingress: {mtu: 1400}}", "managers: [{name: a}]", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file(tt.from)
				w.apply()
				w.net.ResetMargin()
				w.net.Run(swarmtest.Service{Name: "web", Replicas: 3})
				inits, was := w.net.Calls("POST /swarm/init"), w.net.Nodes()
				w.file(tt.to)
				if got := w.steps(); got != tt.want {
					t.Errorf("steps\n got %s\nwant %s", got, tt.want)
				}
				w.apply()
				if w.net.Calls("POST /swarm/init") != inits {
					t.Error("a second init")
				}
				for _, n := range w.net.Nodes() {
					for _, before := range was {
						if before.Hostname == n.Hostname && before.ID != n.ID {
							t.Errorf("%s is another member than before", n.Hostname)
						}
					}
				}
			})
		})
	}
}

// steps gives what a plan for the file would do, sorted.
func (w *world) steps() string {
	w.Helper()
	p := w.process()
	defer p.end()
	next := plan.Diff(w.spec, p.see(), plan.Options{})
	names := map[string]bool{}
	for _, s := range next.Steps {
		switch s.Action {
		case plan.Verify, plan.Sweep:
		case plan.Settings:
			names["settings"] = true
		default:
			names[string(s.Action)+"/"+s.Node] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), " ")
}

func TestAnEngineLabelIsReloadedAndNobodyIsRestarted(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a, engine_labels: {x: one}}]")
		w.apply()
		a := w.of("a")
		before := a.ran("engine reload")
		w.file("managers: [{name: a, engine_labels: {x: two}}]")
		w.apply()
		if restarts, reloads := a.ran("engine restart"), a.ran("engine reload")-before; restarts != 0 || reloads != 1 {
			t.Errorf("%d restarts and %d reloads, want one reload", restarts, reloads)
		}
	})
}

func TestALabelOfSomebodyElseStays(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a, labels: {ours: one}}]")
		w.apply()
		w.update("a", func(s *nodeSpec) { s.Labels["theirs"] = "1" })
		w.file("managers: [{name: a}]")
		w.apply()
		labels := w.net.Nodes()[0].Labels
		if _, ours := labels["ours"]; ours || labels["theirs"] != "1" {
			t.Errorf("got %v", labels)
		}
	})
}

func TestManagersAreAddedAndTakenAwayWithoutAMomentBelowQuorum(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: m, count: 1}]")
		w.apply()
		for _, step := range []struct{ count, margin int }{{3, 0}, {5, 1}, {3, 1}, {1, 0}, {3, 0}} {
			w.net.ResetMargin()
			w.file(fmt.Sprintf("managers: [{name: m, count: %d}]", step.count))
			w.apply()
			if got := w.net.Margin(); got < step.margin {
				t.Errorf("on the way to %d managers the margin was %d, want at least %d", step.count, got, step.margin)
			}
		}
	})
}

// A drain waits for tasks; one that holds on stops the removal where it stands.
func TestATaskThatDoesNotStopStopsTheRemoval(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: m}]\nworkers: [{name: w}]")
		w.apply()
		w.net.Run(swarmtest.Service{Name: "db", Replicas: 2, Stuck: true})
		w.file("managers: [{name: m}]")
		patient := func(c *cluster.Config) { c.DrainTimeout = time.Minute }
		err := w.try(patient)
		if err == nil || !strings.Contains(err.Error(), "drain w: wait for the node's tasks to stop: not within 1m0s: 1 task of db still runs") {
			t.Errorf("got %v", err)
		}
		if got := len(w.net.Nodes()); got != 2 {
			t.Errorf("%d nodes, want both still", got)
		}

		forced := w.process(patient, func(c *cluster.Config) { c.ForceDrain = true })
		defer forced.end()
		notes := map[string]string{}
		forced.watch = func(r apply.Result) { notes[r.Step.ID] = r.Note }
		if _, _, err := forced.rounds(plan.Options{}); err != nil {
			t.Errorf("by force: %v", err)
		}
		if got, want := notes["drain/w"], "goes on by force: 1 task of db still runs"; got != want {
			t.Errorf("note %q, want %q", got, want)
		}
		w.settled()
	})
}
