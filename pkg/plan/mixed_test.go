package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/plan"
)

func TestDifferentEnginesAreNoted(t *testing.T) {
	for name, tt := range map[string]struct {
		versions map[string]string
		want     []string
	}{
		"all alike":            {map[string]string{"a": "28.5.2", "b": "28.5.2", "c": "28.5.2"}, nil},
		"one that is not told": {map[string]string{"a": "28.5.2", "b": "28.5.2", "c": ""}, nil},
		"two versions":         {map[string]string{"a": "28.5.2", "b": "9.1", "c": "28.5.2"}, []string{"engines have different versions: 9.1 on b; 28.5.2 on a, c"}},
	} {
		t.Run(name, func(t *testing.T) {
			want := file("a:manager b:worker c:worker")
			have := world("a=manager b=worker c=worker").observe()
			for i := range have.Swarm.Nodes {
				have.Swarm.Nodes[i].Version = tt.versions[have.Swarm.Nodes[i].Hostname]
			}
			var got []string
			p := plan.Diff(want, have, plan.Options{})
			for _, f := range p.Notes {
				got = append(got, f.Text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || !p.Empty() {
				t.Errorf("(-want +got)\n%s%s", diff, short(p))
			}
		})
	}
}
