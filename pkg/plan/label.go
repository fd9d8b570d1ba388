package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Labels is what a node's entry in the swarm shall carry.
type Labels struct {
	Cluster string
	Node    spec.Node
	// SSH (user@address:port, "via" jump hosts) and HostKey are how the host was reached; ""
	// leaves the marks as they are.
	SSH, HostKey string
	// Formerly is the entry that the node had before it left and joined again;
	// or that of the machine whose place it takes; nil for none. Where it was
	// drained for that, or is another machine, its Availability is "".
	Formerly *engine.Node
}

// Apply changes an entry into what it shall be: the file's labels, our marks
// and the availability. Labels that are not ours stay. It does nothing to an
// entry that is right already.
func (l Labels) Apply(s *engine.NodeSpec) {
	first := s.Labels[MarkNode] == ""
	labels := l.inherited(first)
	maps.Copy(labels, s.Labels)
	for _, k := range strings.Split(labels[MarkOwned], ",") {
		if _, ok := l.Node.Labels[k]; !ok && k != "" {
			delete(labels, k)
		}
	}
	maps.Copy(labels, l.Node.Labels)
	labels[MarkCluster], labels[MarkNode] = l.Cluster, l.Node.Name
	set(labels, MarkSSH, l.SSH)
	set(labels, MarkHostKey, l.HostKey)
	if owned := slices.Sorted(maps.Keys(l.Node.Labels)); len(owned) > 0 {
		labels[MarkOwned] = strings.Join(owned, ",")
	} else {
		delete(labels, MarkOwned)
	}
	s.Labels = labels
	switch {
	case labels[MarkBefore] != "": // it is drained for a while: see Restore
	case l.Node.Availability != "":
		s.Availability = string(l.Node.Availability)
	case first && s.Availability == string(spec.Pause): // the end of a join
		s.Availability = string(spec.Active)
		if l.Formerly != nil && l.Formerly.Availability != "" {
			s.Availability = l.Formerly.Availability
		}
	}
}

// inherited are the labels of an entry's former life that are not swarmup's own.
func (l Labels) inherited(first bool) map[string]string {
	out := map[string]string{}
	if l.Formerly == nil || !first {
		return out
	}
	owned := strings.Split(l.Formerly.Labels[MarkOwned], ",")
	for k, v := range l.Formerly.Labels {
		if !strings.HasPrefix(k, "swarmup.") && !slices.Contains(owned, k) {
			out[k] = v
		}
	}
	return out
}

// Withdraw drains a node for a while: what it was before is noted in the same
// update, so that it gets it back whatever happens meanwhile. One that is withdrawn
// already keeps its note.
func Withdraw(s *engine.NodeSpec) {
	if s.Labels[MarkBefore] == "" {
		s.Labels[MarkBefore] = s.Availability
	}
	s.Availability = string(spec.Drain)
}

// Restore ends what Withdraw began, and does nothing to others. What the file says
// comes first; then what somebody has set meanwhile; then what was before.
func (l Labels) Restore(s *engine.NodeSpec) {
	before := s.Labels[MarkBefore]
	if before == "" {
		return
	}
	delete(s.Labels, MarkBefore)
	switch spec.Availability(before) {
	case spec.Active, spec.Pause, spec.Drain:
	default:
		before = string(spec.Active)
	}
	switch {
	case l.Node.Availability != "":
		s.Availability = string(l.Node.Availability)
	case s.Availability == string(spec.Drain):
		s.Availability = before
	}
}

// Leaves gives what changes the entry of a node into that of a machine which
// another takes the place of. It says also whose it is: without its machine
// nobody could tell any more.
func Leaves(cluster, node, machine string) func(*engine.NodeSpec) {
	return func(s *engine.NodeSpec) {
		labels := map[string]string{}
		maps.Copy(labels, s.Labels)
		labels[MarkCluster], labels[MarkNode], labels[MarkLeaving] = cluster, node, machine
		s.Labels = labels
	}
}

func set(m map[string]string, k, v string) {
	if v != "" {
		m[k] = v
	}
}

// changes lists what Apply would change about an entry, sorted by name.
func (l Labels) changes(e engine.Node) []Change {
	s := engine.NodeSpec{Labels: e.Labels, Role: e.Role, Availability: e.Availability}
	l.Apply(&s)
	var out []Change
	keys := map[string]bool{}
	for k := range e.Labels {
		keys[k] = true
	}
	for k := range s.Labels {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		from, had := e.Labels[k]
		to, has := s.Labels[k]
		if from != to || had != has {
			out = append(out, Change{What: "label " + k, From: from, To: to})
		}
	}
	if e.Availability != s.Availability {
		out = append(out, Change{What: "availability", From: e.Availability, To: s.Availability})
	}
	return out
}

// adopts says whether changes do nothing but mark a member that has no mark yet:
// one that joined by other hands than ours.
func adopts(e engine.Node, changes []Change) bool {
	return e.Labels[MarkNode] == "" && e.Labels[MarkCluster] == "" && !slices.ContainsFunc(changes, func(c Change) bool {
		name, label := strings.CutPrefix(c.What, "label ")
		return !label || !slices.Contains([]string{MarkCluster, MarkNode, MarkSSH, MarkHostKey, MarkOwned}, name)
	})
}

// relabel plans the update of a member's entry, where it needs one, once the
// swarm is at rest about it.
func (l *liveDiff) relabel(p pair, ready string) {
	want := Labels{Cluster: l.want.Name, Node: p.node, SSH: p.host.SSH, HostKey: p.host.HostKey}
	changes := want.changes(*p.entry)
	if len(changes) == 0 {
		return
	}
	if adopts(*p.entry, changes) {
		l.adopted = append(l.adopted, Step{
			ID: "label/" + p.node.Name, Action: Label, Node: p.node.Name, Role: p.node.Role, Machine: machineOf(p.host),
			Member: p.entry.ID, Why: "it is a member already", After: l.resting(ready),
		})
		return
	}
	why := ""
	if was := p.entry.Labels[MarkNode]; was != "" && was != p.node.Name {
		why = "was " + was
	}
	l.add(Step{
		Action: Label, Node: p.node.Name, Role: p.node.Role, Machine: machineOf(p.host),
		Member: p.entry.ID, Changes: changes, Why: why, After: l.resting(ready),
	})
}
