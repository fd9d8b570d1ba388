package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Underway says what the swarm has not come to an end with about one of its
// members; "" where all is at rest. It passes, or somebody is in its way: in
// either case nothing else is to be begun about that member before.
func Underway(e engine.Node) string {
	manager := e.Role == string(spec.Manager)
	switch {
	case e.State != "ready":
		return "the swarm calls it " + e.State
	case !manager && e.Manager != nil:
		return "its demotion has not come to an end"
	case manager && e.Manager == nil:
		return "its promotion has not come to an end"
	case e.Manager != nil && e.Manager.Reachability != "reachable":
		return "the other managers do not reach it"
	}
	return ""
}

// UnheardOf says of which members a new leader has not heard yet, sorted: it calls
// all of them unknown for a while (swarmkit manager/dispatcher/dispatcher.go,
// markNodesUnknown). Entries without a name were never heard of.
func UnheardOf(nodes []engine.Node) (names []string) {
	for _, e := range nodes {
		if e.State == "unknown" && e.Hostname != "" {
			names = append(names, e.Hostname)
		}
	}
	slices.Sort(names)
	return names
}

// newLeader plans to wait where the leader has heard of nobody yet: what it says
// of its members is worth nothing then.
func (l *liveDiff) newLeader() bool {
	unheard := UnheardOf(l.have.Swarm.Nodes)
	ready := slices.ContainsFunc(l.have.Swarm.Nodes, func(e engine.Node) bool { return e.State == "ready" })
	if ready || len(unheard) == 0 {
		return false
	}
	l.add(Step{Action: Settle, Why: fmt.Sprintf("%s: the managers have yet to hear from %s", NewLeader, list(unheard))})
	l.partial = true
	return true
}

// settle plans to wait for a member that the swarm is not at rest about though
// its own engine works, and returns the step after which it is. What a step of
// its own waits for is left to that.
func (l *liveDiff) settle(p pair, ready string) string {
	h, e := p.host, p.entry
	if h.Answer != Answered || h.Engine != EngineRunning || h.Info.State != engine.Active {
		return ready
	}
	why := Underway(*e)
	wanted := e.Role == string(p.node.Role)
	switch {
	case why != "" && e.State != "ready", e.Manager != nil && why != "" && p.node.Role == spec.Manager:
	case e.Role == string(spec.Manager) && e.Manager == nil && !wanted:
		// Until it is one, engines refuse to demote it (swarmkit
		// manager/controlapi/node.go).
	case e.Role == string(spec.Worker) && h.Cert.Role == string(spec.Manager) && !wanted:
		why = "its certificate says manager still"
	default:
		return ready
	}
	found := l.standing(p).Found
	return l.add(Step{
		Action: Settle, Node: p.node.Name, Role: p.node.Role, Machine: machineOf(h), Member: e.ID,
		Why: fmt.Sprintf("%s: %s", found[0].Situation, why), After: []string{ready},
	})
}

// settleLater has all that is waited for come behind what gives the swarm its
// quorum back: a demotion does not end while it would cost that.
func (l *liveDiff) settleLater() {
	for i := range l.steps {
		if l.steps[i].Action == Settle {
			l.steps[i].Behind = edges(slices.Concat(l.steps[i].Behind, l.buried, l.healed))
		}
	}
}

// demoting says whether a manager is about to become a worker already: a second
// one would have to wait.
func (l *liveDiff) demoting() bool {
	return slices.ContainsFunc(l.have.Swarm.Nodes, func(e engine.Node) bool {
		return e.Manager != nil && e.Role == string(spec.Worker)
	})
}

// resting gives the step that a change of labels waits for: that of settle, if
// there is one. An engine that is configured can be labelled meanwhile.
func (l *liveDiff) resting(ready string) []string {
	if strings.HasPrefix(ready, string(Settle)+"/") {
		return []string{ready}
	}
	return nil
}
