package swarm

import (
	"context"
	"errors"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmup/swarmup/pkg/engine"
)

// unlockLimit is for a manager that takes its key: it answers once it is a
// member again, and waits for that as long as its swarm has no quorum (moby
// daemon/cluster/swarm.go, UnlockSwarm). The key was taken or refused by then.
const unlockLimit = 20 * time.Second

// UnlockKey asks a manager for the key that unlocks managers of its swarm; the
// zero Key if the swarm does not lock them.
func (e *Engine) UnlockKey(ctx context.Context) (engine.Key, error) {
	var key engine.Key
	err := read(ctx, "read unlock key", func(ctx context.Context) error {
		got, err := e.api.SwarmGetUnlockKey(ctx)
		if got.UnlockKey != "" {
			key = engine.NewKey(got.UnlockKey)
		}
		return err
	})
	if err != nil {
		return engine.Key{}, err
	}
	return key, nil
}

// Unlock gives a locked engine its key. An engine that is not locked is
// success. A key that does not fit is engine.ErrKey; engine.ErrNoAnswer means
// that the engine may have taken it and waits for other managers: ask for its
// Info.
func (e *Engine) Unlock(ctx context.Context, key engine.Key) error {
	req := swarm.UnlockRequest{UnlockKey: key.Reveal()}
	err := mutate(ctx, "unlock swarm", unlockLimit, func(ctx context.Context) error {
		return e.api.SwarmUnlock(ctx, req)
	})
	if errors.Is(err, engine.ErrNotLocked) {
		return nil
	}
	return err
}
