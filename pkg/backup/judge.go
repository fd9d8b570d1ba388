package backup

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// RefusedError is why nothing is done.
type RefusedError struct {
	Text string
	// Hint is what the user can do instead; "" where nothing can be said.
	Hint string
}

// Error is why.
func (e *RefusedError) Error() string { return e.Text }

func refusef(hint, format string, args ...any) error {
	return &RefusedError{Text: fmt.Sprintf(format, args...), Hint: hint}
}

// Wish is which manager a backup is taken from.
type Wish struct {
	Node string // "" leaves the choice
	// Downtime allows to stop a manager that the swarm cannot do without for a
	// moment, or its leader.
	Downtime bool
	Now      time.Time
}

// Choose gives what a backup will be of: a manager that is not the leader, while
// the rest can go on without it. A *RefusedError says why there is none.
func Choose(want *spec.Cluster, have plan.State, w Wish) (Manifest, error) {
	if have.Swarm == nil {
		return Manifest{}, refusef("swarmup status says what is missing", "no manager answered that has a leader")
	}
	if err := spare(have.Swarm.Nodes, w); err != nil {
		return Manifest{}, err
	}
	var leader *Manifest
	var others []string
	for _, h := range have.Hosts {
		e := entryOf(have.Swarm, h)
		if e == nil || e.Manager == nil || e.Manager.Reachability != "reachable" && !e.Manager.Leader || w.Node != "" && w.Node != h.Node {
			continue
		}
		m := Manifest{
			Format: Format, Cluster: want.Name, SwarmID: have.Swarm.ID, Node: h.Node, NodeID: e.ID,
			Address: h.Info.NodeAddr, Engine: h.EngineVersion, Time: w.Now.UTC(), Locked: have.Swarm.AutoLock,
		}
		if !e.Manager.Leader {
			return m, nil
		}
		leader = &m
		others = append(others, h.Node)
	}
	switch {
	case leader != nil && (w.Downtime || w.Node == ""):
		return *leader, nil
	case leader != nil:
		return Manifest{}, refusef("name another manager, or none; --allow-downtime takes the leader: the swarm is without one for some 12 s then", "%s is the leader", strings.Join(others, ""))
	case w.Node != "":
		return Manifest{}, refusef("", "%q is no manager that works and can be asked", w.Node)
	}
	return Manifest{}, refusef("", "no manager works that can be asked")
}

// spare says why no manager can be spared; nil if one can.
func spare(nodes []engine.Node, w Wish) error {
	all, reachable := 0, 0
	for _, n := range nodes {
		if n.Manager != nil {
			all++
			if n.Manager.Leader || n.Manager.Reachability == "reachable" {
				reachable++
			}
		}
	}
	if reachable-1 >= all/2+1 || w.Downtime {
		return nil
	}
	return refusef("--allow-downtime does it: meanwhile nothing can be changed, and no task is moved",
		"%d of %d managers work: with one of them stopped the swarm would have no leader", reachable, all)
}

func entryOf(v *plan.View, h plan.Host) *engine.Node {
	if h.Answer != plan.Answered || h.Info.NodeID == "" {
		return nil
	}
	i := slices.IndexFunc(v.Nodes, func(e engine.Node) bool { return e.ID == h.Info.NodeID })
	if i < 0 {
		return nil
	}
	return &v.Nodes[i]
}

// MayRestore says why a backup may not become the swarm of that node; nil if it
// may. The node has to have the address of the manager that was saved: an init with
// --force-new-cluster does not change the one in the raft log, whatever address it
// is given (seen on Engine 26.1). With force a host that is in a swarm without a leader gives it up.
func MayRestore(m Manifest, have plan.State, node string, force bool) error {
	if have.Swarm != nil {
		return refusef("swarmup apply mends it; to go back in time, destroy it first", "the swarm %s lives: by its manager %s it has a leader", have.Swarm.ID, have.Swarm.Via)
	}
	for _, h := range have.Hosts {
		if id := h.Info.ClusterID; h.Answer == plan.Answered && id != "" {
			return refusef("leave it first", "%s is in the swarm %s, which lives", h.Node, id)
		}
	}
	i := slices.IndexFunc(have.Hosts, func(h plan.Host) bool { return h.Node == node })
	switch {
	case i < 0:
		return refusef("apply makes machines that are missing", "there is no machine of %q", node)
	case have.Hosts[i].Answer != plan.Answered:
		return refusef("", "%s cannot be asked: %s", node, have.Hosts[i].Why)
	}
	h := have.Hosts[i]
	switch {
	case h.Engine != plan.EngineRunning:
		return refusef("", "the engine of %s is %s", node, h.Engine)
	case h.Info.State != engine.Inactive && !force:
		return refusef("--force throws that away", "%s is in a swarm (%s)", node, h.Info.State)
	case m.Address != "" && h.Machine.Address != m.Address && len(preflight.Chosen(h.Addresses, m.Address)) == 0:
		return refusef("restore it to the machine that has that address, or give it to "+node,
			"the backup is of a manager at %s, and %s does not have that address: engines keep it, and others would not find it", m.Address, node)
	case m.Engine != "" && spec.CompareVersions(m.Engine, h.EngineVersion) > 0:
		return refusef("upgrade its engine first", "the backup is of engine %s, and %s has the older %s", m.Engine, node, h.EngineVersion)
	}
	return nil
}
