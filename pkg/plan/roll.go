package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// rollShare bounds how many workers are away at once: one in ten. Clusters are
// made with more to spare than that (Kubernetes' own rolling updates take away a
// quarter), and it is what one --yes covers of removals.
const rollShare = 10

// rolling is a member whose engine has to stop for a moment.
type rolling struct {
	pair     pair
	version  *Change  // nil: it stays
	restarts []string // keys of daemon.json and variables that need a restart
	changes  []Change // of daemon.json and the environment, also those that need none
}

// version gives the change of an engine's version; nil where the one that is there
// will do. One that was cut off is made again.
func (d *differ) version(p pair) *Change {
	h := p.host
	if h.Engine == EngineAbsent || h.EngineVersion == "" || p.node.Engine.Takes(h.EngineVersion) && !h.Unfinished {
		return nil
	}
	return &Change{What: "engine", From: h.EngineVersion, To: cmp.Or(p.node.Engine.Version, h.EngineVersion)}
}

// roll stops engines of members for a moment: those of managers one at a time, the
// leader's last, then those of workers, a few at a time. It comes after all that
// changes roles and membership: growth only helps it, and a manager that restarts
// while another one is demoted or joins may cost the quorum.
func (l *liveDiff) roll() {
	if slices.ContainsFunc(l.steps, func(s Step) bool { return s.Action == Unlock }) {
		return // what they can take over is known once they are members again
	}
	managers, workers := l.rolled()
	first, behind := l.beforeRoll()
	behind = append(behind, l.giveBack(slices.Concat(managers, workers))...)
	if len(managers)+len(workers) == 0 || l.waits() || !l.rollsSafely(managers) {
		return
	}
	for _, r := range managers {
		first = l.rollOne(r, first, behind)
	}
	size := 0
	for _, n := range l.want.Nodes {
		if n.Role == spec.Worker {
			size++
		}
	}
	size = max(1, size/rollShare)
	lanes := make([][]string, len(workers))
	for i, r := range workers {
		after := first
		if i >= size {
			after = lanes[i-size]
		}
		lanes[i] = l.rollOne(r, after, behind)
	}
}

// rolled gives those that are to be rolled, in their order: who is drained already
// since a roll was cut off comes first, and the leader last. What is a member only
// after this plan is rolled by the next one.
func (l *liveDiff) rolled() (managers, workers []rolling) {
	for _, r := range l.rolls {
		switch joins := l.has(Step{Action: Join, Node: r.pair.node.Name}); {
		case joins, !r.pair.member():
			l.partial = l.partial || joins
		case r.pair.entry.Manager != nil || r.pair.node.Role == spec.Manager:
			managers = append(managers, r)
		default:
			workers = append(workers, r)
		}
	}
	rank := func(r rolling) int {
		switch {
		case leads(r.pair.entry):
			return 2
		case r.pair.entry.Labels[MarkBefore] != "":
			return 0
		}
		return 1
	}
	order := func(a, b rolling) int { return cmp.Compare(rank(a), rank(b)) }
	slices.SortStableFunc(managers, order)
	slices.SortStableFunc(workers, order)
	return managers, workers
}

// has says whether the plan has a step of that action and node.
func (l *liveDiff) has(want Step) bool {
	return slices.ContainsFunc(l.steps, func(s Step) bool { return s.Action == want.Action && s.Node == want.Node })
}

// beforeRoll gives the steps that must have succeeded before a roll, since they
// change who is a manager, and those that must have ended.
func (l *liveDiff) beforeRoll() (after, behind []string) {
	after = append(slices.Clone(l.healed), l.keyStored)
	for _, s := range l.steps {
		e := l.find(s.Member)
		switch s.Action {
		case Promote, Demote, Unlock, Settings:
			after = append(after, s.ID)
		case Join, Forget, Settle:
			if s.Role == spec.Manager || e != nil && e.Manager != nil {
				after = append(after, s.ID)
			} else {
				behind = append(behind, s.ID)
			}
		case Drain, Leave, Label:
			behind = append(behind, s.ID) // who could take tasks
		default:
		}
	}
	return after, behind
}

