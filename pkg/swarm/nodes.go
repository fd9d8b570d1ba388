package swarm

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Nodes asks a manager for all nodes, sorted by hostname, then ID. They come
// from the leader: without one it takes 20 s and is engine.ErrNoLeader.
func (e *Engine) Nodes(ctx context.Context) ([]engine.Node, error) {
	var nodes []engine.Node
	err := read(ctx, "list nodes", func(ctx context.Context) error {
		list, err := e.api.NodeList(ctx, swarm.NodeListOptions{})
		for _, n := range list {
			nodes = append(nodes, nodeOf(n))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(nodes, func(a, b engine.Node) int {
		return cmp.Or(cmp.Compare(a.Hostname, b.Hostname), cmp.Compare(a.ID, b.ID))
	})
	return nodes, nil
}

func nodeOf(n swarm.Node) engine.Node {
	node := engine.Node{
		ID:           n.ID,
		Hostname:     n.Description.Hostname,
		Addr:         n.Status.Addr,
		Role:         string(n.Spec.Role),
		Availability: string(n.Spec.Availability),
		State:        string(n.Status.State),
		Message:      n.Status.Message,
		Labels:       n.Spec.Labels,
		EngineLabels: n.Description.Engine.Labels,
		Version:      n.Description.Engine.EngineVersion,
		Issuer:       string(n.Description.TLSInfo.CertIssuerPublicKey),
		Created:      n.CreatedAt,
		Index:        n.Version.Index,
	}
	if m := n.ManagerStatus; m != nil {
		node.Manager = &engine.ManagerStatus{Leader: m.Leader, Reachability: string(m.Reachability), Addr: m.Addr}
	}
	return node
}

// UpdateNode changes a node through a manager. change may be called several
// times, each time with what holds now and never with nil Labels; what it
// leaves alone stays, and if it leaves all alone nothing is sent. An unknown ID
// is engine.ErrNotFound, a demotion that breaks the control plane is
// engine.ErrQuorum.
func (e *Engine) UpdateNode(ctx context.Context, id string, change func(*engine.NodeSpec)) error {
	return update(ctx, "update node", func(ctx context.Context) (post, error) {
		got, err := e.node(ctx, id)
		if err != nil {
			return nil, err
		}
		spec, changed := changed(got.Spec, change)
		if !changed {
			return nil, nil
		}
		return func(ctx context.Context) error { return e.api.NodeUpdate(ctx, id, got.Version, spec) }, nil
	})
}

// TouchNode writes a node's entry as it is. Managers give a node what has changed
// about its swarm when its entry is written, and an ingress network that was made
// anew reaches a member in no other way (seen on Engine 26.1; swarmkit
// manager/allocator/network.go allocates it for new and updated nodes only).
func (e *Engine) TouchNode(ctx context.Context, id string) error {
	return update(ctx, "update node", func(ctx context.Context) (post, error) {
		got, err := e.node(ctx, id)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context) error { return e.api.NodeUpdate(ctx, id, got.Version, got.Spec) }, nil
	})
}

// node reads one node. Engines also take names and beginnings of IDs (moby
// daemon/cluster/helpers.go, getNode); a node found so is not the one meant.
func (e *Engine) node(ctx context.Context, id string) (swarm.Node, error) {
	var n swarm.Node
	err := read(ctx, "read node", func(ctx context.Context) (err error) {
		n, _, err = e.api.NodeInspectWithRaw(ctx, id)
		return err
	})
	if err == nil && n.ID != id {
		err = &Error{Op: "read node", Text: "node " + id + " not found", is: []error{engine.ErrNotFound}}
	}
	return n, err
}

// changed gives the whole spec after change. The API replaces the spec by what
// it gets, so that all fields have to be there.
func changed(spec swarm.NodeSpec, change func(*engine.NodeSpec)) (swarm.NodeSpec, bool) {
	now := engine.NodeSpec{
		Labels:       maps.Clone(spec.Labels),
		Role:         string(spec.Role),
		Availability: string(spec.Availability),
	}
	if now.Labels == nil {
		now.Labels = map[string]string{}
	}
	change(&now)
	same := maps.Equal(now.Labels, spec.Labels) &&
		now.Role == string(spec.Role) && now.Availability == string(spec.Availability)
	spec.Labels = now.Labels
	spec.Role, spec.Availability = swarm.NodeRole(now.Role), swarm.NodeAvailability(now.Availability)
	return spec, !same
}

// RemoveNode removes a node's entry through a manager; an unknown ID is
// success. The engine of that node is not told and keeps what it runs: let it
// leave before. A member of the raft group is refused even with force, and
// without force so is a node that is not down.
func (e *Engine) RemoveNode(ctx context.Context, id string, force bool) error {
	err := mutate(ctx, "remove node", updateLimit, func(ctx context.Context) error {
		return e.api.NodeRemove(ctx, id, swarm.NodeRemoveOptions{Force: force})
	})
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}
