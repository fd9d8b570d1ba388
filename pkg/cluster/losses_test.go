package cluster_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// losses asks what a plan would cost.
func (w *world) losses(opt plan.Options) []plan.Loss {
	w.Helper()
	p := w.process()
	defer p.end()
	have := p.see()
	return p.Losses(p.ctx, have, plan.Diff(w.spec, have, opt))
}

func TestWhatGoesWithANode(t *testing.T) {
	in(t, func(w *world) {
		const all = "managers: [{name: a}]\nworkers: [{name: b}, {name: c}]"
		w.file(all)
		w.apply()
		w.net.Run(swarmtest.Service{Name: "db", Replicas: 1, Constraints: []string{"node.hostname == c"}})
		w.net.Run(swarmtest.Service{Name: "web", Replicas: 2})
		hex := strings.Repeat("0123456789abcdef", 4)
		w.of("c").engine.SetVolumes(
			swarmtest.Volume{Name: "data", Service: "db", Container: "db.1.xyz"}, swarmtest.Volume{Name: hex, Container: "tool"},
			swarmtest.Volume{Name: "kept", Labels: map[string]string{"keep": "me"}}, swarmtest.Volume{Name: "unused"},
			swarmtest.Volume{Name: "far", Driver: "nfs", Container: "x"}, swarmtest.Volume{Name: "mounted", Options: map[string]string{"type": "nfs4"}, Container: "x"},
		)
		if got := w.losses(plan.Options{}); got != nil {
			t.Errorf("nothing goes, and %v is lost", got)
		}
		for _, m := range []string{"a", "b", "c"} {
			if n := w.of(m).engine.Calls("GET /volumes"); n != 0 {
				t.Errorf("%s was asked %d times", m, n)
			}
		}
		volumes := []string{"data (db)", "kept", "0123456789ab (tool)"}
		if diff := cmp.Diff([]plan.Loss{{Node: "c", Volumes: volumes}}, w.losses(plan.Options{Replace: []string{"c"}})); diff != "" {
			t.Errorf("a replacement (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff([]plan.Loss{{Node: "c", Volumes: volumes}}, w.losses(plan.Options{Teardown: true})); diff != "" {
			t.Errorf("a teardown (-want +got)\n%s", diff)
		}
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		if diff := cmp.Diff([]plan.Loss{{Node: "c", Volumes: volumes, Services: []string{"db (node.hostname == c)"}}}, w.losses(plan.Options{})); diff != "" {
			t.Errorf("a removal (-want +got)\n%s", diff)
		}
	})
}

func TestOfManyVolumesTheFirstAreNamed(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		w.apply()
		var many []swarmtest.Volume
		for i := range 20 {
			many = append(many, swarmtest.Volume{Name: fmt.Sprintf("v%02d", i), Container: "x"})
		}
		w.of("b").engine.SetVolumes(many...)
		w.file("managers: [{name: a}]")
		got := w.losses(plan.Options{})
		if len(got) != 1 || len(got[0].Volumes) != 8 || got[0].More != 12 {
			t.Errorf("got %+v", got)
		}
	})
}

// A plan that destroys what cannot be asked says so.
func TestWhatCannotBeAskedIsSaid(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		w.apply()
		w.of("b").sshd.Misbehave(sshtest.Fault{Refuse: true})
		got := w.losses(plan.Options{Teardown: true})
		if diff := cmp.Diff([]plan.Loss{{Node: "b", Unknown: "its engine does not answer, and its volumes are not known"}}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// What is on a machine of somebody else's stays there.
func TestMachinesThatExistLoseNothing(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b")
		w.file(sshFile(lines, "a", "b", ""))
		w.apply()
		w.of("b").engine.SetVolumes(swarmtest.Volume{Name: "data", Container: "x"})
		w.net.Run(swarmtest.Service{Name: "db", Replicas: 1, Constraints: []string{"node.hostname==b"}})
		w.file(sshFile(lines, "a", "", ""))
		if diff := cmp.Diff([]plan.Loss{{Node: "b", Services: []string{"db (node.hostname==b)"}}}, w.losses(plan.Options{})); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
