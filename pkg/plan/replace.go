package plan

import (
	"fmt"
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// givesWay says whether a node of the file is planned for with the removal of
// its old host, or not at all as long as that is not possible.
func (l *liveDiff) givesWay(p pair) bool {
	works, waits := false, false
	for _, v := range l.leavers {
		if v.host.Node == p.node.Name {
			works = works || v.works
			waits = waits || v.stays && (p.host == nil || !v.host.Machine.Owned)
		}
	}
	if waits {
		l.hold(p)
	}
	return works || waits
}

// cleared gives the steps after which old hosts of a node are out of the way,
// where that has to come first; nil for none.
func (l *liveDiff) cleared(node string) (gone []string) {
	for _, v := range l.leavers {
		if v.host.Node == node {
			gone = append(gone, v.gone)
		}
	}
	return edges(gone)
}

// destroy plans the end of a machine of ours that has no working part in the
// swarm and gives way to another. The machine goes first, so that nothing of it
// goes on at work that the swarm has given up.
func (l *liveDiff) destroy(v *leaver, e *engine.Node) {
	h, name := v.host, v.host.Node
	if e != nil && e.State != "down" {
		v.stays = true
		l.because(h, "run again once the swarm calls it down, as it does of a machine that is switched off",
			"%s is to be replaced, cannot be asked to leave (%s), and is %s to the swarm", name, h.state(), e.State)
		return
	}
	v.gone = l.add(Step{ID: "delete/" + l.key(h), Action: Delete, Node: name, Machine: h.Machine.Name, Why: v.why})
	if e != nil {
		l.forget(*e, name, "its machine is replaced")
		s := &l.steps[len(l.steps)-1]
		s.After = edges(append(s.After, v.gone))
		v.gone = s.ID
	}
}

// state says in a few words why a host is no working member.
func (h Host) state() string {
	switch {
	case h.Answer != Answered:
		return h.reason()
	case h.Engine != EngineRunning:
		return "its engine is " + string(h.Engine)
	}
	return "its membership is " + string(h.Info.State)
}

// replacements plans, one after the other, those whose old host is the leader,
// or all others.
func (l *liveDiff) replacements(leader bool, buried map[string][]string) {
	for _, v := range l.leavers {
		if !v.works || leads(v.entry) != leader {
			continue
		}
		for _, p := range l.pairs {
			if p.node.Name == v.host.Node {
				l.replace(v, p, buried[p.node.Name])
			}
		}
	}
}

// replace plans one replacement: the new host comes in, then the old one goes.
// Before anything is made the old one's entry is marked, so that a run that is
// cut off is carried on by the next one.
func (l *liveDiff) replace(v *leaver, p pair, before []string) {
	manages := v.entry.Manager != nil || p.node.Role == spec.Manager
	switch {
	case manages && l.held(l.key(v.host)):
		return
	case slices.ContainsFunc(l.leavers, func(o *leaver) bool { return o.stays && o.host.Node == p.node.Name }):
		return // the other one is blocked, with the reason
	case !v.host.Machine.Owned && p.host.Answer != Answered:
		// Only the host itself can say that it is another one than the old.
		l.because(*p.host, "run again once it answers", "%s stays at its old address until it answers at the new one: %s", p.node.Name, p.host.reason())
		l.hold(p)
		return
	}
	gate := append([]string{l.replaced}, l.cleared(p.node.Name)...)
	if manages {
		gate = append(gate, l.beforeShrinking()...)
	}
	if !v.marked {
		gate = []string{l.add(Step{
			ID: "mark/" + l.key(v.host), Action: Mark, Node: p.node.Name, Role: p.node.Role, Machine: v.host.Machine.Name,
			Member: v.entry.ID, Why: "to be replaced", After: gate, Behind: []string{l.left},
		})}
	}
	raft := l.managers
	in, ok := l.enter(p, v.entry.ID, before, gate)
	if !ok {
		v.stays = true
		l.block(p.node.Name, "", "the old machine of %s stays until the new one is a member", p.node.Name)
		return
	}
	if l.managers > raft && raft < 3 {
		l.notes = append(l.notes, Finding{Node: p.node.Name, Text: fmt.Sprintf(
			"while %s is replaced the swarm has %d managers, and the loss of one stops its control plane", p.node.Name, l.managers)})
	}
	l.removeMember(v.host, v.entry, v.why, in)
	l.replaced = l.steps[len(l.steps)-1].ID
	if v.entry.Manager != nil {
		l.managers--
	}
}

// enter plans what makes the new host a member, and returns the steps after
// which it is. It takes over what others have put on the entry of the old one. ok
// is false where it cannot become a member.
func (l *liveDiff) enter(p pair, of string, before, gate []string) (in []string, ok bool) {
	from := len(l.steps)
	l.nodeAfter(p, before, gate)
	labelled := false
	for i := range l.steps[from:] {
		s := &l.steps[from+i]
		in = append(in, s.ID)
		labelled = labelled || s.Action == Label
		if s.Action == Join || s.Action == Label {
			s.Formerly = of
		}
	}
	if labelled || p.member() && (len(in) > 0 || p.entry.State == "ready") {
		return slices.Concat(in, gate), true
	}
	return nil, false
}

// nodeAfter plans for one node of the file, with nothing before the gate.
func (l *liveDiff) nodeAfter(p pair, before, gate []string) {
	from := len(l.steps)
	l.node(p, before)
	l.gate(from, gate)
}

// gate has the steps that were added wait for others.
func (d *differ) gate(from int, gate []string) {
	for i := from; i < len(d.steps); i++ {
		if s := &d.steps[i]; len(s.After) == 0 || s.Action == Join {
			s.After = edges(slices.Concat(s.After, gate))
		}
	}
}

// clear deletes, where there is no swarm yet, the machine that a node's new one
// takes the place of; nil where there is none.
func (d *differ) clear(node string) []string {
	v := d.leaverOf(node)
	if v == nil || !v.host.Machine.Owned {
		return nil
	}
	return []string{d.add(Step{ID: "delete/" + v.host.Machine.Name, Action: Delete, Node: node, Machine: v.host.Machine.Name, Why: v.why})}
}
