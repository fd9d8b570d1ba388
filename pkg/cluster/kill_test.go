package cluster_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// Whatever a run was at when it was interrupted or killed, the next one
// finishes. An even moment interrupts, an odd one kills.
func TestARunThatWasCutShortIsFinishedByTheNext(t *testing.T) {
	const small, changed = "managers: [{name: a}, {name: b}]\nworkers: [{name: c}]",
		"managers: [{name: a}, {name: c, labels: {x: one}}]\nworkers: [{name: d, engine_labels: {y: one}}]"
	for _, tt := range []struct {
		name, from, to string
		moments        []int
	}{
		{"a fresh cluster", "", small, []int{1, 8, 13, 18, 23, 28, 33, 38}},
		{"a change", small, changed, []int{4, 9, 14, 19, 24}},
	} {
		for _, moment := range tt.moments {
			t.Run(fmt.Sprintf("%s, moment %d", tt.name, moment), func(t *testing.T) {
				in(t, func(w *world) {
					if tt.from != "" {
						w.file(tt.from)
						w.apply()
						w.net.Run(swarmtest.Service{Name: "web", Replicas: 2})
					}
					w.file(tt.to)
					w.cutShort(moment)
					if c := w.net.Clusters(); len(c) > 1 {
						t.Errorf("%d swarms", len(c))
					}
					w.apply()
				})
			})
		}
	}
}

// cutShort applies the file until so many steps have begun or ended.
func (w *world) cutShort(moment int) {
	w.Helper()
	p := w.process()
	defer p.end()
	seen := 0
	p.watch = func(apply.Result) {
		switch seen++; {
		case seen != moment:
		case moment%2 == 0:
			p.stop(errInterrupted)
		default:
			p.kill()
		}
	}
	if _, _, err := p.rounds(plan.Options{}); err == nil && seen >= moment {
		w.Errorf("nobody noticed the end at moment %d", moment)
	}
}

var errInterrupted = errors.New("interrupted")

func TestAnInterruptionEndsWaitsAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name, step string
		prepare    func(*world)
	}{
		{"a connect", "connect/b", func(w *world) {
			w.cloud.onBoot = func(m *machine) { m.sshd.Misbehave(sshtest.Fault{Silent: true}) }
		}},
		{"a drain", "drain/c", func(w *world) { w.net.Run(swarmtest.Service{Name: "web", Replicas: 6, Stuck: true}) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: a}]\nworkers: [{name: c}]")
				w.apply()
				tt.prepare(w)
				w.file("managers: [{name: a}]\nworkers: [{name: b}]")
				if strings.HasPrefix(tt.step, "drain") {
					w.file("managers: [{name: a}]")
				}
				took, report := w.interruptAfter(tt.step, 5*time.Second)
				if took > time.Second {
					t.Errorf("it took %s to end", took)
				}
				r := resultOf(report, tt.step)
				if r.Status != apply.Failed || !errors.Is(r.Err, errInterrupted) {
					t.Errorf("%s: %s %v", tt.step, r.Status, r.Err)
				}
			})
		})
	}
}

func TestCallsInFlightGetTheirGrace(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		w.apply()
		w.net.SetDelays(func(d *swarmtest.Delays) { d.Leave, d.JoinWorker = 10*time.Second, 10*time.Second })
		w.file("managers: [{name: a}]\nworkers: [{name: c}]")
		took, report := w.interruptAfter("join/c", 2*time.Second)
		if took < 7*time.Second || took > 20*time.Second {
			t.Errorf("it took %s, want the rest of the join", took)
		}
		if r := resultOf(report, "label/c"); r.Status == apply.Done {
			t.Error("label/c was begun")
		}
		if cluster, _, _ := w.of("c").engine.Certificate(); cluster == "" || len(w.net.Nodes()) != 3 {
			t.Errorf("c did not join: %v", w.net.Nodes())
		}
		w.apply()
	})
}

// interruptAfter applies the file, interrupts so long after a step has begun,
// and says how long the end took.
func (w *world) interruptAfter(step string, d time.Duration) (took time.Duration, r apply.Report) {
	w.Helper()
	p := w.process()
	defer p.end()
	var at time.Time
	p.watch = func(r apply.Result) {
		if r.Step.ID == step && r.Status == "" {
			time.AfterFunc(d, func() {
				at = time.Now()
				p.stop(errInterrupted)
			})
		}
	}
	_, reports, _ := p.rounds(plan.Options{})
	if at.IsZero() {
		w.Fatalf("%s never began: %v", step, reports)
	}
	return time.Since(at), reports[0]
}

func resultOf(r apply.Report, step string) apply.Result {
	for _, res := range r {
		if res.Step.ID == step {
			return res
		}
	}
	return apply.Result{}
}

// Of two runs at once that know of no lock, such as those of an older swarmup,
// nothing worse than a failed step may come, and the next run finishes.
func TestTwoRunsAtOnceMakeOneSwarm(t *testing.T) {
	for _, tt := range []struct {
		name  string
		apart time.Duration
	}{
		{"at the same moment", 0}, {"one while the other installs", 10 * time.Second}, {"one while the other joins", 24 * time.Second},
	} {
		for _, made := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, machines made: %t", tt.name, made), func(t *testing.T) {
				in(t, func(w *world) {
					w.file("managers: [{name: a}, {name: b}]\nworkers: [{name: c}]")
					if !made {
						w.file(sshFile(w.existing("a", "b", "c"), "a b", "c", ""))
					}
					w.race(tt.apart)
					if c := w.net.Clusters(); len(c) > 1 {
						w.Fatalf("%d swarms", len(c))
					}
					w.apply()
				})
			})
		}
	}
}

// race applies the file twice, one so much later than the other.
func (w *world) race(apart time.Duration) {
	first, second := w.process(), w.process()
	defer first.end()
	defer second.end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = first.rounds(plan.Options{})
	}()
	time.Sleep(apart)
	_, _, _ = second.rounds(plan.Options{})
	<-done
}
