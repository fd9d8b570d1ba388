package cluster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/plan"
)

// situation gives what weighs most of what is found about a node.
func (w *world) situation(node string) plan.Situation {
	w.Helper()
	p := w.process()
	defer p.end()
	for _, s := range plan.Classify(w.spec, p.see()) {
		if s.Node == node {
			return s.Is()
		}
	}
	return ""
}

// Each is made, seen, and mended by one apply.
func TestStatesAreSeenAndMended(t *testing.T) {
	worker := func(s *nodeSpec) { s.Role = "worker" }
	for _, tt := range []struct {
		node   string
		breaks func(*world)
		want   plan.Situation
	}{
		{"w1", func(w *world) { w.of("w1").engine.ExpireCertificate() }, plan.Expired},
		{"m2", func(w *world) { w.of("m2").engine.ExpireCertificate() }, plan.Expired},
		{"w1", func(w *world) { w.partition("w1", 20*time.Second) }, plan.Partitioned},
		{"m3", func(w *world) { w.update("m3", worker) }, plan.Demoting},
		{"w1", func(w *world) { w.lost("m1") }, plan.NewLeader},
	} {
		t.Run(tt.node+" "+string(tt.want), func(t *testing.T) {
			in(t, func(w *world) {
				w.file(three + "workers: [{name: w, count: 2}]\n")
				w.apply()
				w.update("w1", func(s *nodeSpec) { s.Labels["theirs"] = "1" })
				tt.breaks(w)
				if got := w.situation(tt.node); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				w.apply()
				for _, e := range w.net.Nodes() {
					if e.Hostname == "w1" && e.Labels["theirs"] != "1" {
						t.Error("a label of others is lost")
					}
				}
			})
		})
	}
}

// partition lets the swarm lose sight of an engine, which runs on; it finds back
// after the time given.
func (w *world) partition(name string, back time.Duration) {
	e := w.of(name).engine
	e.SetCut(true)
	time.Sleep(20 * time.Second) // three heartbeats and a little
	time.AfterFunc(back, func() { e.SetCut(false) })
}

// lost takes the leader away until another one is elected, and no longer.
func (w *world) lost(name string) {
	e := w.of(name).engine
	e.SetCut(true)
	time.Sleep(11 * time.Second) // Delays.Elect
	e.SetCut(false)
}

func TestAPartitionThatStaysIsNamed(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w}]\n")
		w.apply()
		w.partition("w", time.Hour)
		before := w.net.Nodes()
		err := w.try()
		if err == nil || !strings.Contains(err.Error(), "settle w: wait for the swarm to settle: not within 45s: the swarm calls it down") {
			t.Errorf("got %v", err)
		}
		if after := w.net.Nodes(); len(after) != len(before) || after[len(after)-1].ID != before[len(before)-1].ID {
			t.Errorf("it was removed: %v", after)
		}
	})
}

// An engine that speaks no API of ours blocks its own node.
func TestAnEngineThatIsTooOldBlocksItsNode(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b", "c")
		w.file(sshFile(lines, "a", "b", ""))
		w.apply()
		w.of("c").engine.SetVersion("18.09.9", "1.39")
		w.file(sshFile(lines, "a", "c", ""))
		if got := w.situation("c"); got != plan.OldEngine {
			t.Errorf("got %q", got)
		}
		err := w.try()
		if err == nil || !strings.Contains(err.Error(), "engine too old") {
			t.Errorf("got %v", err)
		}
	})
}

// A hung engine is unknown, and never free: nothing is done about its entry.
func TestAnEngineThatHangsIsUnknown(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w}]\n")
		w.apply()
		w.of("w").engine.SetSilent(true)
		began := time.Now()
		if got := w.situation("w"); got != plan.Hung {
			t.Errorf("got %q", got)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it took %s", took)
		}
		for _, s := range w.next().Steps {
			if s.Node == "w" && !s.Maybe && s.Action != plan.Connect {
				t.Errorf("the plan has %s", s.ID)
			}
		}
		w.of("w").engine.SetSilent(false)
		w.apply()
	})
}
