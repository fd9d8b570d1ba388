package plan

import (
	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Action is what a step does.
type Action string

// The actions, in the order of a node's life.
const (
	Create      Action = "create"      // make a machine
	Start       Action = "start"       // switch a machine on
	Connect     Action = "connect"     // wait until it lets us in
	Install     Action = "install"     // put an engine on it
	Configure   Action = "configure"   // daemon.json and a running engine
	Init        Action = "init"        // make the swarm
	Join        Action = "join"        // become a member, paused
	Label       Action = "label"       // node labels, marks and availability, in one update
	Unlock      Action = "unlock"      // give a locked manager its key
	StoreKey    Action = "store-key"   // keep the swarm's unlock key where the file says
	Settle      Action = "settle"      // wait until the swarm has come to an end with what it does
	Mark        Action = "mark"        // note on a member's entry that another takes its place
	Settings    Action = "settings"    // the swarm's own settings, in one update
	Promote     Action = "promote"     // worker to manager
	Demote      Action = "demote"      // manager to worker
	Drain       Action = "drain"       // no tasks any more
	Upgrade     Action = "upgrade"     // another version of the engine
	Restart     Action = "restart"     // engine settings that only a restart brings
	Restore     Action = "restore"     // the availability that it had before a drain
	Leave       Action = "leave"       // leave the swarm
	Forget      Action = "forget"      // remove an entry from the swarm's node list
	Unconfigure Action = "unconfigure" // take our keys out of daemon.json
	Delete      Action = "delete"      // destroy a machine
	Sweep       Action = "sweep"       // remove the entries of joins that never finished
	Clean       Action = "clean"       // remove what the provider keeps for the whole cluster
	Verify      Action = "verify"      // wait until the managers show what the file says
)

// Step is one change. It is data: rendering and doing it happen elsewhere.
type Step struct {
	ID     string `json:"id"`
	Action Action `json:"action"`
	// Node is the node's name; "" for steps about the whole cluster.
	Node string    `json:"node,omitempty"`
	Role spec.Role `json:"role,omitempty"`
	// Machine names the machine where it exists already.
	Machine string `json:"machine,omitempty"`
	// Member is the NodeID of the entry that the step is about.
	Member string `json:"member,omitempty"`
	// Formerly is the NodeID of the entry that the member had before it left and
	// joined again; what others than swarmup wrote there comes along.
	Formerly string `json:"formerly,omitempty"`
	// Why says in a few words what makes the step necessary; "" where the
	// action says it all.
	Why string `json:"why,omitempty"`
	// Changes are what will be different, where it can be known before.
	Changes []Change `json:"changes,omitempty"`
	// Return drains note the availability on the node, for the Restore that gives it
	// back, or for the Label of a member that joins again.
	Return bool `json:"return,omitempty"`
	// Downgrade lets the version of an engine become an older one.
	Downgrade bool `json:"downgrade,omitempty"`
	// Effect is what a Configure or Restart does to a running engine.
	Effect daemon.Effect `json:"effect,omitempty"`
	// Maybe steps are for a host that did not answer: they look first, and do
	// nothing where all is well.
	Maybe bool `json:"maybe,omitempty"`
	// Await is for forgetting an entry whose machine is gone: the swarm has to
	// call it down first.
	Await bool `json:"await,omitempty"`
	// Force is for leaving a swarm that is taken down, and for a manager that
	// cannot know what the others have decided, or is left over from what the swarm
	// was: the view of the others alone counts.
	Force bool `json:"force,omitempty"`
	// After are the steps that must have succeeded before.
	After []string `json:"after,omitempty"`
	// Behind are the steps that must have ended before, well or not.
	Behind []string `json:"behind,omitempty"`
}

// Change is one value that becomes another. From and To are "" where there was
// or will be none.
type Change struct {
	What string `json:"what"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Finding is a remark about a node, or about the whole cluster where Node is "".
type Finding struct {
	Node string `json:"node,omitempty"`
	Text string `json:"text"`
	// Hint is what the user can do about it; "" where nothing can be said.
	Hint string `json:"hint,omitempty"`
	// Err is the error behind Text, for hints of those who know its type; nil
	// where there is none.
	Err error `json:"-"`
}

// Plan is what has to be done, in an order that can be read from top to bottom.
type Plan struct {
	Cluster  string `json:"cluster"`
	Teardown bool   `json:"teardown,omitempty"`
	Steps    []Step `json:"steps"`
	// Adopt are updates that only put our marks on members which are as the file
	// says: nothing changes but labels of ours, so that they are no change. An
	// apply does them beside Steps.
	Adopt []Step `json:"adopt,omitempty"`
	// Refused is why nothing may be done at all. There are no steps then.
	Refused []Finding `json:"refused,omitempty"`
	// Blocked is what should be done and cannot be now.
	Blocked []Finding `json:"blocked,omitempty"`
	// Drift is what differs from the file and is not changed unasked.
	Drift []Finding `json:"drift,omitempty"`
	// Replaces are the nodes whose machine or host gives way to another.
	Replaces []string `json:"replaces,omitempty"`
	// Loses is what goes with nodes that are removed or replaced. Diff leaves it
	// empty: it has to be asked for.
	Loses []Loss `json:"loses,omitempty"`
	// Notes are remarks that change nothing.
	Notes []Finding `json:"notes,omitempty"`
	// Partial means that more will be known, and planned, after these steps.
	Partial bool `json:"partial,omitempty"`
}

// Idle says whether an apply has nothing to do at all.
func (p Plan) Idle() bool { return len(p.Steps)+len(p.Adopt) == 0 }

// Empty says whether there is nothing to change and nothing in the way.
func (p Plan) Empty() bool {
	return len(p.Steps) == 0 && len(p.Refused) == 0 && len(p.Blocked) == 0
}

// Removes lists the nodes, each once and in plan order, that the plan takes out
// of the cluster or whose machine it destroys. A manager that leaves by force what
// is left of its swarm, to join the one that goes on, is none of them.
func (p Plan) Removes() []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range p.Steps {
		leaves := s.Action == Leave && (p.Teardown || !s.Force)
		if (s.Action == Delete || leaves) && !seen[s.Node] {
			seen[s.Node] = true
			out = append(out, s.Node)
		}
	}
	return out
}

// Options change what Diff plans.
type Options struct {
	// Teardown plans against an empty wish: everything of the cluster goes,
	// without drain, demotion or quorum.
	Teardown bool
	// Prune also removes members that swarmup did not make, and forgets marked
	// ones that are down and do not answer.
	Prune bool
	// AllowDowngrade lets engines become older, which Docker does not support.
	AllowDowngrade bool
	// Replace names nodes of the file whose machine gives way to a new one. It is
	// consent to destroy what cannot be asked, once the swarm calls it down.
	Replace []string
}
