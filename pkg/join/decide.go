package join

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
)

// A verdict is what to do with a host that shall be a member.
type verdict int

const (
	enter        verdict = iota // it is free: join
	stay                        // it is a member
	await                       // a join is under way
	leave                       // it takes itself for a member, or a join failed
	leaveByForce                // likewise, as a manager
)

// ForeignError is a host that is in another swarm, or may be.
type ForeignError struct {
	// ClusterID is that of the other swarm; "" where the host does not know it.
	ClusterID string
	// Remotes are the managers (host:port) that the host knows.
	Remotes []string
}

// Error names the swarm, or at least its managers.
func (e *ForeignError) Error() string {
	of := "whose managers it does not say"
	switch {
	case e.ClusterID != "":
		of = e.ClusterID
	case len(e.Remotes) > 0:
		of = "of the managers " + strings.Join(e.Remotes, ", ")
	}
	return "it is in another swarm, " + of
}

// decide tells what to do with a host, from what it says of itself and the
// nodes that the managers list. It knows the states of a host by both views:
// neither alone is the truth.
func decide(i engine.Info, nodes []engine.Node, r Request) (verdict, error) {
	entry := find(nodes, i.NodeID)
	switch i.State {
	case engine.Inactive, "":
		return enter, nil
	case engine.Locked:
		return enter, engine.ErrLocked
	case engine.Failed:
		if r.Certificate != "" && r.Certificate != r.ClusterID {
			return enter, &ForeignError{ClusterID: r.Certificate, Remotes: i.Remotes}
		}
		return leave, nil
	case engine.Pending, engine.Active:
	default:
		return enter, fmt.Errorf("the engine is in a state of its own: %q", i.State)
	}
	switch {
	case entry != nil && i.State == engine.Active:
		return stay, nil
	case entry != nil, i.NodeID == "":
		return await, nil
	case i.ClusterID != "" && i.ClusterID != r.ClusterID:
		return enter, &ForeignError{ClusterID: i.ClusterID, Remotes: i.Remotes}
	case r.Certificate != "" && r.Certificate != r.ClusterID:
		return enter, &ForeignError{ClusterID: r.Certificate, Remotes: i.Remotes}
	}
	return forgotten(i, nodes, r)
}

// forgotten is about a host whose ID the managers do not know, so that they
// have removed it. To throw away a manager's state takes proof of whose it is.
func forgotten(i engine.Info, nodes []engine.Node, r Request) (verdict, error) {
	proven := r.ClusterID != "" && (i.ClusterID == r.ClusterID || r.Certificate == r.ClusterID)
	switch {
	case i.Manager && proven:
		return leaveByForce, nil
	case i.Manager:
		return enter, fmt.Errorf("it takes itself for a manager of a swarm without a leader, and for a node that this swarm does not know: %w", engine.ErrNoLeader)
	case proven || acquainted(i.Remotes, nodes):
		return leave, nil
	}
	return enter, &ForeignError{Remotes: i.Remotes}
}

// acquainted says whether one of the managers that a host knows is one of ours.
func acquainted(remotes []string, nodes []engine.Node) bool {
	return slices.ContainsFunc(nodes, func(n engine.Node) bool {
		return n.Manager != nil && slices.Contains(remotes, n.Manager.Addr)
	})
}

// find gives the entry of that ID; nil if there is none.
func find(nodes []engine.Node, id string) *engine.Node {
	for k := range nodes {
		if id != "" && nodes[k].ID == id {
			return &nodes[k]
		}
	}
	return nil
}
