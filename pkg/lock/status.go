package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Status is what can be said of a lock at a glance.
type Status struct {
	Held bool
	By   Run
	// Age is how long ago it was renewed, by the clock of its place.
	Age time.Duration
	TTL time.Duration
	// Stale means that it is older than its TTL: the next run that wants it takes
	// it over, unless its holder gives a sign of life meanwhile.
	Stale bool
}

// Look asks who holds the lock in a place.
func Look(ctx context.Context, s Store) (Status, error) {
	record, now, err := s.Read(ctx)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return Status{}, nil
	case err != nil:
		return Status{}, err
	}
	age, ttl := now.Sub(record.Updated), ttlOf(record)
	return Status{Held: true, By: runOf(record), Age: max(0, age), TTL: ttl, Stale: age >= ttl}, nil
}

// forceRounds is how often a forced removal that a renewal came in between of is
// tried again: nobody renews more often than once in seconds.
const forceRounds = 5

// Break takes the lock away from whoever has it and gives it back. Without force
// it takes a stale one only; any other is a *HeldError. With force the holder
// learns of it with its next renewal and begins nothing more. It returns who held
// it; false where nobody did.
func Break(ctx context.Context, s Store, opt Options, force bool) (was Run, held bool, err error) {
	st, err := Look(ctx, s)
	if err != nil || !st.Held {
		return Run{}, false, err
	}
	l := New(opt)
	if force {
		err = l.usurp(ctx, s)
	} else {
		err = l.Take(ctx, s)
	}
	if err != nil {
		return st.By, true, err
	}
	return st.By, true, l.Release(ctx)
}

// usurp takes the lock whoever has it. The holder finds another name in it.
func (l *Lock) usurp(ctx context.Context, s Store) error {
	for range forceRounds {
		began := time.Now()
		record, _, err := s.Read(ctx)
		if errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		err = s.Update(ctx, record, l.opt.Run.labels(began, l.opt.TTL))
		if err == nil {
			l.hold(s, record, began)
			return nil
		}
		if !overtaken(err) {
			return err
		}
	}
	return fmt.Errorf("take the lock in %s: somebody else writes it all the time", s.Where())
}
