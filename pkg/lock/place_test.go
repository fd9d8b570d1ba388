package lock_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/lock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// place is where one record may stand: it behaves as config objects of a swarm do.
type place struct {
	name string
	skew time.Duration // of the clock that is asked for the time, to the one that stamps

	mu       sync.Mutex
	record   *engine.Config
	writes   uint64
	requests int
}

// via is the place as one run reaches it.
type via struct {
	*place
	takes time.Duration // a request, there and back

	mu   sync.Mutex
	fail error // of all requests; nil where they arrive
	// deaf means that requests arrive and their answers do not.
	deaf bool
}

var errCut = errors.New("connection refused")

func (v *via) cut(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fail = err
}

// ask does something in the place, in the middle of the time that it takes.
func (v *via) ask(ctx context.Context, do func() error) error {
	rest := func() error {
		select {
		case <-time.After(v.takes/2 + 1):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	v.mu.Lock()
	fail, deaf := v.fail, v.deaf
	v.mu.Unlock()
	if fail != nil && !deaf {
		return errors.Join(rest(), fail)
	}
	if err := rest(); err != nil {
		return err
	}
	v.place.mu.Lock()
	v.requests++
	err := do()
	v.place.mu.Unlock()
	return errors.Join(err, rest(), fail)
}

func (v *via) Where() string { return v.name }

func (v *via) Read(ctx context.Context) (record engine.Config, now time.Time, err error) {
	err = v.ask(ctx, func() error {
		if v.record == nil {
			return engine.ErrNotFound
		}
		record, now = *v.record, time.Now().Add(v.skew)
		return nil
	})
	return record, now, err
}

func (v *via) Create(ctx context.Context, labels map[string]string) (record engine.Config, err error) {
	err = v.ask(ctx, func() error {
		if v.record != nil {
			return engine.ErrExists
		}
		v.record = &engine.Config{ID: fmt.Sprint("id", v.writes)}
		record = engine.Config{ID: v.record.ID}
		v.write(labels)
		return nil
	})
	return record, err
}

func (p *place) write(labels map[string]string) {
	p.writes++
	p.record.Labels, p.record.Version, p.record.Updated = maps.Clone(labels), p.writes, time.Now()
}

func (v *via) Update(ctx context.Context, was engine.Config, labels map[string]string) error {
	return v.ask(ctx, func() error {
		switch {
		case v.record == nil || v.record.ID != was.ID:
			return engine.ErrNotFound
		case v.record.Version != was.Version:
			return engine.ErrOutdated
		}
		v.write(labels)
		return nil
	})
}

func (v *via) Remove(ctx context.Context, was engine.Config) error {
	return v.ask(ctx, func() error {
		if v.record != nil && v.record.ID == was.ID {
			v.record = nil
		}
		return nil
	})
}

func (p *place) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.record == nil
}

func (p *place) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests
}

// run gives the options of a run of that name.
func run(name string) lock.Options {
	return lock.Options{Run: lock.Run{ID: name, Holder: name + "@laptop", Process: 7, Command: "swarmup apply", Since: time.Now()}}
}

func patient(name string, d time.Duration) lock.Options {
	o := run(name)
	o.Wait = d
	return o
}

// hold has a run take the lock for some time, and reports what became of it.
func hold(t *testing.T, l *lock.Lock, s lock.Store, d time.Duration) error {
	t.Helper()
	if err := l.Take(t.Context(), s); err != nil {
		return err
	}
	var lost error
	l.While(t.Context(), func(ctx context.Context) {
		select {
		case <-ctx.Done():
			lost = context.Cause(ctx)
		case <-time.After(d):
		}
	})
	return lost
}
