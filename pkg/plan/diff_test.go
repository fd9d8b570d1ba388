package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// file reads "a:manager b:worker".
func file(text string) *spec.Cluster {
	c := &spec.Cluster{Name: "demo", Provider: spec.Provider{Name: "docker"}}
	for _, f := range strings.Fields(text) {
		name, role, _ := strings.Cut(f, ":")
		c.Nodes = append(c.Nodes, spec.Node{Name: name, Role: spec.Role(role), Engine: spec.Engine{Install: spec.InstallDistro}})
	}
	return c
}

// world reads "a=manager b=off-worker c=idle/silent d=manager/foreign": the
// kinds are those of drawHost. Hosts of a file are marked as the file has them,
// so that what is right already has nothing to be done.
func world(text string) *model {
	m := &model{name: "demo", swarms: map[string]*swarm{}}
	sw := &swarm{id: "swarm0"}
	for _, f := range strings.Fields(text) {
		name, kind, _ := strings.Cut(f, "=")
		kind, how, _ := strings.Cut(kind, "/")
		drawHost(m, sw, name, kind)
		x := m.of(plan.Step{Node: name})
		if x == nil {
			continue
		}
		if e := sw.get(x.member); e != nil && len(e.labels) > 0 {
			e.labels = map[string]string{
				plan.MarkCluster: "demo", plan.MarkNode: name,
				plan.MarkSSH: "root@" + x.name, plan.MarkHostKey: "SHA256:" + x.name,
			}
		}
		switch how {
		case "silent":
			x.silent = true
		case "existing":
			x.owned = false
		case "leaving":
			sw.get(x.member).labels[plan.MarkLeaving] = x.name
		case "unmarked":
			sw.get(x.member).labels = map[string]string{}
		case "foreign":
			sw.drop(x.member)
			m.swarms["other"] = &swarm{id: "other", members: []*member{{id: x.member, hostname: name, raft: true, role: spec.Manager}}}
			x.swarm = "other"
		}
	}
	if len(sw.members) > 0 {
		m.swarms[sw.id] = sw
	}
	return m
}

// short gives "join/c<configure/c,join/b~label/d": what a step is after, and
// behind. Verify and Sweep, which end nearly every plan, are left out.
func short(p plan.Plan) string {
	var out []string
	for _, s := range p.Steps {
		if s.Action == plan.Verify || s.Action == plan.Sweep {
			continue
		}
		t := s.ID
		if len(s.After) > 0 {
			t += "<" + strings.Join(s.After, ",")
		}
		if len(s.Behind) > 0 {
			t += "~" + strings.Join(s.Behind, ",")
		}
		out = append(out, t)
	}
	for _, s := range p.Adopt {
		out = append(out, "adopt: "+s.ID)
	}
	for _, f := range p.Refused {
		out = append(out, "refused: "+f.Text)
	}
	for _, f := range p.Blocked {
		out = append(out, "blocked: "+f.Text)
	}
	for _, f := range p.Notes {
		out = append(out, "note: "+f.Text)
	}
	if p.Partial {
		out = append(out, "partial")
	}
	return strings.Join(out, "\n")
}

// grows is the remark about the time in which a swarm has one or two managers.
func grows(from, to int) string {
	return fmt.Sprintf("note: the swarm grows from %d to %d managers: until there are three, the loss of one stops its control plane", from, to)
}

type diffCase struct {
	name, file, world string
	opt               plan.Options
	want              []string
}

