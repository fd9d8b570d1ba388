package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// liveDiff plans changes to a swarm that works. Its lists are the order of
// promise 2: dead managers go, then managers are added, then others go.
type liveDiff struct {
	*differ
	buried   []string // entries of dead managers are forgotten
	healed   []string // managers that were off or stopped work again
	grown    []string // managers are added, one after the other
	again    int      // of them, those that have not ceased to be managers yet
	managers int      // members of the raft group when the next one is added
	capacity []string // workers have joined
	stuck    string   // a manager of the file that cannot be added now
	replaced string   // the last step of the replacement before
	left     string   // the last step of the removal before, of anybody
	lost     string   // the last step that took a manager away
	meshed   string   // the step that makes the ingress network
	// keyStored is the step after which the unlock key is stored; "" where it is
	// already, or managers are not locked.
	keyStored string
	missing   map[string]string // managers that nothing in the plan brings back: NodeID -> name
	healing   []string          // steps that bring such managers back
	going     []string          // managers that this plan takes away, by NodeID
	// rejoined counts managers that leave and come back; fixed is about those that
	// should, and cannot be spared.
	rejoined int
	fixed    []Finding
}

func (d *differ) live() {
	l := &liveDiff{differ: d, missing: map[string]string{}}
	if l.newLeader() {
		return
	}
	for _, e := range d.have.Swarm.Nodes {
		if e.Manager == nil {
			continue
		}
		l.managers++
		if e.Manager.Reachability == "unreachable" {
			l.missing[e.ID] = e.Hostname
		}
	}
	l.settings()
	l.storeKey()
	buried := l.bury()
	members := l.removeDead()
	few := l.managers
	l.nodes(buried)
	l.wait()
	l.settleLater()
	l.warnOfGrowth(few)
	for _, leader := range []bool{false, true} {
		l.replacements(leader, buried)
		l.removeMembers(members, leader)
		l.demotions(leader)
	}
	l.roll()
	l.mixed()
	d.finish()
}

// warnOfGrowth says what cannot be helped: a swarm of one manager that gets a
// second one is without a control plane if either fails right then.
func (l *liveDiff) warnOfGrowth(before int) {
	if after := before + len(l.grown) - l.rejoined; after > before && before < 3 {
		l.notes = append(l.notes, Finding{
			Text: fmt.Sprintf("the swarm grows from %d to %d managers: until there are three, the loss of one stops its control plane", before, after),
		})
	}
}

// nodes plans for the nodes of the file, in turns.
func (l *liveDiff) nodes(buried map[string][]string) {
	for now := range 4 {
		for _, p := range l.pairs {
			if turn(p) == now && !l.givesWay(p) {
				l.nodeAfter(p, buried[p.node.Name], l.cleared(p.node.Name))
			}
		}
	}
}

// bury forgets the entries that are nobody's now. It returns, by node, the
// steps that have to come before the node's new life.
func (l *liveDiff) bury() map[string][]string {
	before := map[string][]string{}
	put := func(p pair, e engine.Node, why string) {
		before[p.node.Name] = append(before[p.node.Name], l.forget(e, p.node.Name, why))
	}
	for _, p := range l.pairs {
		for _, e := range p.stale {
			if p.host == nil {
				put(p, e, gone)
			} else {
				put(p, e, string(Reborn)+": its machine has a new life")
			}
		}
		if e := l.failedID(p); e != nil {
			f := l.standing(p).Found[0]
			why := fmt.Sprintf("%s: %s", f.Situation, f.Text)
			quit := l.quit(p, why)
			put(p, *e, why)
			if quit != "" {
				l.steps[len(l.steps)-1].After = edges(append(l.steps[len(l.steps)-1].After, quit))
			}
		}
	}
	for _, e := range l.entries {
		l.unclaimed(e)
	}
	return before
}

// noteUnfit names what will keep a member from starting again.
func (l *liveDiff) noteUnfit(p pair) {
	if p.host.Answer != Answered || p.host.Engine != EngineRunning {
		return
	}
	for _, f := range l.standing(p).Found {
		if f.Situation == Unfit {
			l.notes = append(l.notes, Finding{Node: p.node.Name, Text: f.Text, Hint: f.Hint})
		}
	}
}

// gone is why an entry is forgotten whose machine the provider does not list:
// what it does not list does not exist.
const gone = "its machine is gone"

