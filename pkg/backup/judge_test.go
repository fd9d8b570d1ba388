package backup_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/backup"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// world makes one of "a:leader b:reachable c:unreachable d:worker".
func world(members string) plan.State {
	st := plan.State{Swarm: &plan.View{ID: "ours", Via: "a", AutoLock: true}}
	for _, m := range strings.Fields(members) {
		name, is, _ := strings.Cut(m, ":")
		e := engine.Node{ID: "id-" + name, Hostname: name}
		h := plan.Host{Node: name, Answer: plan.Answered, Engine: plan.EngineRunning, EngineVersion: "28.5.2"}
		h.Info = engine.Info{State: engine.Active, NodeID: e.ID, NodeAddr: "at-" + name, ClusterID: "ours"}
		switch is {
		case "leader":
			e.Manager = &engine.ManagerStatus{Leader: true, Reachability: "reachable"}
		case "reachable":
			e.Manager = &engine.ManagerStatus{Reachability: "reachable"}
		case "unreachable":
			e.Manager = &engine.ManagerStatus{Reachability: "unreachable"}
			h.Answer = plan.Silent
		}
		st.Hosts, st.Swarm.Nodes = append(st.Hosts, h), append(st.Swarm.Nodes, e)
	}
	return st
}

func TestABackupIsTakenOfAManagerThatCanBeSpared(t *testing.T) {
	const three = "a:leader b:reachable c:reachable d:worker"
	for _, tt := range []struct {
		name, have string
		wish       backup.Wish
		want       string // the node, or a part of the refusal
	}{
		{"not of the leader", three, backup.Wish{}, "b"},
		{"of the one that is named", three, backup.Wish{Node: "c"}, "c"},
		{"of the leader only where that is allowed", three, backup.Wish{Node: "a"}, "a is the leader"},
		{"of the leader", three, backup.Wish{Node: "a", Downtime: true}, "a"},
		{"of no worker", three, backup.Wish{Node: "d"}, `"d" is no manager that works`},
		{"of none where one is missed already", "a:leader b:reachable c:unreachable", backup.Wish{}, "2 of 3 managers work: with one of them stopped"},
		{"unless that is allowed", "a:leader b:reachable c:unreachable", backup.Wish{Downtime: true}, "b"},
		{"of the only one where that is allowed", "a:leader", backup.Wish{Downtime: true}, "a"},
		{"of none of two", "a:leader b:reachable", backup.Wish{}, "2 of 2 managers work"},
		{"of one of five, with one missed", "a:leader b:reachable c:reachable e:reachable f:unreachable", backup.Wish{}, "b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := backup.Choose(&spec.Cluster{Name: "demo"}, world(tt.have), tt.wish)
			var refused *backup.RefusedError
			if err == nil && (m.Node != tt.want || m.NodeID != "id-"+tt.want || m.Address != "at-"+tt.want || m.SwarmID != "ours" || !m.Locked || m.Engine != "28.5.2") {
				t.Errorf("got %+v", m)
			}
			if err != nil && (!errors.As(err, &refused) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := backup.Choose(&spec.Cluster{}, plan.State{}, backup.Wish{}); err == nil {
		t.Error("took a backup of no swarm")
	}
}

func TestABackupIsRestoredOnlyWhereNoSwarmLives(t *testing.T) {
	bare := func(change func(*plan.Host)) plan.State {
		h := plan.Host{Node: "a", Answer: plan.Answered, Engine: plan.EngineRunning, EngineVersion: "28.5.2", Info: engine.Info{State: engine.Inactive}}
		h.Addresses = []preflight.Address{{Link: "eth0", Prefix: netip.MustParsePrefix("10.0.0.2/24")}}
		change(&h)
		return plan.State{Hosts: []plan.Host{h}}
	}
	same := func(*plan.Host) {}
	left := func(h *plan.Host) { h.Info = engine.Info{State: engine.Active, Manager: true} }
	for _, tt := range []struct {
		name  string
		have  plan.State
		node  string
		force bool
		want  string
	}{
		{"a bare host", bare(same), "a", false, ""},
		{"a swarm that lives", world("a:leader"), "a", true, "the swarm ours lives: by its manager a it has a leader"},
		{"another swarm that lives", bare(func(h *plan.Host) { h.Info.ClusterID = "theirs" }), "a", true, "a is in the swarm theirs, which lives"},
		{"a host in what is left of a swarm", bare(left), "a", false, "a is in a swarm (active)"},
		{"likewise, by force", bare(left), "a", true, ""},
		{"another address", bare(func(h *plan.Host) { h.Addresses = nil }), "a", false, "the backup is of a manager at 10.0.0.2, and a does not have that address"},
		{"an older engine", bare(func(h *plan.Host) { h.EngineVersion = "26.1.5" }), "a", false, "the backup is of engine 28.5.2, and a has the older 26.1.5"},
		{"a newer engine", bare(func(h *plan.Host) { h.EngineVersion = "29.0.0" }), "a", false, ""},
		{"no engine", bare(func(h *plan.Host) { h.Engine = plan.EngineAbsent }), "a", false, "the engine of a is absent"},
		{"a silent host", bare(func(h *plan.Host) { h.Answer, h.Why = plan.Silent, "no route" }), "a", false, "a cannot be asked: no route"},
		{"no host", bare(same), "b", false, `there is no machine of "b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := backup.MayRestore(manifest(), tt.have, tt.node, tt.force)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
