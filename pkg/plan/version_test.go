package plan_test

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// What is there of an engine in the wrong version is never taken in silence.
func TestAnEngineOfAnotherVersion(t *testing.T) {
	const few = "note: the swarm has fewer than three managers: its control plane stops while the engine of a restarts"
	none := func(node string) string {
		return "blocked: " + node + " has engine 26.1.5+dfsg1, engine.version says 28.5, and engine.install is none"
	}
	older := func(names string) string {
		return "refused: " + names + " engine 26.1.5+dfsg1, and engine.version says 20.10: Docker does not support older engines on what newer ones left"
	}
	tests := []struct {
		name, file, world, version string
		install                    spec.Install
		opt                        plan.Options
		want                       []string
	}{
		{"of members is rolled", "a:manager b:worker", "a=manager b=worker", "28.5", spec.InstallDocker, plan.Options{}, []string{
			"drain/a", "upgrade/a<drain/a", "restore/a~drain/a,upgrade/a",
			"drain/b<drain/a,upgrade/a,restore/a", "upgrade/b<drain/a,upgrade/a,restore/a,drain/b", "restore/b<drain/a,upgrade/a,restore/a~drain/b,upgrade/b", few,
		}},
		{"of a machine that is none is changed before it joins", "a:manager b:worker", "a=manager b=idle", "28.5", spec.InstallDocker, plan.Options{}, []string{
			"upgrade/b", "join/b<upgrade/b", "label/b<join/b",
			"drain/a~join/b,label/b", "upgrade/a<drain/a~join/b,label/b", "restore/a~join/b,label/b,drain/a,upgrade/a", few,
		}},
		{"of the first of a swarm is changed before", "a:manager", "a=idle", "28.5", "", plan.Options{}, []string{"upgrade/a", "init/a<upgrade/a", "label/a<init/a"}},
		{"of an engine that is stopped is changed before it starts", "a:manager b:worker", "a=manager b=engine-off", "26", "", plan.Options{}, []string{"configure/b"}},
		{"that nobody may change blocks members", "a:manager b:worker", "a=manager b=worker", "28.5", spec.InstallNone, plan.Options{}, []string{none("a"), none("b")}},
		{"that nobody may change keeps others out", "a:manager b:worker", "a=manager b=idle", "28.5", spec.InstallNone, plan.Options{}, []string{none("a"), none("b")}},
		{"that is newer is left alone", "a:manager b:worker", "a=manager b=idle", "20.10", "", plan.Options{}, []string{older("a, b have")}},
		{"that is newer, of one", "a:manager", "a=idle", "20.10", "", plan.Options{}, []string{older("a has")}},
		{"that is newer becomes older on demand", "a:manager", "a=idle", "20.10", "", plan.Options{AllowDowngrade: true}, []string{"upgrade/a", "init/a<upgrade/a", "label/a<init/a"}},
		{"that will do stays", "a:manager b:worker", "a=manager b=idle", "26.1", "", plan.Options{}, []string{"join/b", "label/b<join/b"}},
		{"is any, where the file says none", "a:manager b:worker", "a=manager b=idle", "", "", plan.Options{}, []string{"join/b", "label/b<join/b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, have := file(tt.file), world(tt.world).observe()
			for i := range want.Nodes {
				want.Nodes[i].Engine.Version, want.Nodes[i].Engine.Install = tt.version, tt.install
			}
			for i := range have.Hosts {
				have.Hosts[i].EngineVersion = "26.1.5+dfsg1"
			}
			if got := short(plan.Diff(want, have, tt.opt)); got != strings.Join(tt.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(tt.want, "\n"))
			}
		})
	}
}
