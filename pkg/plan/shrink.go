package plan

import (
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// removeDead takes away what has no working part in the swarm, before anything
// is added. It returns the hosts outside the file that do: workers first.
func (l *liveDiff) removeDead() []Host {
	var workers, managers []Host
	for _, h := range l.extras {
		e := l.entryOf(h)
		v := l.leaver(h)
		switch {
		case v != nil && h.works(e):
			v.entry, v.works = e, true
		case v != nil && h.Machine.Owned:
			l.destroy(v, e)
		case !h.works(e):
			before := len(l.blocked)
			l.removeDeadOne(h, e)
			if v != nil && len(l.blocked) > before {
				v.stays = true
			}
		case e.Manager == nil:
			workers = append(workers, h)
		default:
			managers = append(managers, h)
		}
	}
	return append(workers, managers...)
}

// works says whether a host is the member that the entry is of, and can be
// asked to leave.
func (h Host) works(e *engine.Node) bool {
	return e != nil && e.ID == h.nodeID() && h.Engine == EngineRunning && h.Info.State == engine.Active
}

// removeMembers plans the way out of those that are the leader, or of all others.
func (l *liveDiff) removeMembers(hosts []Host, leader bool) {
	for _, h := range hosts {
		e := l.entryOf(h)
		if e.Manager != nil && leads(e) == leader && (l.held(l.key(h)) || l.missed(l.key(h), *e)) {
			continue
		}
		if leads(e) == leader {
			l.removeMember(h, e, "it is not in the file", nil)
		}
	}
}

// manages says whether a member is a manager, or about to be one.
func manages(e engine.Node) bool { return e.Manager != nil || e.Role == string(spec.Manager) }

func leads(e *engine.Node) bool { return e.Manager != nil && e.Manager.Leader }

// entryOf is the swarm's entry of a host outside the file; nil for none.
func (d *differ) entryOf(h Host) *engine.Node {
	if e := d.find(h.nodeID()); e != nil {
		return e
	}
	if v := d.leaver(h); v != nil {
		return v.entry
	}
	for i, e := range d.entries {
		if o := d.hostOf(e); o != nil && o.Machine.Name == h.Machine.Name && o.Node == h.Node {
			return &d.entries[i]
		}
	}
	return nil
}

// removeDeadOne plans the way out of a host that cannot go by itself, or says
// what is in its way. What did not answer is not destroyed unasked.
func (l *liveDiff) removeDeadOne(h Host, e *engine.Node) {
	name, down := l.key(h), e == nil || e.State == "down"
	switch {
	case h.Answer == Answered && h.Info.State == engine.Locked:
		// It has to be a member again before it can leave as one.
		if l.unlockHost(h, "unlock/"+name, Step{Why: "it is not in the file", Behind: []string{l.keyStored}}) != "" {
			l.partial = true
		}
	case h.Answer == Answered && h.Info.Manager && e == nil:
		l.block(name, "leave the swarm on it by force by hand, if that is so", "%s is to go, and takes itself for a manager of a swarm that does not know it", name)
	case h.Answer == Answered && !down && h.member():
		l.block(name, "start its engine, or wait until the swarm calls it down, and run again", "%s is to go, and the swarm calls it %s while its engine is %s", name, e.State, h.Engine)
	case h.Answer == Answered, down && l.opt.Prune, down && h.Machine.Owned && h.Machine.Power != Running:
		l.removeQuietly(h, e)
	default:
		l.because(h, "run again once it answers; --prune gives it up once the swarm calls it down", "%s is to go, and cannot be asked: %s", name, h.reason())
	}
}

// removeMember is promise 7: drain, demote, leave, forget, delete. Capacity
// comes first, and a failure keeps the next manager from going.
func (l *liveDiff) removeMember(h Host, e *engine.Node, why string, after []string) {
	s := Step{Node: h.name(), Role: spec.Role(e.Role), Machine: h.Machine.Name, Member: e.ID, Why: why, After: after}
	id := func(a Action) string { return string(a) + "/" + l.key(h) }
	s.ID, s.Action = id(Drain), Drain
	s.Behind = append([]string{l.left}, l.capacity...)
	if e.Manager != nil {
		s.After = slices.Concat(after, l.beforeShrinking())
	}
	last := l.add(s)
	s.Why, s.Behind = "", nil
	if e.Manager != nil {
		s.ID, s.Action, s.After = id(Demote), Demote, []string{last}
		last = l.add(s)
	}
	s.ID, s.Action, s.After = id(Leave), Leave, []string{last}
	last = l.add(s)
	s.ID, s.Action, s.After = "forget/"+e.ID, Forget, []string{last}
	l.left = l.add(s)
	if e.Manager != nil {
		l.lost = l.left
	}
	l.dispose(h, l.left)
}

// beforeShrinking are the steps that must have succeeded before a manager may
// go: dead ones do not count any more, the others work, new ones are there, and
// the one before is gone.
func (l *liveDiff) beforeShrinking() []string {
	return slices.Concat([]string{l.lost}, l.buried, l.healed, l.grown)
}

// removeQuietly takes away what has no part in the swarm any more.
func (l *liveDiff) removeQuietly(h Host, e *engine.Node) {
	last := ""
	if h.Answer == Answered && h.member() {
		last = l.add(Step{ID: "leave/" + l.key(h), Action: Leave, Node: h.name(), Machine: h.Machine.Name, Why: "it is not in the file"})
	}
	if e != nil {
		l.forget(*e, h.name(), "its host is out of the swarm")
		l.steps[len(l.steps)-1].After = edges(append(l.steps[len(l.steps)-1].After, last))
		last = "forget/" + e.ID
	}
	l.dispose(h, last)
}

// dispose deletes a machine of ours, or takes back what we wrote on another's.
func (l *liveDiff) dispose(h Host, after string) {
	s := Step{Node: h.name(), Machine: h.Machine.Name, After: []string{after}}
	switch {
	case h.Machine.Owned:
		s.ID, s.Action = "delete/"+l.key(h), Delete
		if after == "" {
			s.Why = "it is not in the file"
		}
		l.add(s)
	case h.Answer == Answered && after != "" && h.ours():
		s.ID, s.Action = "unconfigure/"+l.key(h), Unconfigure
		l.add(s)
	}
}

// key tells the steps of a host outside the file from those of a node of it
// that has the same name.
func (l *liveDiff) key(h Host) string {
	if _, ok := l.want.Node(h.Node); ok || h.Node == "" {
		return h.ref()
	}
	n := 0
	for _, o := range l.extras {
		if o.Node == h.Node {
			n++
		}
	}
	if n > 1 {
		return h.Machine.Name
	}
	return h.Node
}

// demotions make managers workers, after all growth and one at a time: the
// leader, or all others.
func (l *liveDiff) demotions(leader bool) {
	for _, p := range l.pairs {
		if p.node.Role != spec.Worker || !p.member() || !manages(*p.entry) || leads(p.entry) != leader || relocates(p) {
			continue
		}
		if !l.reachable(p) || l.held(p.node.Name) || l.missed(p.node.Name, *p.entry) {
			continue
		}
		why := ""
		switch {
		case p.entry.Manager == nil:
			why = string(Promoting)
		case l.missed(p.node.Name, *p.entry):
			continue
		case p.entry.Role == string(spec.Worker):
			why = string(Demoting)
		}
		l.lost = l.add(Step{
			Action: Demote, Node: p.node.Name, Role: p.node.Role, Machine: machineOf(p.host), Member: p.entry.ID, Why: why,
			After: append(l.beforeShrinking(), string(Settle)+"/"+p.node.Name), Behind: []string{l.left},
		})
	}
}
