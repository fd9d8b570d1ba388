package cluster

import (
	"context"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
)

// Rotate makes secrets of the swarm anew. Observe comes before.
func (c *Cluster) Rotate(ctx context.Context, what engine.Rotation) error {
	return control{c}.ask(ctx, "rotate secrets", func(ctx context.Context, e *swarm.Engine) error { return e.Rotate(ctx, what) })
}

// Trust gives the swarm's own record and all of its nodes: who of them has a
// certificate of the root CA of now. Observe comes before.
func (c *Cluster) Trust(ctx context.Context) (engine.Swarm, []engine.Node, error) {
	k := control{c}
	sw, err := k.Swarm(ctx)
	if err != nil {
		return engine.Swarm{}, nil, err
	}
	nodes, err := k.Nodes(ctx)
	return sw, nodes, err
}