// failedID gives the entry of a host whose engine has given its membership up, as
// with an expired certificate, or of a manager that the swarm does not count.
func (l *liveDiff) failedID(p pair) *engine.Node {
	if p.host != nil && p.host.Answer == Answered && p.host.Info.State == engine.Failed || l.deposed(p) {
		return p.entry
	}
	return nil
}

// unclaimed decides about an entry that is no node of the file and of no host
// that answered. Those of hosts that are known otherwise come with removals.
func (l *liveDiff) unclaimed(e engine.Node) {
	if orphan(e) || l.hostOf(e) != nil {
		return
	}
	name := e.Labels[MarkNode]
	switch {
	case l.marked(e):
		l.forget(e, name, gone)
	case l.opt.Prune && e.State == "down":
		l.forget(e, e.Hostname, "it is not in the file")
	case l.opt.Prune:
		l.block(e.Hostname, "leave the swarm on it by hand, then run again", "%s (%s) is %s, not in the file, and there is no way into it", e.Hostname, e.ID, e.State)
	default:
		l.notes = append(l.notes, Finding{
			Node: e.Hostname, Hint: "--prune removes it once it is down",
			Text: fmt.Sprintf("%s (%s) is a %s of the swarm that is not in the file", e.Hostname, e.ID, e.Role),
		})
	}
}

// hostOf gives the host outside the file that an unclaimed entry is marked
// with, or is left over from.
func (d *differ) hostOf(e engine.Node) *Host {
	for i, h := range d.extras {
		if d.marked(e) && h.Node == e.Labels[MarkNode] || !d.marked(e) && d.reinstalled(e, h) {
			return &d.extras[i]
		}
	}
	return nil
}

func (l *liveDiff) forget(e engine.Node, node, why string) string {
	s := Step{
		ID: "forget/" + e.ID, Action: Forget, Node: node, Member: e.ID, Role: spec.Role(e.Role), Why: why,
		Await: why == gone && e.State != "down",
	}
	if e.Manager == nil {
		return l.add(s)
	}
	s.After = l.buried[max(0, len(l.buried)-1):]
	l.managers--
	delete(l.missing, e.ID)
	l.buried = append(l.buried, l.add(s))
	return s.ID
}

// node plans everything for one node of the file.
func (l *liveDiff) node(p pair, before []string) {
	ready, ok := l.ready(p)
	if !ok {
		l.hold(p)
		return
	}
	if p.host != nil && p.host.locked() {
		l.unlock(p, ready)
		return
	}
	if l.rival(p) {
		l.block(p.node.Name, "decide which of the two goes on, and leave the other on its managers by force by hand", "%s is a manager of a second swarm of the same ID, which has a leader of its own", p.node.Name)
		l.hold(p)
		return
	}
	if relocates(p) && !l.waitsForRotation(p.node.Name) {
		l.rejoin(p, ready, before)
		return
	}
	if p.member() && !l.deposed(p) {
		if p.entry.Manager != nil && ready != "" {
			l.heals(p, ready)
		}
		l.noteUnfit(p)
		rest := l.settle(p, ready)
		l.relabel(p, rest)
		l.promotion(p, rest)
		return
	}
	why, ok := l.joinable(p)
	if !ok || l.waitsForRotation(p.node.Name) || l.waitsForMissing(p) {
		l.hold(p)
		return
	}
	s := Step{
		Action: Join, Node: p.node.Name, Role: p.node.Role, Machine: machineOf(p.host),
		Why: why, Maybe: maybe(p.host), After: append([]string{ready, l.meshed}, before...),
	}
	if e := l.failedID(p); e != nil {
		s.Formerly = e.ID
	}
	l.join(s, p)
}

// hold keeps managers from being taken away while one of the file's is missing.
func (l *liveDiff) hold(p pair) {
	if p.node.Role == spec.Manager && !(p.member() && p.entry.Manager != nil) {
		l.stuck = p.node.Name
	}
}

// held says whether managers may not be taken away in this plan, and why not.
func (l *liveDiff) held(node string) bool {
	if l.stuck != "" && !l.partial {
		l.block(node, "", "%s stays a manager until %s is one", node, l.stuck)
	}
	return l.stuck != ""
}

// member says whether the node is in the swarm, as far as is known, so that
// there is nothing to join.
func (p pair) member() bool {
	if p.entry == nil || p.host == nil {
		return false
	}
	if p.host.Answer != Answered || p.host.Engine != EngineRunning {
		return true
	}
	return p.host.Info.State == engine.Active
}

