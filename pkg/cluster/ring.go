package cluster

import (
	"context"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/keystore"
	"github.com/swarmup/swarmup/pkg/spec"
)

// ring is what the store of the unlock key gave. The store is asked once, and
// again only after something was stored: it may be a program that asks a person.
type ring struct {
	store keystore.Store
	turn  chan struct{} // holds one token: who has it reads and writes what follows
	asked bool
	kept  keystore.Kept
	err   error
}

// newRing makes the ring of a file that says where the key is kept, and an empty
// one of any other.
func newRing(s *spec.Cluster) *ring {
	r := &ring{turn: make(chan struct{}, 1)}
	if s.Swarm.Autolock.Store() {
		r.store = keystore.New(*s.Swarm.Autolock, s.Name)
	}
	return r
}

// get gives what is stored.
func (r *ring) get(ctx context.Context) (keystore.Kept, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return keystore.Kept{}, context.Cause(ctx)
	}
	if r.asked {
		return r.kept, r.err
	}
	kept, err := r.store.Load(ctx)
	if ctx.Err() != nil {
		return keystore.Kept{}, context.Cause(ctx)
	}
	r.asked, r.kept, r.err = true, kept, err
	return kept, err
}

// save stores a key, and keeps what is stored then.
func (r *ring) save(ctx context.Context, key engine.Key, swarm string) (note string, err error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if note, err = r.store.Save(ctx, key, swarm); err != nil {
		return "", err
	}
	before := r.kept.Keys
	if r.err == nil && len(before) > 0 && before[0].Same(key) {
		before = before[1:]
	}
	r.asked, r.err = true, nil
	r.kept = keystore.Kept{Keys: append([]engine.Key{key}, before...), Swarm: swarm}
	return note, nil
}
