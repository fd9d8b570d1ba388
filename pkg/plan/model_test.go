package plan_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// model is a small world of machines and swarms. It knows when a step cannot
// be done and when one would do harm, and nothing of how Diff works.
type model struct {
	name     string
	machines []*machine
	swarms   map[string]*swarm
	serial   int
	buried   map[string]*member // entries that were removed
	teardown bool
	rest     map[string]string // by member: its availability where the file says none
	agreed   map[string]bool   // nodes whose machines may be destroyed unasked
	harm     []string

	store  bool // the file says where the unlock key is kept
	stored int  // the unlock key that is kept there; 0 is none
}

type machine struct {
	name, node string
	owned      bool
	incomplete bool // never started
	on         bool
	silent     bool // it is on, works, and does not let us in
	installed  bool // has an engine
	running    bool // its engine runs
	member     string
	swarm      string // the swarm its disk says it is in
	failed     bool
	moved      bool   // it has another address than it joined with
	inherits   bool   // others' labels on its entry are to stay
	version    string // of its engine
	unfinished bool   // the change of the version was cut off
	settings   []byte // daemon.json
	record     daemon.Owned
	down       bool          // its engine restarts just now
	disk       int           // the unlock key that its disk is locked with; 0 is none
	locked     bool          // its engine waits for that key
	ahead      time.Duration // of its clock
	lacks      []string      // modules of its kernel
}

type swarm struct {
	id       string
	members  []*member
	key      int  // that unlocks managers; 0 while they are not locked
	rotating bool // its root CA
}

type member struct {
	id, hostname string
	role         spec.Role
	raft         bool // a manager now
	unheard      bool // the managers do not hear from it, for a while
	availability string
	labels       map[string]string
}

func (m *model) clone() *model {
	c := &model{name: m.name, serial: m.serial, swarms: map[string]*swarm{}, teardown: m.teardown, rest: m.rest, agreed: maps.Clone(m.agreed), harm: slices.Clone(m.harm), buried: maps.Clone(m.buried), store: m.store, stored: m.stored}
	for _, x := range m.machines {
		y := *x
		c.machines = append(c.machines, &y)
	}
	for id, s := range m.swarms {
		t := &swarm{id: s.id, key: s.key, rotating: s.rotating}
		for _, e := range s.members {
			f := *e
			f.labels = maps.Clone(e.labels)
			t.members = append(t.members, &f)
		}
		c.swarms[id] = t
	}
	return c
}

func (m *model) id(kind string) string {
	m.serial++
	return fmt.Sprintf("%s%d", kind, m.serial)
}

func (m *model) find(ref string) *machine {
	for _, x := range m.machines {
		if x.name == ref {
			return x
		}
	}
	return nil
}

// of gives the machine that a step is about.
func (m *model) of(s plan.Step) *machine {
	if s.Machine != "" {
		return m.find(s.Machine)
	}
	var found *machine
	for _, x := range m.machines {
		if x.node == s.Node {
			found = x // the newest: a machine made in this run
		}
	}
	return found
}

func (x *machine) works() bool {
	return x.on && x.installed && x.running && !x.failed && !x.down && !x.locked
}

// host gives the machine that is a member, wherever it is.
func (m *model) host(id string) *machine {
	for _, x := range m.machines {
		if x.member == id {
			return x
		}
	}
	return nil
}

func (m *model) state(e *member) string {
	if x := m.host(e.id); x != nil && x.works() && !e.unheard {
		return "ready"
	}
	return "down"
}

func (s *swarm) get(id string) *member {
	for _, e := range s.members {
		if e.id == id {
			return e
		}
	}
	return nil
}

func (s *swarm) drop(id string) {
	s.members = slices.DeleteFunc(s.members, func(e *member) bool { return e.id == id })
}

func (m *model) raft(s *swarm) (all, reachable int) {
	for _, e := range s.members {
		if e.raft {
			all++
			if m.state(e) == "ready" {
				reachable++
			}
		}
	}
	return all, reachable
}

func (m *model) quorum(s *swarm) bool {
	all, reachable := m.raft(s)
	return all > 0 && reachable >= all/2+1
}

