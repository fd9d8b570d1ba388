package plan

import (
	"fmt"
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Diff gives the steps that make the world what the file says. The same input
// gives the same plan, to the byte. Nothing destructive is planned for a host
// that did not answer: it is in Blocked, with the reason. Diff may be called
// concurrently and keeps neither of its arguments.
func Diff(want *spec.Cluster, have State, opt Options) Plan {
	d := newDiffer(want, have, opt)
	switch {
	case opt.Teardown:
		d.teardown()
	case d.refuse():
	case d.have.Swarm != nil:
		d.live()
	case d.reveal():
		d.partial = true
	case !d.lost() && d.mayInit():
		d.fresh()
	}
	d.awaitPlaces()
	return d.plan()
}

// differ holds what one Diff works on. It lives as long as the call.
type differ struct {
	want *spec.Cluster
	have State
	opt  Options

	pairs   []pair         // the nodes of the file, in its order
	leavers []*leaver      // hosts of nodes of the file that others take the place of
	extras  []Host         // hosts that are no node of the file, or one too many
	entries []engine.Node  // entries of the swarm that no host claims
	claimed map[string]int // NodeID -> how many hosts claim it

	rolls   []rolling // members whose engine has to stop for a moment
	steps   []Step
	refused []Finding
	blocked []Finding
	adopted []Step // updates that only mark
	drift   []Finding
	notes   []Finding
	partial bool
}

// pair is a node of the file with what there is of it.
type pair struct {
	node  spec.Node
	host  *Host        // nil: no machine yet
	entry *engine.Node // its entry in the swarm; nil: none
	// stale are entries that were this node's and are nobody's now.
	stale []engine.Node
}

func newDiffer(want *spec.Cluster, have State, opt Options) *differ {
	d := &differ{want: want, have: have, opt: opt, claimed: map[string]int{}}
	for _, h := range have.Hosts {
		if id := h.nodeID(); id != "" {
			d.claimed[id]++
		}
	}
	d.match()
	return d
}

func (d *differ) plan() Plan {
	p := Plan{
		Cluster: d.want.Name, Teardown: d.opt.Teardown, Partial: d.partial,
		Refused: d.refused, Blocked: d.blocked, Notes: d.notes,
	}
	if len(d.refused) == 0 {
		d.differing()
		p.Steps, p.Adopt, p.Drift, p.Replaces = inOrder(d.steps), d.adopted, d.drift, d.replaces()
	}
	if p.Steps == nil {
		p.Steps = []Step{} // [] in JSON, never null
	}
	return p
}

// add puts a step into the plan and returns its ID. Edges to "" are left out.
func (d *differ) add(s Step) string {
	if s.ID == "" {
		s.ID = string(s.Action)
		if s.Node != "" {
			s.ID += "/" + s.Node
		}
	}
	s.After = edges(s.After)
	s.Behind = edges(s.Behind)
	d.steps = append(d.steps, s)
	return s.ID
}

func edges(ids []string) []string {
	var out []string
	for _, id := range ids {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

func (d *differ) block(node, hint, format string, args ...any) {
	d.blocked = append(d.blocked, Finding{Node: node, Text: fmt.Sprintf(format, args...), Hint: hint})
}

func (d *differ) refusef(node, hint, format string, args ...any) {
	d.refused = append(d.refused, Finding{Node: node, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// because is block for what a host that could not be asked holds up.
func (d *differ) because(h Host, hint, format string, args ...any) {
	d.block(h.name(), hint, format, args...)
	d.blocked[len(d.blocked)-1].Err = h.Err
}

// nodeID is the member that the host itself says it is; "" for none.
func (h Host) nodeID() string {
	if h.Answer != Answered {
		return ""
	}
	if h.Info.NodeID != "" {
		return h.Info.NodeID
	}
	return h.Cert.Node
}

// clusterID is the swarm that the host itself says it is in; "" for none, or
// where it does not know.
func (h Host) clusterID() string {
	if h.Answer != Answered {
		return ""
	}
	if h.Info.ClusterID != "" {
		return h.Info.ClusterID
	}
	return h.Cert.Cluster
}

// member says whether the host believes to be in a swarm, or on its way into one.
func (h Host) member() bool {
	if h.Answer != Answered {
		return false
	}
	switch h.Engine {
	case EngineRunning:
		failed := h.Info.State == engine.Failed && h.nodeID() == "" // a join that came to nothing
		return h.Info.State != engine.Inactive && h.Info.State != "" && !failed
	default:
		return h.Cert.Node != ""
	}
}

// name is how the host is called in steps and messages.
func (h Host) name() string {
	if h.Node != "" {
		return h.Node
	}
	return h.Machine.Name
}
