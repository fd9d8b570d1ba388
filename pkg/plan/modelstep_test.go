package plan_test

import (
	"errors"
	"fmt"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

var errSilent = errors.New("no answer")

func (m *model) hurt(s plan.Step, format string, args ...any) {
	m.harm = append(m.harm, s.ID+": "+fmt.Sprintf(format, args...))
}

// do does one step, or says why it cannot be done. Harm is recorded: a step
// that does harm succeeds in the real world.
func (m *model) do(s plan.Step, want *spec.Cluster) error {
	x := m.of(s)
	switch s.Action {
	case plan.Create:
		return m.create(s, x)
	case plan.Sweep:
		return m.sweep()
	case plan.Verify, plan.Clean:
		return nil
	case plan.Settings, plan.StoreKey:
		return m.lock(s, want)
	case plan.Settle:
		return m.settle(s)
	case plan.Forget:
		return m.forget(s)
	case plan.Mark:
		return m.mark(s, x)
	case plan.Label:
		return m.label(s, want)
	case plan.Delete:
		return m.delete(s, x)
	}
	if x == nil {
		return fmt.Errorf("%s has no machine", s.Node)
	}
	if s.Action == plan.Start {
		x.on, x.running = true, x.installed
		x.locked = x.running && m.locks(x)
		return nil
	}
	if !x.on || x.silent {
		return errSilent
	}
	switch s.Action {
	case plan.Unconfigure:
		return nil
	case plan.Connect:
		return m.unlock(x)
	case plan.Install:
		return m.install(s, x, want)
	case plan.Configure:
		started := !x.running
		if err := m.configure(s, x, want); err != nil || !started && !s.Maybe {
			return err
		}
		x.locked = x.locked || started && m.locks(x)
		return m.unlock(x)
	case plan.Upgrade, plan.Restart:
		if err := m.start(s, x, want); err != nil {
			return err
		}
		x.locked = m.locks(x)
		return m.unlock(x)
	case plan.Unlock:
		return m.unlock(x)
	case plan.Init:
		return m.init(s, x, want)
	case plan.Join:
		return m.join(s, x)
	case plan.Promote, plan.Demote, plan.Drain, plan.Leave, plan.Restore:
		return m.change(s, x, want)
	}
	return fmt.Errorf("unknown action %q", s.Action)
}

func (m *model) create(s plan.Step, x *machine) error {
	if x != nil && !x.incomplete && m.leaving(x) == nil {
		m.hurt(s, "%s has a machine already", s.Node)
		return nil
	}
	if x == nil || !x.incomplete {
		x = &machine{name: m.id(s.Node + "-"), node: s.Node, owned: true}
		m.machines = append(m.machines, x)
	}
	x.incomplete, x.on = false, true
	return nil
}

func (m *model) delete(s plan.Step, x *machine) error {
	switch {
	case x == nil:
		return nil
	case !x.owned:
		m.hurt(s, "it is not ours")
	case x.silent && !m.agreed[x.node]:
		m.hurt(s, "it was unknown")
	}
	if sw := m.swarms[x.swarm]; sw != nil && sw.get(x.member) != nil && !m.teardown && (m.state(sw.get(x.member)) == "ready" || !m.agreed[x.node]) {
		m.hurt(s, "it is still a member")
	}
	var rest []*machine
	for _, y := range m.machines {
		if y != x {
			rest = append(rest, y)
		}
	}
	m.machines = rest
	return nil
}

// mark is one write to the swarm: it needs a leader, and no answer of the host.
func (m *model) mark(s plan.Step, x *machine) error {
	sw := m.ours()
	if sw == nil || sw.get(s.Member) == nil {
		return errors.New("no leader, or no such entry")
	}
	if x == nil || x.member != s.Member {
		m.hurt(s, "it marks another entry than the machine's")
	}
	e := sw.get(s.Member)
	ns := engine.NodeSpec{Labels: e.labels}
	plan.Leaves(m.name, s.Node, s.Machine)(&ns)
	e.labels = ns.Labels
	return nil
}

// leaving gives the entry of a machine that is marked as one that goes; nil for none.
func (m *model) leaving(x *machine) *member {
	if sw := m.swarms[x.swarm]; sw != nil {
		if e := sw.get(x.member); e != nil && e.labels[plan.MarkLeaving] != "" {
			return e
		}
	}
	return nil
}

// orphaned says that a machine of the file would go before another is in its place.
func (m *model) orphaned(x *machine, sw *swarm, want *spec.Cluster) bool {
	n, ok := want.Node(x.node)
	for _, e := range sw.members {
		y := m.host(e.id)
		in := y != nil && y != x && y.node == x.node && y.works() && e.availability != "pause" || e.id != x.member && n.Availability == spec.Pause
		if in && e.raft == (n.Role == spec.Manager) {
			return false
		}
	}
	return ok
}

func (m *model) init(s plan.Step, x *machine, want *spec.Cluster) error {
	if !x.works() {
		return errors.New("no engine")
	}
	for _, y := range m.machines {
		// The promise is about hosts that answered and managers of the file: a
		// worker of the file that does not answer does not hold up the rest.
		if n, ok := want.Node(y.node); y.member != "" && (!y.silent || !ok || n.Role == spec.Manager) {
			m.hurt(s, "a second swarm: %s is in one", y.name)
		}
	}
	id := m.id("swarm")
	e := &member{id: m.id("id"), hostname: x.node, role: spec.Manager, raft: true, availability: "active", labels: map[string]string{}}
	m.swarms[id] = &swarm{id: id, members: []*member{e}}
	x.swarm, x.member, x.moved = id, e.id, false
	return nil
}

func (m *model) join(s plan.Step, x *machine) error {
	sw := m.ours()
	if sw == nil {
		return errors.New("no swarm to join")
	}
	if !x.installed || !x.running || x.locked {
		return errors.New("no engine")
	}
	if x.swarm == sw.id && sw.get(x.member) != nil && !x.failed {
		return nil // already so
	}
	if sw.rotating {
		m.hurt(s, "joins while the root CA is rotated")
	}
	if x.member != "" && x.swarm != sw.id {
		return errors.New("it is in another swarm")
	}
	if old := m.named(sw, s.Node); old != nil && m.state(old) == "down" && old.raft {
		m.hurt(s, "joins while a dead manager of that name counts")
	}
	e := &member{id: m.id("id"), hostname: x.node, role: s.Role, raft: s.Role == spec.Manager, availability: "pause", labels: map[string]string{}}
	if all, reachable := m.raft(sw); e.raft && all >= 3 && reachable < (all+1)/2+1 {
		m.hurt(s, "a manager is added while %d of %d are reachable", reachable, all)
	}
	if e.raft {
		m.hurtByRole(s)
	}
	sw.members = append(sw.members, e)
	x.swarm, x.member, x.failed, x.moved, x.disk = sw.id, e.id, false, false, 0
	m.rekey(sw)
	return nil
}

// settle lets time pass: changes of roles come to an end, and packets come
// through again.
func (m *model) settle(s plan.Step) error {
	sw := m.ours()
	if sw == nil {
		return errors.New("no leader")
	}
	e := sw.get(s.Member)
	if e == nil {
		return errors.New("no such entry")
	}
	if all, reachable := m.raft(sw); e.raft && e.role == spec.Worker && (all == 1 || reachable-1 < (all-1)/2+1) {
		if s.Role == spec.Manager {
			return nil // it is made a manager again
		}
		return errors.New("it cannot be spared")
	}
	e.raft, e.unheard = e.role == spec.Manager, false
	return nil
}

func (m *model) named(sw *swarm, node string) *member {
	for _, e := range sw.members {
		if e.hostname == node {
			return e
		}
	}
	return nil
}

// change is what happens to a member that works.
func (m *model) change(s plan.Step, x *machine, want *spec.Cluster) error {
	if x.locked && !s.Force {
		return errors.New("it is locked")
	}
	sw := m.swarms[x.swarm]
	if s.Action == plan.Promote || s.Action == plan.Demote {
		m.hurtByRole(s)
	}
	if s.Action == plan.Leave && (sw == nil || sw.get(x.member) == nil) {
		x.swarm, x.member, x.failed, x.disk = "", "", false, 0 // removed while it was alive
		return nil
	}
	if sw == nil || !m.quorum(sw) {
		return errors.New("no leader")
	}
	e := sw.get(x.member)
	switch s.Action {
	case plan.Promote:
		e.role, e.raft = spec.Manager, true
		m.rekey(sw)
	case plan.Drain:
		if m.leaving(x) != nil && m.orphaned(x, sw, want) && !m.teardown {
			m.hurt(s, "nobody has taken its place")
		}
		ns := engine.NodeSpec{Labels: e.labels, Availability: e.availability}
		if ns.Availability = "drain"; s.Return {
			ns.Availability = e.availability
			plan.Withdraw(&ns)
		}
		e.labels, e.availability = ns.Labels, ns.Availability
	case plan.Restore:
		n, _ := want.Node(s.Node)
		ns := engine.NodeSpec{Labels: e.labels, Availability: e.availability}
		plan.Labels{Node: n}.Restore(&ns)
		e.labels, e.availability = ns.Labels, ns.Availability
	case plan.Demote:
		if e.role == spec.Manager && !e.raft {
			return errors.New("can't find manager in raft memberlist")
		}
		all, reachable := m.raft(sw)
		if e.raft && (all == 1 || reachable-1 < (all-1)/2+1) {
			m.hurt(s, "the swarm loses its quorum (%d of %d reachable)", reachable, all)
		}
		e.role, e.raft = spec.Worker, false
	case plan.Leave:
		if e.raft && !s.Force {
			m.hurt(s, "a manager leaves")
		}
		if e.availability != "drain" && x.works() && !m.teardown {
			m.hurt(s, "its tasks were not drained")
		}
		x.swarm, x.member, x.disk = "", "", 0
	}
	return nil
}

func (m *model) forget(s plan.Step) error {
	sw := m.ours()
	if sw == nil {
		return errors.New("no leader")
	}
	e := sw.get(s.Member)
	if e == nil {
		return nil
	}
	if x := m.host(e.id); x != nil && x.works() {
		m.hurt(s, "its host is alive and a member")
	}
	if e.raft {
		if all, reachable := m.raft(sw); reachable < (all-1)/2+1 {
			m.hurt(s, "the swarm loses its quorum")
		}
	}
	if m.buried == nil {
		m.buried = map[string]*member{}
	}
	m.buried[e.id] = e
	sw.drop(e.id)
	return nil
}

func (m *model) sweep() error {
	if sw := m.ours(); sw != nil {
		for _, e := range append([]*member(nil), sw.members...) {
			if e.hostname == "" && !e.raft {
				sw.drop(e.id)
			}
		}
	}
	return nil
}

func (m *model) label(s plan.Step, want *spec.Cluster) error {
	sw := m.ours()
	if sw == nil {
		return errors.New("no leader")
	}
	x := m.of(s)
	if x == nil || x.member == "" {
		return errors.New("no member to label")
	}
	e := sw.get(x.member)
	if e == nil {
		return errors.New("no such entry")
	}
	n, _ := want.Node(s.Node)
	ns := engine.NodeSpec{Labels: e.labels, Availability: e.availability, Role: string(e.role)}
	l := plan.Labels{Cluster: want.Name, Node: n, SSH: "root@" + x.name, HostKey: "SHA256:" + x.name}
	old := m.buried[s.Formerly]
	if old == nil && s.Formerly != "" {
		old = sw.get(s.Formerly)
	}
	if old != nil {
		l.Formerly = &engine.Node{ID: old.id, Labels: old.labels}
	}
	l.Apply(&ns)
	e.labels, e.availability = ns.Labels, ns.Availability
	return nil
}
