package plan_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/plan"
)

func TestDiffReplaces(t *testing.T) {
	asked := func(names ...string) plan.Options { return plan.Options{Replace: names} }
	three := "a:manager b:manager c:manager d:worker"
	for _, tt := range []diffCase{
		{"a worker", "a:manager b:worker", "a=manager b=worker", asked("b"), []string{
			"mark/b-3", "create/b<mark/b-3", "connect/b<create/b", "install/b<connect/b", "configure/b<install/b",
			"join/b<configure/b,mark/b-3", "label/b<join/b",
			"drain/b-3<create/b,connect/b,install/b,configure/b,join/b,label/b,mark/b-3~label/b",
			"leave/b-3<drain/b-3", "forget/id4<leave/b-3", "delete/b-3<forget/id4",
		}},
		{"a manager, demoted before it leaves", "a:manager b:manager c:manager", "a=manager b=manager c=manager", asked("c"), []string{
			"mark/c-5", "create/c<mark/c-5", "connect/c<create/c", "install/c<connect/c", "configure/c<install/c",
			"join/c<configure/c,mark/c-5", "label/c<join/c",
			"drain/c-5<create/c,connect/c,install/c,configure/c,join/c,label/c,mark/c-5",
			"demote/c-5<drain/c-5", "leave/c-5<demote/c-5", "forget/id6<leave/c-5", "delete/c-5<forget/id6",
		}},
		{"one that was begun goes on unasked, and is not begun again", "a:manager b:worker", "a=manager b=worker/leaving", asked("b"), []string{
			"create/b", "connect/b<create/b", "install/b<connect/b", "configure/b<install/b", "join/b<configure/b", "label/b<join/b",
			"drain/b-3<create/b,connect/b,install/b,configure/b,join/b,label/b~label/b",
			"leave/b-3<drain/b-3", "forget/id4<leave/b-3", "delete/b-3<forget/id4",
		}},
		{"its new machine that came to nothing is made anew", "a:manager b:worker", "a=manager b=worker/leaving b=idle/silent", asked("b"), []string{
			"delete/b-5", "create/b<delete/b-5", "connect/b<create/b", "install/b<connect/b", "configure/b<install/b",
			"join/b<configure/b,delete/b-5", "label/b<join/b",
			"drain/b-3<create/b,connect/b,install/b,configure/b,join/b,label/b,delete/b-5~label/b",
			"leave/b-3<drain/b-3", "forget/id4<leave/b-3", "delete/b-3<forget/id4",
		}},
		{"a dead manager is out before the new one comes", "a:manager b:manager c:manager", "a=manager b=manager c=off-manager", asked("c"), []string{
			"delete/c-5", "forget/id6<delete/c-5", "create/c<forget/id6", "connect/c<create/c", "install/c<connect/c", "configure/c<install/c",
			"join/c<configure/c,forget/id6", "label/c<join/c", grows(2, 3),
		}},
		{"what lives and is silent is not destroyed", "a:manager b:worker", "a=manager b=worker/silent", asked("b"), []string{
			"blocked: b is to be replaced, cannot be asked to leave (no route to host), and is ready to the swarm",
		}},
		{"a machine without a member goes first", "a:manager b:worker", "a=manager b=idle", asked("b"), []string{
			"delete/b-3", "create/b<delete/b-3", "connect/b<create/b", "install/b<connect/b", "configure/b<install/b", "join/b<configure/b,delete/b-3", "label/b<join/b",
		}},
		{"also where there is no swarm yet", "a:manager", "a=idle", asked("a"), []string{
			"delete/a-1", "create/a<delete/a-1", "connect/a<create/a", "install/a<connect/a", "configure/a<install/a", "init/a<configure/a", "label/a<init/a",
		}},
		{"a machine that was only begun is finished", "a:manager b:worker", "a=manager b=incomplete", asked("b"), []string{
			"create/b", "connect/b<create/b", "install/b<connect/b", "configure/b<install/b", "join/b<configure/b", "label/b<join/b",
		}},
		{"managers stay while one of them is missing", three, "a=manager b=manager c=idle/silent d=worker", asked("b"), []string{
			"connect/c", "install/c<connect/c", "configure/c<install/c", "join/c<configure/c", "label/c<join/c",
			"mark/b-3<join/c", "create/b<mark/b-3", "connect/b<create/b", "install/b<connect/b", "configure/b<install/b",
			"join/b<configure/b,join/c,mark/b-3", "label/b<join/b",
			"drain/b-3<create/b,connect/b,install/b,configure/b,join/b,label/b,mark/b-3,join/c",
			"demote/b-3<drain/b-3", "leave/b-3<demote/b-3", "forget/id4<leave/b-3", "delete/b-3<forget/id4", grows(2, 3),
		}},
		{"no such node", "a:manager", "a=manager", asked("z"), []string{`refused: no node "z" is in the file, so that it cannot be replaced`}},
		{"a machine that is not ours", "a:manager b:worker", "a=manager b=worker/existing", asked("b"), []string{
			"refused: b is on a machine that swarmup did not make, and cannot make anew",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestThePlanNamesWhatItReplaces(t *testing.T) {
	have := world("a=manager b=worker/leaving c=worker d=idle e=worker/silent f=worker").observe()
	p := plan.Diff(file("a:manager b:worker c:worker d:worker e:worker"), have, plan.Options{Replace: []string{"c", "d", "e"}})
	if diff := cmp.Diff([]string{"b", "c", "d"}, p.Replaces); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOnlySettingsThatAreKnownDiffer(t *testing.T) {
	for _, tt := range []struct {
		name      string
		was, want map[string]string
		text      string
	}{
		{"the same", map[string]string{"image": "a"}, map[string]string{"image": "a"}, ""},
		{"no record", nil, map[string]string{"image": "a"}, ""},
		{"a setting that the record does not know", map[string]string{"image": "a"}, map[string]string{"image": "a", "size": "b"}, ""},
		{"another value", map[string]string{"image": "a", "size": "s"}, map[string]string{"image": "b", "size": "s"}, "a's machine differs (image: a -> b)"},
		{"no value any more", map[string]string{"image": "a", "size": "s"}, map[string]string{"image": "", "size": "m"},
			"a's machine differs (image: a -> the default, size: s -> m)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			have := world("a=manager").observe()
			have.Hosts[0].Machine.Settings, have.Hosts[0].Machine.Wanted = tt.was, tt.want
			p := plan.Diff(file("a:manager"), have, plan.Options{})
			var got string
			for _, f := range p.Drift {
				got += f.Text
			}
			if got != tt.text || !p.Empty() {
				t.Errorf("got %q and %v, want %q and nothing to do", got, p.Steps, tt.text)
			}
		})
	}
}
