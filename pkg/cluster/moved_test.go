package cluster_test

import (
	"testing"
	"time"
)

// What another run may have done between a look at the world and the lock shows;
// what has not happened does not.
func TestMovedSaysWhetherSomebodyElseChangedTheWorld(t *testing.T) {
	for _, tt := range []struct {
		name    string
		formed  bool
		happens func(w *world)
		want    bool
	}{
		{"nothing, in a swarm", true, func(*world) {}, false},
		{"nothing, on bare machines", false, func(*world) {}, false},
		{"an entry was written", true, func(w *world) { w.update("b", func(s *nodeSpec) { s.Labels["x"] = "1" }) }, true},
		{"a node has left", true, func(w *world) {
			if err := w.api(w.of("b").addr).Leave(w.Context(), false); err != nil {
				w.Fatal(err)
			}
			time.Sleep(20 * time.Second) // until the managers miss it
		}, true},
		{"there is a swarm now", false, func(w *world) { w.apply() }, true},
		{"somebody looks", true, func(w *world) {
			p := w.process()
			defer p.end()
			p.see()
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b")
				w.file(sshFile(lines, "a", "b", ""))
				if tt.formed {
					w.apply()
				}
				p := w.process()
				defer p.end()
				p.see()
				tt.happens(w)
				got, err := p.Moved(w.Context())
				if err != nil || got != tt.want {
					t.Errorf("moved: %t, %v; want %t", got, err, tt.want)
				}
			})
		})
	}
}

func TestAMachineThatHasComeIsAMove(t *testing.T) {
	in(t, func(w *world) {
		w.file(three)
		p := w.process()
		defer p.end()
		p.see()
		w.apply()
		if got, err := p.Moved(w.Context()); !got || err != nil {
			t.Errorf("moved: %t, %v", got, err)
		}
	})
}
