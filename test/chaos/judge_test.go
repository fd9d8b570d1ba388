package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// judge says what of the world is not exactly as the file has it; nothing if all
// is well. replicas are those of the probe service; 0 is no service.
func judge(want shape, w world, replicas int) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	swarms := map[string]bool{}
	tasks := 0
	for _, s := range w.machines {
		m := want.find(s.node)
		if m == nil {
			add("%s (%s) is not in the file and exists", s.name, s.state)
			continue
		}
		for _, flaw := range s.flaws(*m) {
			add("%s: %s", s.node, flaw)
		}
		if s.cert.cluster != "" {
			swarms[s.cert.cluster] = true
		}
		if tasks += s.tasks; s.tasks > 0 && m.availability == "drain" {
			add("%s: drained, and runs %d tasks", s.node, s.tasks)
		}
		if m.role == manager {
			for _, flaw := range members(want, w, s.nodes) {
				add("%s shows %s", s.node, flaw)
			}
		}
	}
	if len(swarms) != 1 {
		add("swarms: %v", slices.Sorted(maps.Keys(swarms)))
	}
	if tasks != replicas {
		add("%d containers of the probe service run, of %d", tasks, replicas)
	}
	return append(wrong, leftovers(want, w)...)
}

// forgive takes locks out of sight: that of a run that was killed is taken
// over by the next one that finds anything to do, and lies there until then.
func (w *world) forgive() {
	for i := range w.machines {
		w.machines[i].locks = nil
	}
}

// flaws are about a machine alone, as its own engine shows it.
func (s seen) flaws(m member) (wrong []string) {
	add := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	if s.state != "running" {
		return []string{"its machine is " + s.state}
	}
	sw := s.info.Swarm
	// An engine that came back by itself goes on saying so, without an error.
	back := sw.LocalNodeState == "error" && sw.Error == ""
	add(sw.LocalNodeState == "active" || back, "it is %s %s", sw.LocalNodeState, sw.Error)
	add(sw.ControlAvailable == (m.role == manager), "it is a manager to itself: %t", sw.ControlAvailable)
	add(s.cert.role == m.role, "its certificate is of a %s", s.cert.role)
	add(s.cert.node == sw.NodeID, "its certificate is of node %s, it is %s", s.cert.node, sw.NodeID)
	add(m.role == worker || s.cert.cluster == sw.Cluster.ID, "its certificate is of swarm %s, it is in %s", s.cert.cluster, sw.Cluster.ID)
	add(len(s.locks) == 0, "a lock is left: %v", s.locks)
	add(s.info.Name == m.name, "its host name is %s", s.info.Name)
	add(slices.Equal(s.info.Labels, engineLabels(m)), "its engine has labels %v, want %v", s.info.Labels, engineLabels(m))
	for _, f := range s.files {
		add(slices.Contains(files(), f), "/etc/docker/%s is there", f)
	}
	return wrong
}

// files are those that may be in /etc/docker.
func files() []string {
	return []string{"daemon.json", "daemon.json.swarmup-bak", "swarmup.json", "key.json"}
}

func engineLabels(m member) []string {
	if m.tier == "" {
		return []string{}
	}
	return []string{"tier=" + m.tier}
}

// members compares the entries that a manager shows with the file and with the
// machines.
func members(want shape, w world, shown []entry) (wrong []string) {
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if len(shown) != len(want) {
		add("%d nodes, want %d", len(shown), len(want))
	}
	leaders := 0
	for _, e := range shown {
		if e.ManagerStatus != nil && e.ManagerStatus.Leader {
			leaders++
		}
		i := slices.IndexFunc(w.machines, func(s seen) bool { return s.info.Swarm.NodeID == e.ID })
		if i < 0 {
			add("%q (%s, %s), which no machine is", e.Description.Hostname, e.ID, e.Status.State)
			continue
		}
		if m := want.find(w.machines[i].node); m != nil {
			for _, flaw := range e.flaws(*m) {
				add("%s: %s", m.name, flaw)
			}
		}
	}
	if leaders != 1 {
		add("%d leaders", leaders)
	}
	return wrong
}

func (e entry) flaws(m member) (wrong []string) {
	add := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	availability := m.availability
	if availability == "" {
		availability = "active"
	}
	theirs, ours := map[string]string{}, []string{}
	for k, v := range e.Spec.Labels {
		if strings.HasPrefix(k, "swarmup.") {
			ours = append(ours, k)
		} else {
			theirs[k] = v
		}
	}
	slices.Sort(ours)
	marks := []string{"swarmup.cluster", "swarmup.hostkey", "swarmup.node", "swarmup.ssh"}
	if m.zone != "" {
		marks = slices.Insert(marks, 3, "swarmup.owned")
	}
	reachable := e.ManagerStatus != nil && e.ManagerStatus.Reachability == "reachable"
	add(e.Status.State == "ready", "it is %s", e.Status.State)
	add(e.Spec.Role == m.role, "it is to be a %s", e.Spec.Role)
	add(e.Spec.Availability == availability, "it is %s, want %s", e.Spec.Availability, availability)
	add(e.Description.Hostname == m.name, "its host name is %s", e.Description.Hostname)
	add(maps.Equal(theirs, label("zone", m.zone)), "it has labels %v, want %v", theirs, label("zone", m.zone))
	add(slices.Equal(ours, marks), "it is marked with %v, want %v", ours, marks)
	add(maps.Equal(e.Description.Engine.Labels, label("tier", m.tier)), "it has engine labels %v, want %v", e.Description.Engine.Labels, label("tier", m.tier))
	add((e.ManagerStatus != nil) == (m.role == manager), "it is a member of the raft group: %t", e.ManagerStatus != nil)
	add(m.role == worker || reachable, "it is not reachable as a manager")
	return wrong
}

func label(k, v string) map[string]string {
	if v == "" {
		return map[string]string{}
	}
	return map[string]string{k: v}
}

// leftovers are about what the engine outside has.
func leftovers(want shape, w world) (wrong []string) {
	count, exists := map[string]int{}, map[string]bool{}
	for _, s := range w.machines {
		count[s.node]++
		exists[s.name] = true
	}
	for _, m := range want {
		if count[m.name] != 1 {
			wrong = append(wrong, fmt.Sprintf("%s has %d machines", m.name, count[m.name]))
		}
	}
	for _, v := range w.volumes {
		if !exists[v] {
			wrong = append(wrong, fmt.Sprintf("a volume of %s is there, which is gone", v))
		}
	}
	if len(w.networks) != 1 {
		wrong = append(wrong, fmt.Sprintf("networks: %v", w.networks))
	}
	return wrong
}
