package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
)

func TestWhoDeparts(t *testing.T) {
	for _, tt := range []struct {
		name, file, world string
		opt               plan.Options
		want              []plan.Departure
	}{
		{"nobody", "a:manager b:worker", "a=manager b=worker", plan.Options{}, nil},
		{"who leaves the file", "a:manager", "a=manager b=worker", plan.Options{}, []plan.Departure{{"b", "b-3", "id4", true}}},
		{"a machine that is not ours stays", "a:manager", "a=manager b=worker/existing", plan.Options{}, []plan.Departure{{"b", "b-3", "id4", false}}},
		{"who is replaced", "a:manager b:worker", "a=manager b=worker", plan.Options{Replace: []string{"b"}}, []plan.Departure{{"b", "b-3", "id4", true}}},
		{"also where it is dead", "a:manager b:worker", "a=manager b=off-worker", plan.Options{Replace: []string{"b"}}, []plan.Departure{{"b", "b-3", "id4", true}}},
		{"who leaves to join again does not", "a:manager b:worker", "a=manager b=moved-worker", plan.Options{}, nil},
		{"who is drained for a while does not", "a:manager b:worker", "a=manager b=manager", plan.Options{}, nil},
		{"all, where all is taken down", "a:manager b:worker", "a=manager b=worker", plan.Options{Teardown: true}, []plan.Departure{{"a", "a-1", "", true}, {"b", "b-3", "", true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.Diff(file(tt.file), world(tt.world).observe(), tt.opt)
			if diff := cmp.Diff(tt.want, p.Departures()); diff != "" {
				t.Errorf("(-want +got)\n%s\n%s", diff, short(p))
			}
		})
	}
}

func TestServicesThatNoOtherNodeMayRun(t *testing.T) {
	const all, without = "a:manager b:worker c:worker", "a:manager b:worker"
	for _, tt := range []struct {
		name, constraint, file string
		replace                []string
		lost                   bool
	}{
		{"the host name", "node.hostname==c", without, nil, true},
		{"with blanks and capitals", " Node.Hostname  ==  C ", without, nil, true},
		{"the ID", "node.id==id6", without, nil, true},
		{"the ID of another", "node.id==id4", without, nil, false},
		{"a label of this node alone", "node.labels.disk==ssd", without, nil, true},
		{"a label of another one too", "node.labels.zone==x", without, nil, false},
		{"an engine label of this node alone", "engine.labels.gpu == yes", without, nil, true},
		{"all but another", "node.hostname!=a", without, nil, false},
		{"a role that others have", "node.role==worker", without, nil, false},
		{"the platform", "node.platform.os==linux", without, nil, false},
		{"no constraint", "", without, nil, false},
		{"the host name of one that is replaced", "node.hostname==c", all, []string{"c"}, false},
		{"its labels, which the new one gets", "node.labels.disk==ssd", all, []string{"c"}, false},
		{"its ID, which nobody gets", "node.id==id6", all, []string{"c"}, true},
		{"a node that stays", "node.hostname==c", all, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have := world("a=manager b=worker c=worker").observe()
			for i := range have.Swarm.Nodes {
				e := &have.Swarm.Nodes[i]
				e.Labels["zone"] = "x"
				if e.Hostname == "c" {
					e.Labels["disk"], e.EngineLabels = "ssd", map[string]string{"gpu": "yes"}
				}
			}
			s := engine.Service{Name: "db"}
			if tt.constraint != "" {
				s.Constraints = []string{tt.constraint}
			}
			p := plan.Diff(file(tt.file), have, plan.Options{Replace: tt.replace})
			want := map[string][]string{}
			if tt.lost {
				want["id6"] = []string{"db (" + tt.constraint + ")"}
			}
			if diff := cmp.Diff(want, plan.Bound(file(tt.file), have.Swarm, p, []engine.Service{s})); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
