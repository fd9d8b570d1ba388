package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Loss is what goes with a node that is removed, or whose machine is replaced.
type Loss struct {
	Node string `json:"node"`
	// Volumes are on the disk of its machine, each with who has it; More is how
	// many there are besides.
	Volumes []string `json:"volumes,omitempty"`
	More    int      `json:"more,omitempty"`
	// Services are those that no other node may run, each with what says so.
	Services []string `json:"services,omitempty"`
	// Unknown is why its machine could not be asked; "" where it was.
	Unknown string `json:"unknown,omitempty"`
}

// Departure is a node that leaves the swarm, or whose machine is destroyed.
type Departure struct {
	Node    string
	Machine string
	Member  string // NodeID of its entry; "" where it has none
	Deleted bool   // its machine is destroyed, with what is on its disk
}

// Departures lists what Removes names, with more about it. A member that only
// leaves to join again is none.
func (p Plan) Departures() []Departure {
	var out []Departure
	at := func(s Step) *Departure {
		for i := range out {
			if out[i].Node == s.Node && out[i].Machine == s.Machine {
				return &out[i]
			}
		}
		out = append(out, Departure{Node: s.Node, Machine: s.Machine})
		return &out[len(out)-1]
	}
	for _, s := range p.Steps {
		switch s.Action {
		case Delete:
			at(s).Deleted = true
		case Leave, Drain:
			if d := at(s); s.Member != "" {
				d.Member = s.Member
			}
		default:
		}
	}
	for _, s := range p.Steps {
		for i := range out {
			if d := &out[i]; s.Action == Forget && d.Node == s.Node && d.Member == "" {
				d.Member = s.Member
			}
		}
	}
	out = slices.DeleteFunc(out, func(d Departure) bool {
		left := slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Action == Leave && s.Node == d.Node && s.Machine == d.Machine })
		back := slices.ContainsFunc(p.Steps, func(s Step) bool {
			return s.Action == Join && d.Member != "" && s.Formerly == d.Member && s.Machine == d.Machine
		})
		return !d.Deleted && (!left || back)
	})
	if len(out) == 0 {
		return nil
	}
	return out
}

// place is a node as the constraints of services see it.
type place struct {
	id, hostname, role string
	labels, engine     map[string]string
}

// Bound gives, by the NodeID of members that go, the services which they may run
// and no node that stays or comes may, each with the constraints that say so,
// sorted. What a constraint says of platforms and addresses counts as met.
func Bound(want *spec.Cluster, have *View, p Plan, services []engine.Service) map[string][]string {
	if have == nil || p.Teardown {
		return nil
	}
	going := map[string]bool{}
	for _, d := range p.Departures() {
		going[d.Member] = true
	}
	for _, s := range p.Steps {
		if s.Action == Forget && s.Formerly == "" {
			going[s.Member] = true
		}
	}
	var stays []place
	for _, e := range have.Nodes {
		if !going[e.ID] {
			stays = append(stays, placeOf(e))
		}
	}
	for _, s := range p.Steps {
		if n, ok := want.Node(s.Node); ok && s.Action == Join {
			stays = append(stays, newcomer(n, want.Provider.Name, have, s.Formerly))
		}
	}
	out := map[string][]string{}
	for _, s := range services {
		can := func(at place) bool {
			return !slices.ContainsFunc(s.Constraints, func(c string) bool { return !met(c, at) })
		}
		if len(s.Constraints) == 0 || slices.ContainsFunc(stays, can) {
			continue
		}
		for _, e := range have.Nodes {
			if going[e.ID] && can(placeOf(e)) {
				out[e.ID] = append(out[e.ID], s.Name+" ("+strings.Join(s.Constraints, ", ")+")")
			}
		}
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}

func placeOf(e engine.Node) place {
	return place{id: e.ID, hostname: e.Hostname, role: e.Role, labels: e.Labels, engine: e.EngineLabels}
}

// newcomer is a node of the file that joins: it has the file's labels, and those
// of the entry whose place it takes. Machines that are made have its name.
func newcomer(n spec.Node, provider string, have *View, formerly string) place {
	out := place{hostname: n.Name, role: string(n.Role), labels: map[string]string{}, engine: n.Engine.Labels}
	if provider == "ssh" {
		out.hostname = ""
	}
	for _, e := range have.Nodes {
		if e.ID == formerly && formerly != "" {
			maps.Copy(out.labels, e.Labels)
		}
	}
	maps.Copy(out.labels, n.Labels)
	return out
}

// met says whether a node meets a constraint. Values are compared without regard
// to case (moby swarmkit manager/constraint/constraint.go).
func met(constraint string, at place) bool {
	key, want, differs := strings.Cut(constraint, "!=")
	if !differs {
		key, want, _ = strings.Cut(constraint, "==")
	}
	key, want = strings.TrimSpace(key), strings.TrimSpace(want)
	var have string
	switch lower := strings.ToLower(key); {
	case lower == "node.id":
		have = at.id
	case lower == "node.hostname":
		have = at.hostname
	case lower == "node.role":
		have = at.role
	case strings.HasPrefix(lower, "node.labels."):
		have = at.labels[key[len("node.labels."):]]
	case strings.HasPrefix(lower, "engine.labels."):
		have = at.engine[key[len("engine.labels."):]]
	default:
		return true
	}
	return strings.EqualFold(have, want) != differs
}
