package plan

import (
	"fmt"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// turn says when the nodes of the file are planned for: managers first, since they
// have to work before others are added; then those of them that move, one after
// the other and the leader last; then all others.
func turn(p pair) int {
	switch {
	case p.entry == nil || p.entry.Manager == nil:
		return 3
	case relocates(p) && leads(p.entry):
		return 2
	case relocates(p):
		return 1
	}
	return 0
}

// relocates says whether a member is at rest in the swarm, but known by an address
// that it does not have any more: it leaves, and joins by the one that it has.
func relocates(p pair) bool {
	if p.entry == nil || p.host == nil || p.host.Answer != Answered || p.host.Engine != EngineRunning {
		return false
	}
	e, h := p.entry, p.host
	flux := e.State == "unknown" || (e.Role == string(spec.Manager)) != (e.Manager != nil)
	return h.Info.State == engine.Active && !flux && movedFrom(p) != ""
}

// rejoin is the way out of a member and its way in again. What its entry had of
// others than swarmup comes along.
func (l *liveDiff) rejoin(p pair, ready string, before []string) {
	e := p.entry
	why := fmt.Sprintf("%s: from %s to %s", Moved, movedFrom(p), p.place())
	s := Step{Node: p.node.Name, Role: spec.Role(e.Role), Machine: machineOf(p.host), Member: e.ID}
	out, ok := l.leavesAfter(p, why)
	if !ok {
		l.relabel(p, "")
		return
	}
	s.Why, s.After, s.Behind = why, append(out, ready), []string{l.left}
	var last string
	if e.Availability != string(spec.Drain) || e.Labels[MarkBefore] != "" {
		s.Action, s.Return = Drain, true
		last = l.add(s)
		s.Why, s.Behind, s.Return, s.After = "", nil, false, []string{last}
	}
	// The others do not reach a manager that has moved, so that it never learns of
	// its demotion (seen on Engine 28.5): theirs is the view that counts.
	s.Force = p.host.mayManage()
	if e.Manager != nil {
		s.Action = Demote
		last = l.add(s)
		s.Why, s.Behind, s.After = "", nil, []string{last}
	}
	s.Action = Leave
	last = l.add(s)
	s.Why, s.Behind = "", nil
	s.ID, s.Action, s.Force, s.After = "forget/"+e.ID, Forget, false, []string{last}
	last = l.add(s)
	if e.Manager != nil {
		l.managers--
		l.rejoined++
		l.buried = append(l.buried, last)
	}
	l.join(Step{
		Action: Join, Node: s.Node, Role: p.node.Role, Machine: s.Machine, Formerly: e.ID, Return: true, After: append([]string{last, l.meshed}, before...),
	}, p)
	l.left = "join/" + s.Node
	if e.Manager != nil {
		l.lost = l.left
	}
}

// leavesAfter gives the steps that a member waits for before it leaves; not ok where it
// cannot be spared now, or could not come back.
func (l *liveDiff) leavesAfter(p pair, why string) (after []string, ok bool) {
	e, left := p.entry, l.managers
	if e.Manager != nil {
		left--
	}
	if p.node.Role == spec.Manager && l.fragile(left) {
		l.blockIncomplete(p)
		return nil, false
	}
	if e.Manager == nil {
		return nil, true
	}
	lacks := l.spare(*e)
	if lacks == "" && l.demoting() && len(l.missing) > 0 {
		lacks = "a demotion is under way, and managers are missing"
	}
	switch {
	case l.demoting() && len(l.missing) == 0:
		l.partial = true // one at a time
		return nil, false
	case lacks != "":
		l.fixed = append(l.fixed, Finding{
			Node: p.node.Name, Hint: "let the swarm have enough managers that are reached, and run again",
			Text: fmt.Sprintf("%s is to leave and join again (%s), and stays: %s", p.node.Name, why, lacks),
		})
		return nil, false
	}
	return l.beforeShrinking(), true
}

// wait has managers that cannot be spared now stay where they are, until others
// have joined.
func (l *liveDiff) wait() {
	if len(l.grown) > l.rejoined {
		l.partial = l.partial || len(l.fixed) > 0
		return
	}
	l.blocked = append(l.blocked, l.fixed...)
}