func (tt diffCase) run(t *testing.T) {
	t.Helper()
	got := short(plan.Diff(file(tt.file), world(tt.world).observe(), tt.opt))
	if want := strings.Join(tt.want, "\n"); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestDiffOfASwarmThatWorks(t *testing.T) {
	for _, tt := range []diffCase{
		{"all is right", "a:manager b:worker", "a=manager b=worker", plan.Options{}, nil},
		{"a worker is added", "a:manager b:worker", "a=manager", plan.Options{}, []string{
			"create/b", "connect/b<create/b", "install/b<connect/b", "configure/b<install/b", "join/b<configure/b", "label/b<join/b",
		}},
		{"an engine is there", "a:manager b:worker", "a=manager b=idle", plan.Options{}, []string{
			"join/b", "label/b<join/b",
		}},
		{"managers join one after the other", "a:manager b:manager c:manager d:manager e:manager", "a=manager b=idle c=idle d=idle e=idle", plan.Options{}, []string{
			"join/b", "label/b<join/b", "join/c<join/b", "label/c<join/c",
			"join/d<join/c", "label/d<join/d", "join/e<join/c", "label/e<join/e", grows(1, 5),
		}},
		{"a worker goes gracefully", "a:manager", "a=manager b=worker", plan.Options{}, []string{
			"drain/b", "leave/b<drain/b", "forget/id4<leave/b", "delete/b<forget/id4",
		}},
		{"a worker goes behind the one that comes", "a:manager c:worker", "a=manager b=worker c=idle", plan.Options{}, []string{
			"join/c", "label/c<join/c",
			"drain/b~label/c", "leave/b<drain/b", "forget/id4<leave/b", "delete/b<forget/id4",
		}},
		{"a machine that is not ours is not deleted", "a:manager", "a=manager b=worker/existing", plan.Options{}, []string{
			"drain/b", "leave/b<drain/b", "forget/id4<leave/b",
		}},
		{"a manager goes after growth, demoted", "a:manager c:manager", "a=manager b=manager c=idle", plan.Options{}, []string{
			"join/c", "label/c<join/c",
			"drain/b<join/c", "demote/b<drain/b", "leave/b<demote/b", "forget/id4<leave/b", "delete/b<forget/id4", grows(2, 3),
		}},
		{"the leader goes last", "c:manager", "a=manager b=manager c=manager", plan.Options{}, []string{
			"drain/b", "demote/b<drain/b", "leave/b<demote/b", "forget/id4<leave/b", "delete/b<forget/id4",
			"drain/a<forget/id4~forget/id4", "demote/a<drain/a", "leave/a<demote/a", "forget/id2<leave/a", "delete/a<forget/id2",
		}},
		{"roles are swapped: up before down", "b:manager a:worker", "a=manager b=worker", plan.Options{}, []string{
			"promote/b", "demote/a<promote/b", grows(1, 2),
		}},
		{"a dead manager leaves before its replacement comes", "a:manager b:manager c:manager", "a=manager b=manager c=lost-manager", plan.Options{}, []string{
			"forget/id6", "create/c", "connect/c<create/c", "install/c<connect/c", "configure/c<install/c",
			"join/c<configure/c,forget/id6", "label/c<join/c", grows(2, 3),
		}},
		{"a worker that is off is switched on", "a:manager b:worker", "a=manager b=off-worker", plan.Options{}, []string{
			"start/b", "connect/b<start/b", "partial",
		}},
		{"a machine that is off and not wanted goes", "a:manager", "a=manager b=off-worker", plan.Options{}, []string{
			"forget/id4", "delete/b<forget/id4",
		}},
		{"a half-finished join is finished", "a:manager b:worker", "a=manager b=fresh-worker", plan.Options{}, []string{"label/b"}},
		{"an expelled worker comes back", "a:manager b:worker", "a=manager b=expelled", plan.Options{}, []string{"join/b", "label/b<join/b"}},
		{"silence is not absence", "a:manager", "a=manager b=worker/silent", plan.Options{}, []string{
			"blocked: b is to go, and cannot be asked: no route to host",
		}},
		{"a silent worker is waited for", "a:manager b:worker", "a=manager b=idle/silent", plan.Options{}, []string{
			"connect/b", "install/b<connect/b", "configure/b<install/b", "join/b<configure/b", "label/b<join/b",
		}},
		{"an unmarked member is adopted", "a:manager b:worker", "a=manager b=worker/unmarked", plan.Options{}, []string{"adopt: label/b"}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestDiffWithoutASwarm(t *testing.T) {
	chain := func(n string) []string {
		return []string{
			"create/" + n, fmt.Sprintf("connect/%s<create/%[1]s", n), fmt.Sprintf("install/%s<connect/%[1]s", n),
			fmt.Sprintf("configure/%s<install/%[1]s", n),
		}
	}
	for _, tt := range []diffCase{
		{"from nothing", "a:manager b:worker", "", plan.Options{}, append(append(append(chain("a"),
			"init/a<configure/a", "label/a<init/a"), chain("b")...), "join/b<configure/b,init/a", "label/b<join/b")},
		{"managers join at once", "a:manager b:manager c:manager", "a=idle b=idle c=idle", plan.Options{}, []string{
			"init/a", "label/a<init/a", "join/b<init/a", "label/b<join/b", "join/c<init/a", "label/c<join/c",
		}},
		{"a manager that does not answer may hold the swarm", "a:manager b:manager", "a=idle b=idle/silent", plan.Options{}, []string{
			"blocked: no swarm is made while b may hold one: no route to host",
		}},
		{"so may a machine that left the file", "a:manager", "a=idle b=idle/silent", plan.Options{}, []string{
			"blocked: no swarm is made while b may hold one: no route to host",
		}},
		{"a worker that does not answer holds nobody up", "a:manager b:worker", "a=idle b=idle/silent", plan.Options{}, []string{
			"init/a", "label/a<init/a", "connect/b", "install/b<connect/b", "configure/b<install/b", "join/b<configure/b,init/a", "label/b<join/b",
		}},
		{"what is off is switched on before anything is decided", "a:manager b:worker", "a=off-manager b=off-worker", plan.Options{}, []string{
			"start/a", "connect/a<start/a", "start/b", "connect/b<start/b", "partial",
		}},
		{"workers of a swarm whose managers are not in the file", "x:manager b:worker", "x=idle b=worker/existing a=lost-manager", plan.Options{}, []string{
			"refused: b is in a swarm whose managers (10.0.0.97:2377) are not in the file: a second swarm would be born",
		}},
		{"workers whose managers do not answer", "a:manager b:worker", "a=manager/silent b=worker", plan.Options{}, []string{
			"blocked: b is in a swarm whose managers (10.0.0.97:2377) did not answer",
		}},
		{"a swarm without a quorum", "a:manager b:manager", "a=manager b=manager/silent c=lost-manager d=lost-manager", plan.Options{}, []string{
			"blocked: the swarm lost its quorum: 1 of its 4 managers work, 3 are needed; missing: 10.0.0.100, b (10.0.0.98: no route to host), 10.0.0.99",
		}},
		{"two swarms", "a:manager b:worker", "a=manager b=idle c=manager/foreign", plan.Options{}, []string{
			"refused: c is in another swarm (other)",
		}},
		{"machines of the name and none in the file", "x:manager", "a=idle b=idle", plan.Options{}, []string{
			"refused: cluster demo has machines (a-1, b-3) and none of them is a node of the file",
		}},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestDiffOfATeardown(t *testing.T) {
	down := plan.Options{Teardown: true}
	for _, tt := range []diffCase{
		{"machines of ours go at once", "a:manager b:worker", "a=manager b=worker c=idle", down, []string{
			"delete/a-1", "delete/b-3", "delete/c-5", "clean<delete/a-1,delete/b-3,delete/c-5",
		}},
		{"others leave, workers first", "a:manager b:worker", "a=manager/existing b=worker/existing", down, []string{
			"leave/b", "unconfigure/b<leave/b", "leave/a~leave/b", "unconfigure/a<leave/a",
			"clean<leave/b,unconfigure/b,leave/a,unconfigure/a",
		}},
		{"a host that is in no swarm is left alone", "a:manager b:worker", "a=manager/existing b=idle/existing", down, []string{
			"leave/a", "unconfigure/a<leave/a", "clean<leave/a,unconfigure/a",
		}},
		{"nothing is there", "a:manager", "", down, nil},
	} {
		t.Run(tt.name, tt.run)
	}
}

func TestProtectForbidsTeardown(t *testing.T) {
	f := file("a:manager")
	f.Protect = true
	p := plan.Diff(f, world("a=manager").observe(), plan.Options{Teardown: true})
	if got, want := short(p), "refused: cluster demo is protected"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPinnedSwarmIsNeverMadeAnew(t *testing.T) {
	f := file("a:manager")
	f.Swarm.ID = "pinned"
	for have, want := range map[string]string{
		"a=idle":    "refused: the file pins swarm pinned, and no host is in it",
		"a=manager": "refused: the managers are in swarm swarm0 and the file pins pinned",
	} {
		if got := short(plan.Diff(f, world(have).observe(), plan.Options{})); got != want {
			t.Errorf("%s: got %q, want %q", have, got, want)
		}
	}
}

// An init that was cut off goes on in the engine: what comes of it decides.
func TestAHostOnItsWayIntoASwarmIsWaitedFor(t *testing.T) {
	for _, state := range []engine.State{engine.Pending, engine.Active} {
		st := world("a=idle").observe()
		st.Hosts[0].Info.State = state
		if got, want := short(plan.Diff(file("a:manager"), st, plan.Options{})), "blocked: a is on its way into a swarm"; got != want {
			t.Errorf("%s: got %q, want %q", state, got, want)
		}
	}
}
