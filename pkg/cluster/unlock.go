package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	// unlockWait is for a manager that took its key to be a member again: it is
	// one within a second, unless its swarm has no quorum.
	unlockWait = 60 * time.Second
	// witnessWait is for another manager to say the key of now.
	witnessWait = 5 * time.Second
	// keyGrace is for a new key to be stored after an interrupt.
	keyGrace = 90 * time.Second
)

// errNoStore means that the file does not say where the unlock key is kept.
var errNoStore = fmt.Errorf("%w, and the file does not say where its key is kept", engine.ErrLocked)

// errUnled is why a manager that took its key is not a member yet.
var errUnled = errors.New("it took the key, and waits for other managers")

// WrongKeyError means that an engine did not take the keys of a store.
type WrongKeyError struct {
	// Store is what gave them: a path, a program, or the user.
	Store string
}

// Error names the store.
func (e *WrongKeyError) Error() string { return "the key from " + e.Store + " does not unlock it" }

// Is says that it is engine.ErrKey.
func (e *WrongKeyError) Is(target error) bool { return target == engine.ErrKey }

// unlock brings a manager back that its engine's restart has locked: it gives it
// the swarm's unlock key and waits until it is a member again, a minute at most.
// A host that is not locked is success. The key comes from Config.Key, else from
// the file's store; one that the engine does not take is a *WrongKeyError.
func (c *Cluster) unlock(ctx context.Context, h *host) error {
	info, err := ask(ctx, h, h, startWait)
	if err != nil || info.State != engine.Locked {
		return err
	}
	if err := c.open(ctx, h); err != nil {
		return err
	}
	return wait.Until(ctx, "its engine to be a member again", unlockWait, 500*time.Millisecond, func(ctx context.Context) (bool, error) {
		info, err := h.Info(ctx)
		switch {
		case err != nil:
			return false, err
		case info.State == engine.Active:
			h.setManager(info.Manager)
			return true, nil
		case info.State == engine.Pending:
			return false, errUnled
		}
		return false, wait.Stop(fmt.Errorf("its swarm state is %s: %s", info.State, info.Error))
	})
}

// open finds the key that an engine takes. Where the store's do not fit, the
// other managers know the one of now: it may have been changed by hand.
func (c *Cluster) open(ctx context.Context, h *host) error {
	keys, store, err := c.keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := h.Unlock(ctx, key); !errors.Is(err, engine.ErrKey) {
			return taken(err)
		}
	}
	wrong := &WrongKeyError{Store: store}
	if c.cfg.Key != nil {
		return wrong
	}
	short, cancel := context.WithTimeout(ctx, witnessWait)
	defer cancel()
	key, err := control{c}.UnlockKey(short)
	if err != nil || key.Reveal() == "" || key.Same(keys[0]) {
		return wrong
	}
	if err := h.Unlock(ctx, key); !errors.Is(err, engine.ErrKey) {
		return taken(err)
	}
	return wrong
}

// taken looks at the end of an unlock: an engine that does not answer, on a
// connection that holds, took the key and waits for its swarm.
func taken(err error) error {
	if errors.Is(err, engine.ErrNoAnswer) && !broke(err) {
		return nil
	}
	return err
}

// keys gives the keys to try, the best one first and at least one, and what
// gave them.
func (c *Cluster) keys(ctx context.Context) ([]engine.Key, string, error) {
	if c.cfg.Key != nil {
		key, from, err := c.cfg.Key(ctx)
		if err != nil {
			return nil, "", err
		}
		return []engine.Key{key}, from, nil
	}
	if !c.cfg.Spec.Swarm.Autolock.Store() {
		return nil, "", errNoStore
	}
	kept, err := c.ring.get(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("load the unlock key from %s: %w", c.ring.store, err)
	}
	return kept.Keys, c.ring.store.String(), nil
}

// Unlock gives a locked engine its key.
func (h *host) Unlock(ctx context.Context, key engine.Key) error {
	return h.tell(ctx, func(e *swarm.Engine) error { return e.Unlock(ctx, key) })
}

// UnlockKey shows the key that unlocks managers; the zero Key for none.
func (k control) UnlockKey(ctx context.Context) (out engine.Key, err error) {
	err = k.ask(ctx, "show the unlock key", func(ctx context.Context, e *swarm.Engine) (err error) {
		out, err = e.UnlockKey(ctx)
		return err
	})
	return out, err
}
