package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// status is what "swarmup status" shows.
type status struct {
	Cluster string `json:"cluster"`
	// Swarm is Cluster.ID; "" while no manager with a quorum answers.
	Swarm string       `json:"swarm,omitempty"`
	Via   string       `json:"via,omitempty"`   // the manager that was asked
	Found []plan.Found `json:"found,omitempty"` // about the swarm as a whole
	Nodes []nodeStatus `json:"nodes"`
}

// nodeStatus is one line of it.
type nodeStatus struct {
	Node string `json:"node"`
	Role string `json:"role,omitempty"`
	// State is the swarm's word for a member (ready, down, ...), else how far
	// the machine is: absent, off, silent, barred, no engine, engine stopped,
	// not joined.
	State        string `json:"state"`
	Availability string `json:"availability,omitempty"`
	Engine       string `json:"engine,omitempty"` // its version
	Address      string `json:"address,omitempty"`
	Machine      string `json:"machine,omitempty"`
	ID           string `json:"id,omitempty"` // NodeID
	Leader       bool   `json:"leader,omitempty"`
	// Unknown means that the machine could not be asked.
	Unknown bool   `json:"unknown,omitempty"`
	Note    string `json:"note,omitempty"`
	// Situation is what weighs most of Found (docs/states.md).
	Situation plan.Situation `json:"situation"`
	Found     []plan.Found   `json:"found"`
}

// statusOf puts together what is known of every node: those of the file in its
// order, then other machines of the cluster, then other members of the swarm.
func statusOf(want *spec.Cluster, have plan.State) status {
	s := status{Cluster: want.Name, Nodes: []nodeStatus{}}
	if have.Swarm != nil {
		s.Swarm, s.Via = have.Swarm.ID, have.Swarm.Via
	}
	m := matcher{want: want, have: have, shown: map[string]bool{}, standing: plan.Classify(want, have)}
	s.Found = m.found(plan.Standing{})
	for _, n := range want.Nodes {
		hosts := m.hosts(n.Name)
		if len(hosts) == 0 {
			s.Nodes = append(s.Nodes, m.line(plan.Host{Node: n.Name}, &n))
		}
		for _, h := range hosts {
			s.Nodes = append(s.Nodes, m.line(h, &n))
		}
	}
	for _, h := range have.Hosts {
		if _, ok := want.Node(h.Node); !ok {
			s.Nodes = append(s.Nodes, m.line(h, nil))
		}
	}
	if have.Swarm != nil {
		for _, e := range have.Swarm.Nodes {
			if !m.shown[e.ID] {
				s.Nodes = append(s.Nodes, m.stranger(e))
			}
		}
	}
	return s
}

// matcher finds what belongs together and remembers which members were shown.
type matcher struct {
	want  *spec.Cluster
	have  plan.State
	shown map[string]bool // NodeID

	standing []plan.Standing
}

// found gives what was found of whom the names are: of a host by its node and
// machine, of an entry without a host by its NodeID.
func (m matcher) found(of plan.Standing) []plan.Found {
	for _, s := range m.standing {
		byHost := of.Member == "" && s.Node == of.Node && s.Machine == of.Machine && (s.Node+s.Machine != "" || s.Member == "")
		if byHost || of.Member != "" && s.Member == of.Member {
			return s.Found
		}
	}
	return nil
}

// judged takes over what was found.
func (s *nodeStatus) judged(found []plan.Found) {
	s.Found = found
	if len(found) > 0 {
		s.Situation = found[0].Situation
	}
}

func (m matcher) hosts(node string) []plan.Host {
	var out []plan.Host
	for _, h := range m.have.Hosts {
		if h.Node == node {
			out = append(out, h)
		}
	}
	return out
}

