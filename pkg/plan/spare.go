package plan

import (
	"fmt"
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
)

// spare says why the raft group cannot do without one of its members now; ""
// where it can. It is swarmkit's own rule (manager/state/raft/raft.go,
// CanRemoveMember) for what will be there when it comes to that: those that are
// given up count no more, those that this plan adds count already. Where managers
// are started again the step itself looks.
func (l *liveDiff) spare(e engine.Node) string {
	if len(l.healed) > 0 {
		return ""
	}
	others := len(l.grown) - l.again
	reachable := others
	for _, o := range l.have.Swarm.Nodes {
		if o.Manager == nil || o.ID == e.ID || slices.Contains(l.buried, "forget/"+o.ID) || slices.Contains(l.going, o.ID) {
			continue
		}
		others++
		if o.Manager.Reachability == "reachable" {
			reachable++
		}
	}
	switch need := others/2 + 1; {
	case others == 0:
		return "it is the only manager"
	case reachable < need:
		return fmt.Sprintf("%d of the %d other managers can be reached, and %d are needed", reachable, others, need)
	}
	return ""
}

// missed says whether a manager stays because too many of the others are missed,
// and says so. One that does not stay counts no more.
func (l *liveDiff) missed(node string, e engine.Node) bool {
	why := l.spare(e)
	if why != "" {
		l.block(node, "bring the managers back that are not reached", "%s stays a manager: %s", node, why)
	}
	if why == "" {
		l.going = append(l.going, e.ID)
	}
	return why != ""
}