// manages says whether a machine is a manager now.
func (m *model) manages(x *machine) bool {
	sw := m.swarms[x.swarm]
	return sw != nil && sw.get(x.member) != nil && sw.get(x.member).raft
}

// ours is the swarm that has a quorum; nil for none.
func (m *model) ours() *swarm {
	for _, id := range slices.Sorted(maps.Keys(m.swarms)) {
		if m.quorum(m.swarms[id]) {
			return m.swarms[id]
		}
	}
	return nil
}

// address is that of the machine of a node.
func address(node string) string { return fmt.Sprintf("10.0.0.%d", node[0]) }

// observe gives the world as cluster.Observe would.
func (m *model) observe() plan.State {
	var st plan.State
	for _, x := range m.machines {
		h := plan.Host{Node: x.node, Machine: plan.Machine{Name: x.name, Address: address(x.node), Power: plan.Running, Owned: x.owned}}
		switch {
		case x.incomplete:
			h.Machine.Power, h.Answer = plan.Incomplete, plan.Off
		case !x.on:
			h.Machine.Power, h.Answer = plan.Stopped, plan.Off
		case x.silent:
			h.Answer, h.Why = plan.Silent, "no route to host"
		default:
			h.Answer = plan.Answered
			m.observeEngine(x, &h)
		}
		st.Hosts = append(st.Hosts, h)
	}
	sort.SliceStable(st.Hosts, func(i, j int) bool {
		a, b := st.Hosts[i], st.Hosts[j]
		return a.Node+" "+a.Machine.Name < b.Node+" "+b.Machine.Name
	})
	st.Swarm = m.view()
	st.Key.Loadable = m.store && m.stored != 0
	st.Key.Current = st.Key.Loadable && st.Swarm != nil && m.stored == m.swarms[st.Swarm.ID].key
	return st
}

func (m *model) observeEngine(x *machine, h *plan.Host) {
	h.Addresses = []preflight.Address{{Link: "eth0", Prefix: netip.MustParsePrefix(h.Machine.Address + "/24")}}
	h.SSH, h.HostKey = "root@"+x.name, "SHA256:"+x.name
	if x.member == "" {
		h.Conditions = &preflight.Conditions{Margin: time.Second, Ahead: x.ahead, MachineID: x.name, Lacks: x.lacks}
	}
	h.Cert = plan.Cert{Cluster: x.swarm, Node: x.member, Role: "worker"}
	if x.unfinished && x.member == "" {
		h.Engine = plan.EngineAbsent // an installation that was cut off
		return
	}
	h.EngineVersion, h.Unfinished = x.version, x.unfinished
	h.Daemon, h.Owned = x.settings, x.record
	switch {
	case !x.installed:
		h.Engine = plan.EngineAbsent
		return
	case !x.running:
		h.Engine = plan.EngineStopped
		return
	}
	h.Engine = plan.EngineRunning
	h.Info = engine.Info{EngineID: x.name, Hostname: x.node, State: engine.Inactive, NodeID: x.member}
	if x.member == "" {
		return
	}
	if x.locked {
		h.Info.State, h.Info.NodeID, h.Cert.Role = engine.Locked, "", "manager"
		return
	}
	h.Info.State, h.Info.NodeAddr = engine.Active, "10.0.0.250"
	if !x.moved {
		h.Info.NodeAddr = h.Machine.Address
	}
	if x.failed {
		h.Info.State, h.Info.Error = engine.Failed, "certificate expired"
		return
	}
	s := m.swarms[x.swarm]
	if s == nil {
		return
	}
	for _, e := range s.members {
		if e.raft {
			h.Info.Remotes = append(h.Info.Remotes, address(e.hostname)+":2377")
		}
	}
	if e := s.get(x.member); e != nil && e.raft {
		h.Info.Manager = true
		if m.quorum(s) {
			h.Info.ClusterID = s.id
		}
	}
}