// member finds the host's entry in the swarm: by what the host says itself,
// else by the mark on the entry.
func (m matcher) member(h plan.Host) *engine.Node {
	if m.have.Swarm == nil {
		return nil
	}
	id := cmp.Or(h.Info.NodeID, h.Cert.Node)
	i := slices.IndexFunc(m.have.Swarm.Nodes, func(e engine.Node) bool {
		if h.Answer == plan.Answered {
			return id != "" && e.ID == id
		}
		return h.Node != "" && e.Labels[plan.MarkCluster] == m.want.Name && e.Labels[plan.MarkNode] == h.Node && !m.shown[e.ID]
	})
	if i < 0 {
		return nil
	}
	return &m.have.Swarm.Nodes[i]
}

// line is about one host; n is its node in the file, nil if it has none.
func (m matcher) line(h plan.Host, n *spec.Node) nodeStatus {
	out := nodeStatus{
		Node: h.Node, Machine: h.Machine.Name, Address: h.Machine.Address, Engine: h.Info.Version,
		State: stateOf(h), Unknown: h.Answer == plan.Silent || h.Answer == plan.Barred,
	}
	out.judged(m.found(plan.Standing{Node: h.Node, Machine: h.Machine.Name}))
	var notes []string
	if n == nil {
		notes = append(notes, "not in the file")
	} else {
		out.Role = string(n.Role)
		out.Address = cmp.Or(out.Address, n.Address)
	}
	if e := m.member(h); e != nil {
		m.shown[e.ID] = true
		out.member(*e)
		notes = append(notes, managerNote(*e))
		if e.Labels[plan.MarkLeaving] != "" {
			notes = append(notes, "gives way to another machine, apply goes on with that")
		}
		if n != nil && e.Role != string(n.Role) {
			notes = append(notes, "the file says "+string(n.Role))
		}
	}
	if out.Unknown {
		notes = append(notes, "could not be asked")
	}
	out.Note = joined(append(notes, h.Why, h.Info.Error))
	return out
}

// stranger is a member of the swarm that no host claims.
func (m matcher) stranger(e engine.Node) nodeStatus {
	out := nodeStatus{Node: cmp.Or(e.Labels[plan.MarkNode], e.Hostname)}
	out.member(e)
	out.judged(m.found(plan.Standing{Member: e.ID}))
	note := "not made by swarmup"
	if e.Labels[plan.MarkCluster] == m.want.Name {
		note = "its machine is gone"
	}
	out.Note = joined([]string{managerNote(e), note})
	return out
}

// member takes over what the swarm says.
func (s *nodeStatus) member(e engine.Node) {
	s.ID, s.Role, s.State, s.Availability = e.ID, e.Role, e.State, e.Availability
	s.Engine = cmp.Or(s.Engine, e.Version)
	s.Address = cmp.Or(s.Address, e.Addr)
	s.Leader = e.Manager != nil && e.Manager.Leader
}

func managerNote(e engine.Node) string {
	switch {
	case e.Manager == nil:
		return ""
	case e.Manager.Leader:
		return "leader"
	case e.Manager.Reachability != "reachable":
		return "manager " + e.Manager.Reachability
	}
	return ""
}

// stateOf says how far a machine is that the swarm says nothing of.
func stateOf(h plan.Host) string {
	switch h.Answer {
	case plan.Off:
		return "off"
	case plan.Silent, plan.Barred:
		return string(h.Answer)
	case plan.Answered:
	default:
		return "absent"
	}
	switch h.Engine {
	case plan.EngineAbsent:
		return "no engine"
	case plan.EngineStopped:
		return "engine stopped"
	case plan.EngineRunning:
	}
	switch h.Info.State {
	case engine.Pending:
		return "joining"
	case engine.Active:
		return "member" // and no manager that could say more
	case engine.Failed, engine.Locked:
		return string(h.Info.State)
	case engine.Inactive:
	}
	return "not joined"
}

// joined puts remarks into one, without the empty ones.
func joined(notes []string) string {
	return strings.Join(slices.DeleteFunc(notes, func(n string) bool { return n == "" }), "; ")
}
