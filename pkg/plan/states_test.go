package plan_test

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// explained is short, with the reasons of steps and without their edges.
func explained(p plan.Plan) string {
	var out []string
	for _, s := range p.Steps {
		if s.Action == plan.Verify || s.Action == plan.Sweep && s.Maybe {
			continue
		}
		line := s.ID
		if s.Why != "" {
			line += " (" + s.Why + ")"
		}
		out = append(out, line)
	}
	p.Steps = nil
	if rest := short(p); rest != "" {
		out = append(out, rest)
	}
	return strings.Join(out, "\n")
}

func TestEverySituationHasItsAction(t *testing.T) {
	for _, tt := range []sceneCase{
		{"no engine", func(s *scene) { s.out(); s.drop(); s.n.Engine = plan.EngineAbsent }, []string{"install/n", "configure/n", "join/n", "label/n"}},
		{"an engine that is stopped", func(s *scene) { s.n.Engine, s.n.Info, s.en.State = plan.EngineStopped, engine.Info{}, "down" }, []string{"configure/n (its engine is stopped)"}},
		{"inactive", func(s *scene) { s.out(); s.drop() }, []string{"join/n", "label/n"}},
		{"a ghost", func(s *scene) { s.out(); s.en.State = "down" }, []string{"forget/id-n (ghost: its machine has a new life)", "join/n", "label/n"}},
		{"an orphan join", func(s *scene) { s.add(engine.Node{ID: "o", Role: "worker", State: "unknown"}) }, []string{"sweep (1 entries of joins that never finished)"}},
		{"joining", func(s *scene) { s.n.Info.State, s.en.Hostname, s.en.State = engine.Pending, "", "unknown" }, []string{"join/n (joining: a join is under way)", "label/n"}},
		{"removed while away", func(s *scene) { s.drop(); s.n.Info.State = engine.Pending }, []string{"join/n (removed while away: the swarm removed it while its engine was not running)", "label/n"}},
		{"a join that failed", func(s *scene) {
			s.out()
			s.drop()
			s.n.Info.State, s.n.Info.Error = engine.Failed, "Timeout was reached"
		}, []string{"join/n (join failed: Timeout was reached)", "label/n"}},
		{"a certificate that has expired", func(s *scene) { s.n.Info.State, s.n.Cert.Expires = engine.Failed, today().AddDate(0, 0, -1) }, []string{
			"forget/id-n (certificate expired: its certificate has expired (2026-04-30 12:00 UTC))", "join/n (certificate expired: its certificate has expired (2026-04-30 12:00 UTC))", "label/n",
		}},
		{"all managers' certificates have expired", func(s *scene) {
			s.unseen()
			s.m.Info = engine.Info{State: engine.Failed, NodeID: "id-m"}
			s.m.Cert.Expires = today().AddDate(0, 0, -1)
			s.have.Hosts, s.want = s.have.Hosts[:1], file("m:manager")
		}, []string{"blocked: m: certificate expired: its certificate has expired (2026-04-30 12:00 UTC), and no manager works that could let it in again"}},
		{"well", func(*scene) {}, nil},
		{"in another swarm", func(s *scene) { s.n.Cert.Cluster = "theirs" }, []string{"refused: n is in another swarm (theirs)"}},
		{"forgotten", func(s *scene) { s.drop() }, []string{"join/n (forgotten while running: the swarm removed it, and it runs on as if it were a member)", "label/n"}},
		{"a partition", func(s *scene) { s.en.State = "down" }, []string{"settle/n (partitioned: the swarm calls it down)"}},
		{"a partition, and labels", func(s *scene) { s.en.State, s.want.Nodes[1].Labels = "down", map[string]string{"a": "b"} }, []string{"settle/n (partitioned: the swarm calls it down)", "label/n"}},
		{"a machine that is gone", func(s *scene) {
			s.have.Hosts, s.want = s.have.Hosts[:1], file("m:manager")
			s.en.State = "down"
		}, []string{"forget/id-n (its machine is gone)"}},
		{"a leader that is new", func(s *scene) {
			s.em.State, s.en.State, s.want.Nodes[1].Availability = "unknown", "unknown", spec.Drain
		}, []string{"settle (leader just changed: the managers have yet to hear from m, n)", "partial"}},
		{"a demotion under way, wanted", func(s *scene) { s.third(); s.promoted(); s.en.Role, s.want.Nodes[1].Role = "worker", spec.Worker }, []string{"demote/n (demotion pending)"}},
		{"a demotion under way, not wanted", func(s *scene) { s.third(); s.promoted(); s.en.Role = "worker" }, []string{
			"settle/n (demotion pending: its demotion has not come to an end)", "promote/n",
		}},
		{"a demotion under way that costs the quorum", func(s *scene) {
			s.third()
			s.promoted()
			s.en.Role, s.want.Nodes[1].Role = "worker", spec.Worker
			s.have.Swarm.Nodes[2].Manager.Reachability = "unreachable"
		}, []string{"settle/o (unreachable manager: the other managers do not reach it)", "blocked: n stays a manager: 1 of the 2 other managers can be reached, and 2 are needed"}},
		{"not settled", func(s *scene) { s.n.Cert.Role = "manager" }, nil},
		{"not settled, and to be a manager", func(s *scene) { s.n.Cert.Role, s.want.Nodes[1].Role = "manager", spec.Manager }, []string{
			"settle/n (not settled: its certificate says manager still)", "promote/n", grows(1, 2),
		}},
		{"a promotion under way, wanted", func(s *scene) { s.en.Role, s.want.Nodes[1].Role = "manager", spec.Manager }, []string{"promote/n (promotion pending)", grows(1, 2)}},
		{"a promotion under way, not wanted", func(s *scene) { s.en.Role = "manager" }, []string{
			"settle/n (promotion pending: its promotion has not come to an end)", "demote/n (promotion pending)",
		}},
		{"no quorum", func(s *scene) { s.unseen() }, []string{"blocked: the swarm has no leader right now: 1 of its 1 managers work, and choose one"}},
		{"a manager that was removed", func(s *scene) { s.promoted(); s.drop(); s.n.Info.State, s.n.Info.ClusterID = engine.Pending, "" }, []string{
			"join/n (removed manager: the swarm does not count it, and it takes itself for a manager of it)", "label/n", grows(1, 2),
		}},
		{"a manager that was left behind when the swarm was made anew from another", func(s *scene) { s.promoted(); s.n.Info.ClusterID, s.en.Manager, s.en.State = "", nil, "down" }, []string{
			"leave/n (removed manager: the swarm does not count it, and it takes itself for a manager of it)",
			"forget/id-n (removed manager: the swarm does not count it, and it takes itself for a manager of it)",
			"join/n (removed manager: the swarm does not count it, and it takes itself for a manager of it)", "label/n", grows(1, 2),
		}},
		{"a removed manager of nobody knows which swarm", func(s *scene) { s.promoted(); s.drop(); s.n.Info.ClusterID, s.n.Cert.Cluster = "", "" }, []string{
			"blocked: n was removed from the swarm and still takes itself for a manager of it",
		}},
		{"a manager of a second swarm of the same ID", func(s *scene) { s.promoted(); s.en.Manager, s.en.State = nil, "down" }, []string{
			"blocked: n is a manager of a second swarm of the same ID, which has a leader of its own",
		}},
		{"a manager that is not reached", func(s *scene) { s.third(); s.promoted(); s.en.Manager.Reachability = "unreachable" }, []string{
			"settle/n (unreachable manager: the other managers do not reach it)",
		}},
		{"availability", func(s *scene) { s.want.Nodes[1].Availability = spec.Drain }, []string{"label/n"}},
		{"an engine that is too old", func(s *scene) { s.out(); s.drop(); s.n.Info.API = "1.39" }, []string{
			"blocked: n: engine too old: its engine speaks version 1.39 of the API, and 1.40 is the first that swarmup does",
		}},
		{"live-restore", func(s *scene) { s.out(); s.drop(); s.n.Info.LiveRestore = true }, []string{"refused: the engine of n has live-restore, which cannot be in a swarm"}},
		{"live-restore of a member", func(s *scene) { s.n.Info.LiveRestore = true }, []string{"note: its engine has live-restore, with which it would not start again as a member"}},
		{"a worker that has moved", func(s *scene) { s.n.Info.NodeAddr = "10.0.0.77" }, []string{
			"drain/n (moved: from 10.0.0.77 to 10.0.0.2)", "leave/n", "forget/id-n", "join/n", "label/n",
		}},
		{"a manager that has moved", func(s *scene) { s.third(); s.promoted(); s.n.Info.NodeAddr = "10.0.0.77" }, []string{
			"drain/n (moved: from 10.0.0.77 to 10.0.0.2)", "demote/n", "leave/n", "forget/id-n", "join/n", "label/n",
		}},
		{"the only manager has moved", func(s *scene) { s.m.Info.NodeAddr = "10.0.0.77" }, []string{
			"blocked: m is to leave and join again (moved: from 10.0.0.77 to 10.0.0.1), and stays: it is the only manager",
		}},
		{"a stranger", func(s *scene) { s.add(engine.Node{ID: "x", Hostname: "x", Role: "worker", State: "ready"}) }, []string{"note: x (x) is a worker of the swarm that is not in the file"}},
		{"an engine that hangs", func(s *scene) { s.n.Answer, s.n.Hung, s.n.Why = plan.Silent, true, "no answer" }, []string{"connect/n (no answer)", "install/n", "configure/n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.breaks(s)
			if got, want := explained(plan.Diff(s.want, s.have, plan.Options{})), strings.Join(tt.want, "\n"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// third adds a manager o that is as it should be.
func (s *scene) third() {
	s.want = file("m:manager n:worker o:manager")
	o, e := *s.m, *s.em
	o.Node, o.Machine.Name, o.Machine.Address, o.SSH, o.HostKey = "o", "demo-o", "10.0.0.3", "root@10.0.0.3", "SHA256:o"
	o.Info.EngineID, o.Info.Hostname, o.Info.NodeID, o.Info.NodeAddr, o.Cert.Node = "engine-o", "o", "id-o", "10.0.0.3", "id-o"
	o.Addresses = nil
	e.ID, e.Hostname, e.Addr = "id-o", "o", "10.0.0.3"
	e.Manager = &engine.ManagerStatus{Reachability: "reachable", Addr: "10.0.0.3:2377"}
	e.Labels = map[string]string{plan.MarkCluster: "demo", plan.MarkNode: "o", plan.MarkSSH: "root@10.0.0.3", plan.MarkHostKey: "SHA256:o"}
	s.have.Hosts = append(s.have.Hosts, o)
	s.add(e)
	s.m, s.n = &s.have.Hosts[0], &s.have.Hosts[1]
	s.em, s.en = &s.have.Swarm.Nodes[0], &s.have.Swarm.Nodes[1]
}

// Of a host and the copy of its disk the copy is named, whichever stands first in
// the file: the swarm shows the name of one of them.
func TestACopyOfAMemberIsNamedAndNotTheMember(t *testing.T) {
	for _, shown := range []string{"n", "o"} {
		s := newScene()
		s.want = file("m:manager n:worker o:worker")
		o := *s.n
		o.Node, o.Machine.Name, o.Info.Hostname = "o", "demo-o", "o"
		s.have.Hosts, s.en.Hostname = append(s.have.Hosts, o), shown
		copied := map[string]string{"n": "o", "o": "n"}[shown]
		p := plan.Diff(s.want, s.have, plan.Options{})
		if len(p.Steps) > 0 || len(p.Refused) != 1 || p.Refused[0].Node != copied || !strings.Contains(p.Refused[0].Hint, "docker swarm leave") {
			t.Errorf("the swarm shows %s: got %+v, want %s refused", shown, p, copied)
		}
	}
}

func TestLabelsOfOthersComeAlongWhereAMemberJoinsAgain(t *testing.T) {
	old := &engine.Node{Availability: "drain", Labels: map[string]string{
		"theirs": "1", "ours": "1", "both": "old", plan.MarkOwned: "ours", plan.MarkNode: "n", plan.MarkSSH: "root@old",
	}}
	n := spec.Node{Name: "n", Labels: map[string]string{"both": "new"}}
	for _, tt := range []struct {
		name     string
		formerly *engine.Node
		now      engine.NodeSpec
		want     engine.NodeSpec
	}{
		{"a new entry", old, engine.NodeSpec{Availability: "pause"}, engine.NodeSpec{Availability: "drain", Labels: map[string]string{"theirs": "1", "both": "new"}}},
		{"it was drained for that", &engine.Node{Labels: old.Labels}, engine.NodeSpec{Availability: "pause"}, engine.NodeSpec{Availability: "active", Labels: map[string]string{"theirs": "1", "both": "new"}}},
		{"an entry that was labelled", old, engine.NodeSpec{Availability: "active", Labels: map[string]string{plan.MarkNode: "n"}}, engine.NodeSpec{Availability: "active", Labels: map[string]string{"both": "new"}}},
	} {
		got := tt.now
		plan.Labels{Cluster: "demo", Node: n, Formerly: tt.formerly}.Apply(&got)
		for k := range got.Labels {
			if strings.HasPrefix(k, "swarmup.") {
				delete(got.Labels, k)
			}
		}
		if got.Availability != tt.want.Availability || len(got.Labels) != len(tt.want.Labels) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
		for k, v := range tt.want.Labels {
			if got.Labels[k] != v {
				t.Errorf("%s: label %s is %q, want %q", tt.name, k, got.Labels[k], v)
			}
		}
	}
}