func (m *model) view() *plan.View {
	for _, x := range m.machines {
		s := m.swarms[x.swarm]
		if !x.works() || x.silent || s == nil || !m.quorum(s) {
			continue
		}
		if e := s.get(x.member); e == nil || !e.raft {
			continue
		}
		v := &plan.View{ID: s.id, Via: x.node, AutoLock: s.key != 0, Rotating: s.rotating}
		leader := true
		for _, e := range s.members {
			n := engine.Node{
				ID: e.id, Hostname: e.hostname, Role: string(e.role), State: m.state(e),
				Availability: e.availability, Labels: maps.Clone(e.labels),
			}
			if e.raft {
				up := m.state(e) == "ready"
				n.Manager = &engine.ManagerStatus{Leader: leader && up, Reachability: map[bool]string{true: "reachable", false: "unreachable"}[up]}
				leader = leader && !up
			}
			v.Nodes = append(v.Nodes, n)
		}
		return v
	}
	return nil
}

// satisfies compares the world with the file, not with what Diff thinks of it.
func (m *model) satisfies(want *spec.Cluster) error {
	s := m.ours()
	if s == nil {
		return fmt.Errorf("there is no swarm with a quorum")
	}
	if lock := want.Swarm.Autolock; lock != nil && (lock.On != (s.key != 0) || lock.On && m.stored != s.key) {
		return fmt.Errorf("the swarm has unlock key %d, and %d is stored", s.key, m.stored)
	}
	for _, x := range m.machines {
		if x.swarm != "" && x.swarm != s.id {
			return fmt.Errorf("%s is in %s, the others in %s", x.name, x.swarm, s.id)
		}
	}
	if len(s.members) != len(want.Nodes) {
		var names []string
		for _, e := range s.members {
			names = append(names, e.id+" "+e.hostname)
		}
		return fmt.Errorf("members %q, want %d", names, len(want.Nodes))
	}
	if len(m.machines) != len(want.Nodes) {
		return fmt.Errorf("%d machines, want %d", len(m.machines), len(want.Nodes))
	}
	for _, n := range want.Nodes {
		x := m.of(plan.Step{Node: n.Name})
		if x == nil || !x.works() {
			return fmt.Errorf("%s has no machine that works", n.Name)
		}
		e := s.get(x.member)
		if e == nil || x.swarm != s.id {
			return fmt.Errorf("%s is no member", n.Name)
		}
		if e.role != n.Role || e.raft != (n.Role == spec.Manager) {
			return fmt.Errorf("%s is %s (raft %v), want %s", n.Name, e.role, e.raft, n.Role)
		}
		for k, v := range n.Labels {
			if e.labels[k] != v {
				return fmt.Errorf("%s has label %s=%q, want %q", n.Name, k, e.labels[k], v)
			}
		}
		if x.moved {
			return fmt.Errorf("%s is known by an address that it does not have", n.Name)
		}
		if x.inherits && e.labels["theirs"] == "" {
			return fmt.Errorf("%s has lost a label that is not ours", n.Name)
		}
		if _, ok := e.labels["ours-before"]; ok {
			return fmt.Errorf("%s still has a label of ours that left the file", n.Name)
		}
		if wish := string(n.Availability); wish != "" && e.availability != wish {
			return fmt.Errorf("%s is %s, want %s", n.Name, e.availability, wish)
		}
		rest, known := m.rest[e.id]
		if !known {
			rest = "active"
		}
		if n.Availability == "" && e.availability != rest {
			return fmt.Errorf("%s is %s, and was %s before", n.Name, e.availability, rest)
		}
		if _, ok := e.labels[plan.MarkBefore]; ok {
			return fmt.Errorf("%s still waits for its availability", n.Name)
		}
		if !n.Engine.Takes(x.version) {
			return fmt.Errorf("%s has engine %s, want %s", n.Name, x.version, n.Engine.Version)
		}
		p, err := daemon.Diff(x.settings, x.record, daemon.Live{Known: true}, plan.WantDaemon(n.Engine))
		if err != nil {
			return err
		}
		if !p.Empty() {
			return fmt.Errorf("%s works by %s", n.Name, x.settings)
		}
	}
	return nil
}