// giveBack gives the nodes their availability back that a roll which was cut off
// has drained, and that need nothing more.
func (l *liveDiff) giveBack(rolls []rolling) (ids []string) {
	for _, p := range l.pairs {
		mine := func(r rolling) bool { return r.pair.node.Name == p.node.Name }
		joins := l.has(Step{Action: Join, Node: p.node.Name})
		if p.member() && !joins && p.entry.Labels[MarkBefore] != "" && !slices.ContainsFunc(rolls, mine) {
			s := l.restore(p)
			s.Why = "it was drained for a restart that was cut off"
			s.After = []string{string(Connect) + "/" + s.Node, string(Configure) + "/" + s.Node}
			ids = append(ids, l.add(s))
		}
	}
	return ids
}

// restore is the step that gives a node its availability back.
func (l *liveDiff) restore(p pair) Step {
	s := Step{Action: Restore, Node: p.node.Name, Role: p.node.Role, Machine: machineOf(p.host), Member: p.entry.ID}
	s.Changes = []Change{{What: "availability", From: string(spec.Drain), To: l.availability(*p.entry)}}
	return s
}

// availability is what a member has once it is labelled and restored.
func (l *liveDiff) availability(e engine.Node) string {
	s := engine.NodeSpec{Labels: maps.Clone(e.Labels), Availability: e.Availability}
	for _, p := range l.pairs {
		if p.entry != nil && p.entry.ID == e.ID {
			want := Labels{Cluster: l.want.Name, Node: p.node}
			want.Apply(&s)
			want.Restore(&s)
		}
	}
	return s.Availability
}

// rollOne plans the restart of one engine, and gives the steps that the next one
// waits for. A node that is drained anyway needs no drain, nor does one whose tasks
// nobody else could take: a drain would only keep them away for longer. What was
// drained gets its availability back also where its restart did not succeed.
func (l *liveDiff) rollOne(r rolling, after, behind []string) []string {
	p := r.pair
	s := Step{Node: p.node.Name, Role: p.node.Role, Machine: machineOf(p.host), Member: p.entry.ID, After: after}
	s.Behind = append(slices.Clone(behind), string(Configure)+"/"+s.Node)
	before := l.availability(*p.entry)
	marked := p.entry.Labels[MarkBefore] != ""
	var done []string
	then := func(step Step) {
		step.After = append(slices.Clone(after), done...)
		done = append(done, l.add(step))
	}
	switch {
	case before == string(spec.Drain) && !marked:
	case l.alone(p) && !marked:
		l.notes = append(l.notes, Finding{Node: s.Node, Text: fmt.Sprintf("no other member can take the tasks of %s: they stop while its engine restarts", s.Node)})
	default:
		step := s
		step.Action, step.Return, step.Why = Drain, true, "its engine has to restart"
		step.Changes = []Change{{What: "availability", From: before, To: string(spec.Drain)}}
		then(step)
		marked = true
	}
	if r.version != nil {
		step := s
		step.Action, step.Changes, step.Downgrade = Upgrade, []Change{*r.version}, l.opt.AllowDowngrade
		if r.version.From == r.version.To {
			step.Changes, step.Why = nil, "it was cut off"
		}
		then(step)
	}
	if len(r.changes) > 0 {
		step := s
		step.Action, step.Changes, step.Effect = Restart, r.changes, daemon.Restart
		then(step)
	}
	if !marked {
		return done
	}
	back := l.restore(p)
	back.After, back.Behind = after, slices.Concat(s.Behind, done)
	return append(done, l.add(back))
}

