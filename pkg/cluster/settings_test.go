package cluster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

const mesh = "\nswarm: {task_history: 2, heartbeat: 7s, snapshot_interval: 5000, keep_old_snapshots: 0, ingress: {mtu: 1400, subnet: 10.255.0.0/16}}"

// meshed fails unless the ingress network is that of mesh and every member is
// attached to it.
func (w *world) meshed() {
	w.Helper()
	i, err := w.api(w.leader().addr).Ingress(w.Context())
	if want := (engine.IngressRequest{MTU: 1400, Subnet: "10.255.0.0/16"}); err != nil || !want.Met(i) {
		w.Errorf("the ingress network is %+v, %v", i, err)
	}
	if got := w.net.Unmeshed(); len(got) > 0 {
		w.Errorf("not attached to the ingress network: %v", got)
	}
}

func TestSettingsHoldFromTheFirstMomentOn(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w, count: 3}]" + mesh)
		w.apply()
		w.meshed()
		s, err := w.api(w.leader().addr).Swarm(w.Context())
		if err != nil || s.TaskHistory != 2 || s.Heartbeat != 7*time.Second || s.Log != (engine.Log{SnapshotInterval: 5000, SlowFollowers: 500}) {
			t.Errorf("got %+v, %v", s, err)
		}
		if n := w.net.Calls("POST /swarm/update"); n != 0 {
			t.Errorf("%d updates of the swarm, want none: init takes its settings", n)
		}
		if n := w.net.Calls("POST /networks/create"); n == 0 {
			t.Error("the ingress network was never made")
		}
	})
}

func TestAFileWithoutIngressNeverAsksForNetworks(t *testing.T) {
	in(t, func(w *world) {
		w.file(three)
		w.apply()
		w.apply()
		if n := w.net.Calls("GET /networks"); n != 0 {
			t.Errorf("%d questions about networks", n)
		}
	})
}

func TestTheIngressNetworkIsMadeBeforeANodeJoins(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]")
		w.apply()
		w.file("managers: [{name: a}]\nworkers: [{name: b}]" + mesh)
		p := w.process()
		next := plan.Diff(w.spec, p.see(), plan.Options{})
		p.end()
		for _, s := range next.Steps {
			if s.Action == plan.Join && !strings.Contains(strings.Join(s.After, " "), "settings") {
				t.Errorf("%s does not wait for the ingress network: %v", s.ID, s.After)
			}
		}
		w.apply()
		w.meshed()
	})
}

func TestAnIngressNetworkThatIsInUseIsLeftAlone(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]")
		w.apply()
		w.net.Run(swarmtest.Service{Name: "web", Mesh: true})
		w.file("managers: [{name: a}]" + mesh)
		p := w.process()
		defer p.end()
		next := plan.Diff(w.spec, p.see(), plan.Options{})
		const want = "the ingress network cannot be changed while services publish ports through it: web"
		if len(next.Blocked) != 1 || next.Blocked[0].Text != want {
			t.Errorf("blocked: %+v\nwant %s", next.Blocked, want)
		}
		if len(next.Steps) != 2 || next.Steps[0].Action != plan.Settings || len(next.Steps[0].Changes) != 3 {
			t.Errorf("the other settings: %+v", next.Steps)
		}
	})
}

func TestASwarmThatLostItsIngressNetworkGetsOne(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + mesh)
		w.apply()
		api := w.api(w.leader().addr)
		i, err := api.Ingress(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		if err := api.RemoveIngress(w.Context(), i.ID); err != nil {
			w.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := w.steps(); got != "settings" {
			t.Errorf("steps: %s", got)
		}
		w.apply()
		w.meshed()
	})
}