// joinable says whether, and why, the node can join.
func (l *liveDiff) joinable(p pair) (why string, ok bool) {
	h := p.host
	if h == nil || h.Answer != Answered || h.Engine != EngineRunning {
		return "", true
	}
	switch {
	case h.Info.Manager && h.Info.State != engine.Failed && !l.deposed(p):
		l.block(p.node.Name, "leave the swarm on it by force by hand, if that is so", "%s was removed from the swarm and still takes itself for a manager of it", p.node.Name)
		return "", false
	case h.Info.State != engine.Inactive && h.Info.State != "":
		f := l.standing(p).Found[0]
		return fmt.Sprintf("%s: %s", f.Situation, f.Text), true
	}
	return "", true
}

// join adds a Join and its Label. Managers come one at a time until there are
// three, the rest behind them at once; workers all at once.
func (l *liveDiff) join(s Step, p pair) {
	if p.node.Role == spec.Manager {
		s.After, s.Behind = append(s.After, l.beforeGrowth()...), l.healed
	}
	joined := l.add(s)
	if p.node.Role == spec.Manager {
		l.grow(joined)
	}
	label := l.add(Step{Action: Label, Node: s.Node, Role: s.Role, Machine: s.Machine, Maybe: s.Maybe, Formerly: s.Formerly, Return: s.Return, After: []string{joined}})
	if p.node.Role == spec.Worker {
		l.capacity = append(l.capacity, label)
	}
}

// beforeGrowth are the steps that a new manager waits for: no dead one counts
// any more, and the one before is reachable, as long as there are fewer than three.
func (l *liveDiff) beforeGrowth() []string {
	after := append([]string(nil), l.buried...)
	if n := l.managers; n >= 3 && n-len(l.missing)-len(l.healing) < (n+1)/2+1 {
		after = append(after, l.healing...) // the new one would be one too many without them
	}
	if n := len(l.grown); n > 0 {
		after = append(after, l.grown[n-1])
	}
	return after
}

// heals notes the step after which a manager that was missing works again.
func (l *liveDiff) heals(p pair, step string) {
	l.healed = append(l.healed, step)
	if _, missing := l.missing[p.entry.ID]; missing {
		delete(l.missing, p.entry.ID)
		l.healing = append(l.healing, step)
	}
}

// waitsForMissing says whether a node does not become a manager now.
func (l *liveDiff) waitsForMissing(p pair) bool {
	if p.node.Role != spec.Manager || !l.fragile(l.managers) {
		return false
	}
	l.blockIncomplete(p)
	return true
}

// fragile says whether a swarm of so many managers might not survive the loss of
// one that it gets now, since others are missing that nothing brings back.
func (l *liveDiff) fragile(managers int) bool {
	missing := len(l.missing)
	return missing > 0 && managers >= 3 && managers-missing < (managers+1)/2+1
}

func (l *liveDiff) blockIncomplete(p pair) {
	l.block(p.node.Name, "bring them back, or remove them", "%s does not become a manager while others are missing: %s",
		p.node.Name, list(slices.Collect(maps.Values(l.missing))))
	l.hold(p)
}

func (l *liveDiff) grow(id string) {
	if l.managers < 3 || len(l.grown) == 0 {
		l.grown = append(l.grown, id)
		l.managers++
		return
	}
	// With three managers the next ones need not wait for each other, only
	// what comes after growth waits for them all.
	l.grown = append([]string{id}, l.grown...)
}

// promotion makes a worker a manager. The other way is in demotions.
func (l *liveDiff) promotion(p pair, ready string) {
	if p.node.Role != spec.Manager || p.entry.Manager != nil && p.entry.Role == string(spec.Manager) {
		return
	}
	if !l.reachable(p) || l.waitsForMissing(p) {
		return
	}
	why := ""
	if p.entry.Role == string(spec.Manager) {
		why = string(Promoting)
	}
	id := l.add(Step{
		Action: Promote, Node: p.node.Name, Role: p.node.Role, Machine: machineOf(p.host), Member: p.entry.ID,
		Why: why, After: append([]string{ready}, l.beforeGrowth()...), Behind: l.healed,
	})
	if p.entry.Manager != nil {
		l.again++
	}
	l.grow(id)
}

// reachable says whether the node's own engine can be asked how a change of
// role goes. A node that is being switched on is asked in the next round.
func (l *liveDiff) reachable(p pair) bool {
	switch p.host.Answer {
	case Answered:
		return true
	case Off:
		l.partial = true
	default:
		l.because(*p.host, "run again once it answers", "%s is to change its role, and cannot be asked: %s", p.node.Name, p.host.reason())
	}
	l.hold(p)
	return false
}
