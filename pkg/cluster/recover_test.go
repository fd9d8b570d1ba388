package cluster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/recovery"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// recovered lets one manager go on alone.
func (w *world) recovered(node string) {
	w.Helper()
	p := w.process()
	defer p.end()
	c, err := recovery.Look(w.spec, p.see(), node)
	if err != nil {
		w.Fatal(err)
	}
	id, err := c.Run(p.ctx, p)
	if err != nil || id != w.net.Clusters()[0] {
		w.Fatalf("swarm %s, %v", id, err)
	}
}

// Two of three managers are gone for good: the third goes on alone, and apply
// makes three of it again. The services are still there.
func TestAQuorumThatWasLostIsRecovered(t *testing.T) {
	for name, back := range map[string]bool{"by new machines": false, "by those that come back": true} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: a}, {name: b}, {name: c}]\nworkers: [{name: d}]")
				w.apply()
				w.net.Run(swarmtest.Service{Name: "web", Replicas: 2})
				for _, n := range []string{"b", "c"} {
					if back {
						w.of(n).powerOff()
						continue
					}
					if err := w.cloud.Delete(w.Context(), w.listed(n)); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Minute)
				if err := w.try(); err == nil || !strings.Contains(err.Error(), "the swarm lost its quorum: 1 of its 3 managers work, 2 are needed") {
					t.Errorf("apply: %v", err)
				}
				w.recovered("a")
				if back {
					w.of("b").powerOn()
					w.of("c").powerOn()
					time.Sleep(time.Minute)
				}
				w.apply()
				if c := w.net.Clusters(); len(c) != 1 {
					t.Errorf("%d swarms", len(c))
				}
			})
		})
	}
}

// A manager that found a leader while others decided is left alone.
func TestAManagerThatHasALeaderIsNotForced(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}, {name: b}]")
		w.apply()
		p := w.process()
		defer p.end()
		p.see()
		if _, err := p.ForceNew(p.ctx, "a"); err == nil || !strings.Contains(err.Error(), "make a the only manager: it has a leader") {
			t.Errorf("got %v", err)
		}
		if _, err := p.Do(p.ctx, plan.Step{ID: "leave/b", Action: plan.Leave, Node: "b", Member: "x", Force: true}); err == nil {
			t.Error("a manager with a leader left by force")
		}
		w.settled()
	})
}
