package plan_test

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/plan"
)

// What is there of an engine in the wrong version is never taken in silence.
func TestAnEngineOfAnotherVersionBlocksItsNode(t *testing.T) {
	says := func(node string) string {
		return "blocked: " + node + " has engine 26.1.5+dfsg1, and engine.version says 28.5: changing the version of an engine is not supported yet"
	}
	tests := []struct {
		name, file, world, version string
		want                       []string
	}{
		{"a member stays one", "a:manager b:worker", "a=manager b=worker", "28.5", []string{says("a"), says("b")}},
		{"a machine that is none does not become one", "a:manager b:worker", "a=manager b=idle", "28.5", []string{says("a"), says("b")}},
		{"nor the first of a swarm", "a:manager", "a=idle", "28.5", []string{says("a")}},
		{"one of the right version does", "a:manager b:worker", "a=manager b=idle", "26.1", []string{"join/b", "label/b<join/b"}},
		{"any version does", "a:manager b:worker", "a=manager b=idle", "", []string{"join/b", "label/b<join/b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, have := file(tt.file), world(tt.world).observe()
			for i := range want.Nodes {
				want.Nodes[i].Engine.Version = tt.version
			}
			for i := range have.Hosts {
				have.Hosts[i].EngineVersion = "26.1.5+dfsg1"
			}
			if got := short(plan.Diff(want, have, plan.Options{})); got != strings.Join(tt.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(tt.want, "\n"))
			}
		})
	}
}
