package cluster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// leader is the machine of the manager that leads.
func (w *world) leader() *machine {
	w.Helper()
	for _, n := range w.net.Nodes() {
		if n.Manager != nil && n.Manager.Leader {
			return w.of(n.Hostname)
		}
	}
	w.Fatal("there is no leader")
	return nil
}

// during applies the file and lets something happen when a step begins.
func (w *world) during(step string, happens func()) apply.Report {
	w.Helper()
	p := w.process()
	defer p.end()
	happened := false
	p.watch = func(r apply.Result) {
		if r.Step.ID == step && r.Status == "" {
			happened = true
			happens()
		}
	}
	_, reports, err := p.rounds(plan.Options{})
	if err != nil {
		w.Logf("during %s: %v", step, err)
	}
	if !happened {
		w.Fatalf("%s never began", step)
	}
	return reports[0]
}

func TestAManagerThatDiesInTheMiddleIsNoMatterToTheOthers(t *testing.T) {
	for name, dies := range map[string]func(*machine){
		"its engine is killed":      func(m *machine) { m.halt() },
		"its power is cut":          func(m *machine) { m.powerOff() },
		"its engine hangs":          func(m *machine) { m.engine.SetSilent(true); m.engine.SetCut(true) },
		"its cable is pulled":       func(m *machine) { m.sshd.Misbehave(muted()); m.engine.SetCut(true) },
		"its SSH connection is cut": func(m *machine) { m.sshd.Kick() },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file(three)
				w.apply()
				w.file(three + "workers: [{name: w, count: 3}]")
				victim := w.leader()
				r := w.during("join/w2", func() { go dies(victim) })
				for _, id := range []string{"join/w1", "label/w1", "join/w2", "label/w2", "join/w3", "label/w3"} {
					if res := resultOf(r, id); res.Status != apply.Done {
						t.Errorf("%s is %s: %v", id, res.Status, res.Err)
					}
				}
				if err := w.sound(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A manager that hangs costs 25 s once, not with each call.
func TestAManagerThatHangsIsNotAskedFirstAgain(t *testing.T) {
	in(t, func(w *world) {
		w.file(three)
		w.apply()
		w.file("managers: [{name: m, count: 3, labels: {x: one}}]")
		p := w.process()
		defer p.end()
		st := p.see()
		w.of("m1").engine.SetSilent(true)
		began := time.Now()
		labels := plan.Diff(w.spec, st, plan.Options{})
		for _, s := range labels.Steps {
			if s.ID == "label/m2" || s.ID == "label/m3" {
				if _, err := p.Do(w.Context(), s); err != nil {
					t.Errorf("%s: %v", s.ID, err)
				}
			}
		}
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("two labels took %s", took)
		}
	})
}

func TestWithoutAnyManagerAStepSaysSo(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		w.apply()
		w.file("managers: [{name: a, labels: {x: one}}]\nworkers: [{name: b, labels: {x: one}}]")
		p := w.process()
		defer p.end()
		st := p.see()
		w.of("a").halt()
		for _, s := range plan.Diff(w.spec, st, plan.Options{}).Steps {
			if s.ID != "label/b" {
				continue
			}
			_, err := p.Do(w.Context(), s)
			if err == nil || !strings.Contains(err.Error(), "wait for the node to be ready: not within 30s: a: list nodes: connect to /var/run/docker.sock on a: no such socket") {
				t.Errorf("got %v", err)
			}
		}
	})
}

// The connection of a machine that is worked on breaks: the step is done again
// over another one.
func TestAStepWhoseConnectionBreaksIsDoneAgain(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b, engine_labels: {x: one}}]")
		w.apply()
		w.file("managers: [{name: a}]\nworkers: [{name: b, engine_labels: {x: two}}]")
		w.during("configure/b", func() { w.of("b").sshd.Kick() })
		w.settled()
	})
}

func TestVerifyWaitsForWhatManagersShowLate(t *testing.T) {
	in(t, func(w *world) {
		w.net.SetDelays(func(d *swarmtest.Delays) { d.Labels = 19 * time.Second })
		w.file("managers: [{name: a, engine_labels: {x: one}}]")
		w.apply()
		w.file("managers: [{name: a, engine_labels: {x: two}}]")
		r := w.during("verify", func() {})
		if res := resultOf(r, "verify"); res.Status != apply.Done || res.Took < 10*time.Second || res.Note != "1 of 1 nodes are as the file says" {
			t.Errorf("%s after %s: %s %v", res.Status, res.Took, res.Note, res.Err)
		}
	})
}

func TestVerifyNamesWhatDoesNotCome(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a, engine_labels: {x: one}}]\nworkers: [{name: b}]")
		w.apply()
		time.Sleep(time.Minute) // what agents still had to say is said
		w.net.SetDelays(func(d *swarmtest.Delays) { d.Labels = time.Hour })
		w.file("managers: [{name: a, engine_labels: {x: two}}]\nworkers: [{name: b}]")
		r := w.during("verify", func() { w.of("b").halt() })
		const want = "wait for the managers to show what the file says: not within 45s: a does not show engine label x; b is down"
		if res := resultOf(r, "verify"); res.Err == nil || res.Err.Error() != want {
			t.Errorf("got  %v\nwant %s", res.Err, want)
		}
	})
}

// What failed, or was held back by that, was told of already.
func TestVerifyLeavesOutWhatIsKnownNotToCome(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: m}]")
		w.apply()
		w.file("managers: [{name: m}, {name: x, count: 3}]\nworkers: [{name: w, count: 2}]")
		w.cloud.onBoot = func(m *machine) {
			switch m.name {
			case "x1":
				m.broken = "no space left on device" // holds back x2 and x3
			case "w2":
				m.sshd.Misbehave(sshtest.Fault{Refuse: true})
			}
		}
		p := w.process(func(c *cluster.Config) { c.ConnectTimeout = 5 * time.Second })
		defer p.end()
		_, reports, err := p.rounds(plan.Options{})
		if len(reports) == 0 {
			w.Fatal(err)
		}
		statuses := map[string]apply.Status{}
		for _, r := range reports[0] {
			statuses[r.Step.ID] = r.Status
		}
		if statuses["install/x1"] != apply.Failed || statuses["join/x2"] != apply.Skipped || statuses["connect/w2"] != apply.Failed {
			t.Errorf("got %v", statuses)
		}
		res := resultOf(reports[0], "verify")
		if res.Status != apply.Done || res.Note != "2 of 6 nodes are as the file says" || res.Took > 10*time.Second {
			t.Errorf("%s after %s: %q %v", res.Status, res.Took, res.Note, res.Err)
		}
	})
}
