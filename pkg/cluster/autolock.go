package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/keystore"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/wait"
)

// storedKey says how it stands about the stored unlock key. The store is asked
// only where somebody needs to know: a file costs nothing, a program may ask a
// person.
func (c *Cluster) storedKey(ctx context.Context, v *plan.View) (out plan.StoredKey) {
	lock := c.cfg.Spec.Swarm.Autolock
	locks, waiting := v != nil && v.AutoLock, slices.ContainsFunc(c.all(), (*host).locked)
	needed := locks || waiting || lock.Store() && lock.KeyFile != ""
	if !lock.Store() || !needed || c.cfg.KeyUnasked {
		return out
	}
	kept, err := c.ring.get(ctx)
	if err != nil {
		if !errors.Is(err, keystore.ErrEmpty) {
			out.Why = err.Error()
		}
		return out
	}
	out.Loadable = true
	swarm := ""
	if v != nil {
		swarm = v.ID
	}
	if locks {
		key, err := control{c}.UnlockKey(ctx)
		out.Current = err == nil && key.Same(kept.Keys[0])
	}
	if v == nil && waiting {
		return out // whose key it is shows when it is tried
	}
	if err := c.ring.store.Mine(kept, swarm); err != nil && !out.Current {
		out.Taken = err.Error()
		out.Loadable = false // it is another's
	}
	return out
}

// locked says whether the host's engine was seen to wait for a key.
func (h *host) locked() bool {
	_, info := h.seen()
	return info.State == engine.Locked
}

// unlockStep is unlock for a plan: several managers that are locked need each
// other to be members again, and the next look decides over those that still
// wait.
func (c *Cluster) unlockStep(ctx context.Context, h *host) (string, error) {
	err := c.unlock(ctx, h)
	if errors.Is(err, errUnled) && ctx.Err() == nil {
		return errUnled.Error(), nil
	}
	return "", err
}

// StoreKey keeps the unlock key of now where the file says. It is done in full
// once it has begun: a key that is nowhere locks everybody out.
func (c *Cluster) StoreKey(ctx context.Context) (note string, err error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if !c.cfg.Spec.Swarm.Autolock.Store() {
		return "", errNoStore
	}
	ctx, done := wait.Grace(ctx, keyGrace)
	defer done()
	key, err := control{c}.UnlockKey(ctx)
	if err != nil {
		return "", err
	}
	if key.Reveal() == "" {
		return "", errors.New("the swarm has no unlock key: its managers are not locked")
	}
	return c.ring.save(ctx, key, c.swarmID())
}

// lock switches the locking of managers on or off, in one update with whatever
// else changes. Switched on, the key is stored at once. Where that fails it is
// switched off again, since managers that restart then would never come back.
func (c *Cluster) lock(ctx context.Context, change func(*engine.SwarmSpec)) (note string, err error) {
	want := c.cfg.Spec.Swarm.Autolock
	on, was, looked := want.On, false, false
	ctx, done := wait.Grace(ctx, keyGrace)
	defer done()
	err = control{c}.UpdateSwarm(ctx, func(s *engine.SwarmSpec) {
		if !looked { // the second look may see our own update
			was, looked = s.Autolock, true
		}
		s.Autolock = on
		change(s)
	})
	switch {
	case err != nil || on == was && !on:
		return "", err
	case !on:
		return "managers are not locked any more; the key that was stored stays where it is", nil
	case was:
		return "", nil // storing its key is a step of its own
	}
	if note, err = c.StoreKey(ctx); err == nil {
		return note, nil
	}
	off := control{c}.UpdateSwarm(ctx, func(s *engine.SwarmSpec) { s.Autolock = false })
	if off != nil {
		return "", fmt.Errorf("store the unlock key: %w; managers that restart are locked now, and their key is not stored", err)
	}
	return "", fmt.Errorf("store the unlock key: %w; managers are not locked", err)
}
