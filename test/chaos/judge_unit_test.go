package chaos

import (
	"slices"
	"strings"
	"testing"
)

// asItShallBe is a world in which nothing is wrong: a manager and a worker.
func asItShallBe() (shape, world) {
	want := shape{{name: "m", role: manager, zone: "a"}, {name: "w", role: worker, tier: "fast", availability: "drain"}}
	var w world
	var entries []entry
	for _, m := range want {
		s := seen{machine: machine{name: "chaos-" + m.name, node: m.name, state: "running"}, files: []string{"daemon.json"}}
		s.info.Name, s.info.Labels = m.name, engineLabels(m)
		s.info.Swarm.NodeID, s.info.Swarm.LocalNodeState = "id-"+m.name, "active"
		s.cert = cert{"swarm", "id-" + m.name, m.role}
		e := entry{ID: "id-" + m.name}
		e.Spec.Role, e.Spec.Availability = m.role, "active"
		e.Spec.Labels = map[string]string{"swarmup.cluster": "c", "swarmup.node": m.name, "swarmup.ssh": "x", "swarmup.hostkey": "y"}
		if m.zone != "" {
			e.Spec.Labels["zone"], e.Spec.Labels["swarmup.owned"] = m.zone, "zone"
		}
		e.Description.Hostname, e.Description.Engine.Labels = m.name, label("tier", m.tier)
		e.Status.State = "ready"
		if m.availability != "" {
			e.Spec.Availability = m.availability
		}
		w.machines, entries = append(w.machines, s), append(entries, e)
		w.volumes = append(w.volumes, s.name, s.name)
	}
	lead := &w.machines[0]
	lead.tasks, lead.info.Swarm.ControlAvailable, lead.info.Swarm.Cluster.ID = 2, true, "swarm"
	entries[0].ManagerStatus = &struct {
		Leader       bool
		Reachability string
	}{true, "reachable"}
	lead.nodes, w.networks = entries, []string{"swarmup-chaos"}
	return want, w
}

func TestTheJudgeFindsNothingWhereAllIsWell(t *testing.T) {
	if want, w := asItShallBe(); len(judge(want, w, 2)) > 0 {
		t.Error(judge(want, w, 2))
	}
}

func TestTheJudgeFindsEveryKindOfHarm(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		harm       func(*world)
	}{
		{"a second swarm", "swarms: [other swarm]", func(w *world) { w.machines[1].cert.cluster = "other" }},
		{"a host that is out of the swarm", "w: it is inactive", func(w *world) { w.machines[1].info.Swarm.LocalNodeState = "inactive" }},
		{"a machine that is off", "w: its machine is exited", func(w *world) { w.machines[1].state = "exited" }},
		{"no machine", "w has 0 machines", func(w *world) { w.machines = w.machines[:1] }},
		{"one machine too many", "w has 2 machines", func(w *world) { w.machines = append(w.machines, w.machines[1]) }},
		{"a machine that never started", "chaos-x (created) is not in the file", func(w *world) {
			w.machines = append(w.machines, seen{machine: machine{name: "chaos-x", node: "x", state: "created"}})
		}},
		{"a ghost", `m shows "" (ghost, unknown), which no machine is`, func(w *world) {
			e := entry{ID: "ghost"}
			e.Status.State = "unknown"
			w.machines[0].nodes = append(w.machines[0].nodes, e)
		}},
		{"an entry that is down", "m shows w: it is down", func(w *world) { w.machines[0].nodes[1].Status.State = "down" }},
		{"a missing entry", "m shows 1 nodes, want 2", func(w *world) { w.machines[0].nodes = w.machines[0].nodes[:1] }},
		{"a manager that sees nothing", "m shows 0 nodes, want 2", func(w *world) { w.machines[0].nodes = nil }},
		{"a wrong role", "m shows w: it is to be a manager", func(w *world) { w.machines[0].nodes[1].Spec.Role = manager }},
		{"a role half taken away", "w: its certificate is of a manager", func(w *world) { w.machines[1].cert.role = manager }},
		{"an unreachable manager", "it is not reachable as a manager", func(w *world) { w.machines[0].nodes[0].ManagerStatus.Reachability = "unreachable" }},
		{"no leader", "m shows 0 leaders", func(w *world) { w.machines[0].nodes[0].ManagerStatus.Leader = false }},
		{"a wrong label", "it has labels map[zone:b], want map[zone:a]", func(w *world) { w.machines[0].nodes[0].Spec.Labels["zone"] = "b" }},
		{"a mark that was to go again", "it is marked with", func(w *world) { w.machines[0].nodes[1].Spec.Labels["swarmup.leaving"] = "1" }},
		{"a wrong availability", "it is active, want drain", func(w *world) { w.machines[0].nodes[1].Spec.Availability = "active" }},
		{"a wrong engine label", "w: its engine has labels [tier=slow], want [tier=fast]", func(w *world) { w.machines[1].info.Labels = []string{"tier=slow"} }},
		{"an engine label that managers do not show", "it has engine labels map[], want map[tier:fast]", func(w *world) { w.machines[0].nodes[1].Description.Engine.Labels = nil }},
		{"a file that was to go again", "/etc/docker/daemon.json.new is there", func(w *world) { w.machines[1].files = []string{"daemon.json.new"} }},
		{"a lock of nobody", "m: a lock is left: [swarmup-lock]", func(w *world) { w.machines[0].locks = []string{"swarmup-lock"} }},
		{"a volume of nobody", "a volume of chaos-gone is there, which is gone", func(w *world) { w.volumes = append(w.volumes, "chaos-gone") }},
		{"two networks", "networks: [a b]", func(w *world) { w.networks = []string{"a", "b"} }},
		{"a replica too few", "1 containers of the probe service run, of 2", func(w *world) { w.machines[0].tasks = 1 }},
		{"a task on a drained node", "w: drained, and runs 1 tasks", func(w *world) { w.machines[1].tasks = 1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want, w := asItShallBe()
			tt.harm(&w)
			wrong := judge(want, w, 2)
			if !slices.ContainsFunc(wrong, func(s string) bool { return strings.Contains(s, tt.want) }) {
				t.Errorf("got %q, want %q", wrong, tt.want)
			}
		})
	}
}
