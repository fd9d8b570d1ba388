package swarm

import (
	"context"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Rotate makes secrets of the swarm anew, in one update through a manager. A
// rotation of the root CA only begins with it.
func (e *Engine) Rotate(ctx context.Context, r engine.Rotation) error {
	return update(ctx, "rotate", func(ctx context.Context) (post, error) {
		var got swarm.Swarm
		err := read(ctx, "read swarm", func(ctx context.Context) (err error) {
			got, err = e.api.SwarmInspect(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		spec := got.Spec
		if r.CA {
			spec.CAConfig.ForceRotate++
		}
		return func(ctx context.Context) error {
			return e.api.SwarmUpdate(ctx, got.Version, spec, swarm.UpdateFlags{
				RotateWorkerToken: r.WorkerToken, RotateManagerToken: r.ManagerToken, RotateManagerUnlockKey: r.UnlockKey,
			})
		}, nil
	})
}
