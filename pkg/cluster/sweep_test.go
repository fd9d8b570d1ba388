package cluster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// orphan leaves an entry without a name: that of a join that was killed.
func (w *world) orphan() {
	w.Helper()
	s, err := w.api(w.of("a").addr).Swarm(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	before := len(w.net.Nodes())
	w.net.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker = time.Second })
	defer w.net.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker = swarmtest.Real().JoinWorker })
	m := w.machine("stranger").bring("")
	time.AfterFunc(600*time.Millisecond, m.halt)
	_ = w.api(m.addr).Join(w.Context(), engine.JoinRequest{Remote: w.of("a").addr + ":2377", Token: s.Worker})
	if nodes := w.net.Nodes(); len(nodes) != before+1 || len(w.net.Ghosts()) != 1 {
		w.Fatalf("there is no orphan: %v", nodes)
	}
}

func TestAnOrphanIsSweptOnceItIsOldEnough(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old      time.Duration
		from, to time.Duration
	}{
		{"young", 10 * time.Second, 45 * time.Second, 60 * time.Second},
		{"old", 2 * time.Minute, 0, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: a}]\nworkers: [{name: b}]")
				w.apply()
				w.orphan()
				time.Sleep(tt.old)
				res := resultOf(w.during("sweep", func() {}), "sweep")
				if res.Status != apply.Done || res.Note != "1 removed" || res.Took < tt.from || res.Took > tt.to {
					t.Errorf("%s after %s: %q %v", res.Status, res.Took, res.Note, res.Err)
				}
				w.settled()
			})
		})
	}
}

// After joins of its own a run looks once, and leaves young entries alone: they
// may be of joins that others are at.
func TestAnOrphanThatThePlanDoesNotShowIsNotWaitedFor(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]")
		w.apply()
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		r := w.during("create/b", w.orphan)
		if res := resultOf(r, "sweep"); res.Status != apply.Done || res.Note != "" || res.Took > time.Second {
			t.Errorf("%s after %s: %q %v", res.Status, res.Took, res.Note, res.Err)
		}
		if got := len(w.net.Ghosts()); got != 1 {
			t.Errorf("%d orphans, want it still there", got)
		}
	})
}

// Machines that were cloned share their host name. One that is down is no
// leftover of another.
func TestAMemberThatIsDownIsNotSweptForItsName(t *testing.T) {
	in(t, func(w *world) {
		lines := map[string]string{}
		for _, n := range []string{"a", "b", "c", "d"} {
			host := w.existing("debian")
			lines[n] = strings.Replace(host["debian"], "name: debian", "name: "+n, 1)
		}
		w.file(sshFile(lines, "a", "b c", ""))
		if err := w.try(); err != nil {
			w.Fatal(err)
		}
		b := w.at("10.0.0.2")
		b.powerOff()
		time.Sleep(time.Minute)
		w.file(sshFile(lines, "a", "b c d", ""))
		err := w.try()
		if err == nil || !strings.Contains(err.Error(), "connect b: ") || strings.Contains(err.Error(), "sweep") {
			t.Errorf("got %v", err)
		}
		if got := len(w.net.Nodes()); got != 4 {
			t.Errorf("%d entries, want 4", got)
		}
		b.powerOn()
		b.heal()
		time.Sleep(10 * time.Second)
		if err := w.try(); err != nil {
			t.Errorf("once it is back: %v", err)
		}
		if err := w.sound(); err != nil {
			t.Error(err)
		}
	})
}