// alone says whether no other member could take the tasks of one.
func (l *liveDiff) alone(p pair) bool {
	mended := l.mended()
	for _, e := range l.have.Swarm.Nodes {
		if e.ID != p.entry.ID && (e.State == "ready" || mended[e.ID]) && !l.goes(e.ID) && l.availability(e) == string(spec.Active) {
			return false
		}
	}
	return !slices.ContainsFunc(l.steps, func(s Step) bool {
		n, _ := l.want.Node(s.Node)
		return s.Action == Join && (n.Availability == "" || n.Availability == spec.Active)
	})
}

// goes says whether the plan takes a member out of the swarm.
func (l *liveDiff) goes(id string) bool {
	return slices.ContainsFunc(l.steps, func(s Step) bool {
		return s.Member == id && (s.Action == Forget || s.Action == Leave)
	})
}

// rollsSafely says whether managers can be restarted one at a time, and why not.
func (l *liveDiff) rollsSafely(rolls []rolling) bool {
	if len(rolls) == 0 {
		return true
	}
	if why := KeepsOut(l.want, l.have); why != nil {
		l.blocked = append(l.blocked, *why)
		return false
	}
	var names []string
	for _, r := range rolls {
		names = append(names, r.pair.node.Name)
	}
	all, reachable := l.controlPlane()
	if all >= 3 && reachable-1 < all/2+1 {
		l.block("", "bring the managers back that are down, and run again",
			"the engines of %s have to restart: %d of %d managers can be reached, and without one more the swarm has no quorum", list(names), reachable, all)
		return false
	}
	if all < 3 {
		l.notes = append(l.notes, Finding{Text: fmt.Sprintf("the swarm has fewer than three managers: its control plane stops while the engine of %s restarts", list(names))})
	}
	return true
}

// controlPlane counts the managers that there are once the steps so far are done,
// and those that can then be reached.
func (l *liveDiff) controlPlane() (all, reachable int) {
	mended := l.mended()
	for _, e := range l.have.Swarm.Nodes {
		counted := slices.ContainsFunc(l.steps, func(s Step) bool {
			return s.Member == e.ID && (s.Action == Demote || s.Action == Promote)
		})
		if e.Manager == nil || counted || l.goes(e.ID) {
			continue // it is no manager then, or comes below
		}
		all++
		if e.Manager.Reachability == "reachable" || mended[e.ID] {
			reachable++
		}
	}
	for _, s := range l.steps {
		if s.Action == Promote || s.Action == Join && s.Role == spec.Manager {
			all++
			reachable++
		}
	}
	return all, reachable
}

// waits says whether a roll waits for the next plan: until members that are switched
// on have been asked, and until nobody's role is about to change.
func (l *liveDiff) waits() bool {
	for _, p := range l.pairs {
		if p.entry != nil && p.host != nil && p.host.Answer == Off {
			l.partial = true
			return true
		}
	}
	for _, e := range l.have.Swarm.Nodes {
		flux := (e.Role == string(spec.Manager)) != (e.Manager != nil)
		step := func(a ...Action) bool {
			return slices.ContainsFunc(l.steps, func(s Step) bool { return s.Member == e.ID && slices.Contains(a, s.Action) })
		}
		switch {
		case !flux, step(Promote, Demote, Forget):
		case step(Settle) && len(l.blocked) == 0: // else it may not come about
			l.partial = true
			return true
		default:
			l.block("", "run again once it has ended", "engines restart only once the role of %s has settled: %s", e.Hostname, Underway(e))
			return true
		}
	}
	return false
}

// mended gives the entries of members that the plan starts or waits for.
func (l *liveDiff) mended() map[string]bool {
	out := map[string]bool{}
	for _, p := range l.pairs {
		h := p.host
		if p.entry != nil && h != nil && h.Answer == Answered && h.Engine == EngineStopped {
			out[p.entry.ID] = true
		}
	}
	for _, s := range l.steps {
		if s.Action == Settle && s.Member != "" {
			out[s.Member] = true
		}
	}
	return out
}
