package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Options are what a Lock works with.
type Options struct {
	Run Run
	// TTL is for how long the lock holds that is not renewed; DefaultTTL.
	TTL time.Duration
	// Wait is for how long another holder is waited for; 0 means not at all.
	Wait time.Duration
	// Lenient is for those who take everything down, the lock's own place with it:
	// a lock that cannot be renewed, or is gone, is not lost; one that somebody
	// else has is.
	Lenient bool
	// Dead says whether a run is certainly over, without asking anybody else; nil
	// means that this is never known.
	Dead func(Run) bool
	// Tell is told what is waited for, a short line at a time; nil is allowed.
	Tell func(string)
}

// Lock is the lock as one run holds it, or does not yet. Its methods may be
// called concurrently.
type Lock struct {
	opt  Options
	turn chan struct{} // holds one token: who has it may ask the store

	mu      sync.Mutex // guards what follows; nothing is waited for while it is held
	store   Store      // nil: it is not held
	record  engine.Config
	renewed time.Time // when the last write that succeeded was begun
	met     bool      // somebody else had it when it was asked for
}

// New returns a lock that is not held.
func New(opt Options) *Lock {
	if opt.TTL == 0 {
		opt.TTL = DefaultTTL
	}
	if opt.Tell == nil {
		opt.Tell = func(string) {}
	}
	return &Lock{opt: opt, turn: make(chan struct{}, 1)}
}

// Held says whether the lock was taken, and not given back.
func (l *Lock) Held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store != nil
}

// Contested says whether somebody else had the lock when it was asked for last:
// who gets it then finds another world than he saw before.
func (l *Lock) Contested() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.met
}

// Take takes the lock in that place. One that is held in another place moves:
// it is taken in the new place, where nobody is waited for, and then given back in
// the old one. One that is held there already stays. A *HeldError means that
// somebody else has it.
func (l *Lock) Take(ctx context.Context, to Store) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.end()
	from, record, _ := l.state()
	switch {
	case from == nil:
		return l.acquire(ctx, to, l.opt.Wait)
	case from.Where() == to.Where():
		return nil
	}
	if err := l.acquire(ctx, to, 0); err != nil {
		return fmt.Errorf("move the lock from %s to %s: %w", from.Where(), to.Where(), err)
	}
	_ = from.Remove(ctx, record) // else it falls by itself; nobody asks for it there any more
	return nil
}

func (l *Lock) begin(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Lock) end() { <-l.turn }

func (l *Lock) state() (Store, engine.Config, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.store, l.record, l.renewed
}

func (l *Lock) hold(s Store, record engine.Config, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store, l.record, l.renewed = s, record, since
}

// acquire makes the record, or takes over a stale one. Where nobody holds the
// lock it is one request.
func (l *Lock) acquire(ctx context.Context, s Store, patience time.Duration) error {
	w, deadline, told := watch{dead: l.opt.Dead}, time.Now().Add(patience), false
	met := false
	defer func() { l.meet(met) }()
	for {
		done, err := l.attempt(ctx, s, &w)
		met = met || !w.since.IsZero()
		if done || err != nil {
			return err
		}
		if w.record.ID == "" { // it was given back this moment
			continue
		}
		left := time.Until(deadline)
		if left <= 0 && !w.suspect() {
			return w.held()
		}
		if !told {
			told = true
			l.opt.Tell(l.waitsFor(w))
		}
		rest := min(2*time.Second, ttlOf(w.record)/8)
		if left > 0 {
			rest = min(rest, left)
		}
		if err := pause(ctx, rest); err != nil {
			return err
		}
	}
}

func (l *Lock) meet(somebody bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.met = somebody
}

func (l *Lock) waitsFor(w watch) string {
	if w.suspect() {
		return fmt.Sprintf("the lock of %s looks stale; it falls if there is no sign of life for %s", runOf(w.record), confirm(ttlOf(w.record)))
	}
	return fmt.Sprintf("wait at most %s for the lock: %s", l.opt.Wait, w.held())
}

// attempt tries once. What somebody else holds is seen by w.
func (l *Lock) attempt(ctx context.Context, s Store, w *watch) (done bool, err error) {
	began := time.Now()
	labels := l.opt.Run.labels(began, l.opt.TTL)
	if w.record.ID == "" {
		record, err := s.Create(ctx, labels)
		if err == nil {
			l.hold(s, record, began)
			return true, nil
		}
		if !errors.Is(err, engine.ErrExists) {
			return false, err
		}
	}
	record, now, err := s.Read(ctx)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		*w = watch{dead: l.opt.Dead}
		return false, nil
	case err != nil:
		return false, err
	case runOf(record).ID == l.opt.Run.ID: // the answer to an earlier request was lost
		l.hold(s, record, began)
		return true, nil
	}
	if w.see(record, now); !w.stale() {
		return false, nil
	}
	err = s.Update(ctx, record, labels)
	switch {
	case overtaken(err):
		return false, nil // the next look says by whom
	case err != nil:
		return false, err
	}
	l.hold(s, record, began)
	return true, nil
}

// overtaken says whether somebody else has written or removed a record.
func overtaken(err error) bool {
	return errors.Is(err, engine.ErrOutdated) || errors.Is(err, engine.ErrNotFound)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(d, time.Millisecond))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
