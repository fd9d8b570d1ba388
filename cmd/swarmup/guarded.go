package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/plan"
)

// How long the way of the lock may take where it is of less weight than the rest:
// giving it back, since it falls by itself, and taking it where all is taken down.
const (
	releaseLimit = 10 * time.Second
	lenientLimit = 15 * time.Second
)

func lockFlags() []cli.Flag {
	return []cli.Flag{
		&cli.DurationFlag{Name: "lock-timeout", DefaultText: "not at all", Usage: "wait at most `D` for another run on this cluster to end"},
		&cli.DurationFlag{Name: "lock-ttl", Value: lock.DefaultTTL, Hidden: true, Usage: "for tests: how long a lock holds that is not renewed"},
	}
}

// newLock makes the lock that a command and its flags ask for.
func (e env) newLock(c *cli.Context, lenient bool, tell func(string)) (*lock.Lock, error) {
	if d := c.Duration("lock-timeout"); d < 0 {
		return nil, refusal("", "--lock-timeout is %s, and cannot be negative", d)
	}
	if d := c.Duration("lock-ttl"); d < time.Second {
		return nil, refusal("", "--lock-ttl is %s, and must be at least a second", d)
	}
	return lock.New(lock.Options{
		Run: e.who(c.Command.Name), TTL: c.Duration("lock-ttl"), Wait: c.Duration("lock-timeout"),
		Lenient: lenient, Dead: over, Tell: tell,
	}), nil
}

// guarded takes the lock, and looks at the world again if it is another one than
// the plan was made for: who held the lock until now may have carried it out.
// Where there is no place for a lock yet, as long as all machines have to be made,
// nothing is locked.
func (j *job) guarded(ctx context.Context, world conductor) error {
	for range maxRounds {
		took, err := j.take(ctx, world.LockStore())
		if err != nil || !took {
			return err
		}
		if moved, err := world.Moved(ctx); err == nil && !moved && !j.lock.Contested() {
			return nil
		}
		if err := j.look(ctx, world, "look again, under the lock", 0); err != nil || j.last.Idle() {
			return err
		}
	}
	return nil
}

// take takes the lock in that place, and says whether it was not held there.
func (j *job) take(ctx context.Context, place lock.Store) (took bool, err error) {
	if place == nil || place.Where() == j.locked {
		return false, nil
	}
	if j.options.Teardown {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, lenientLimit+j.lockWait)
		defer cancel()
	}
	err = j.lock.Take(ctx, place)
	var held *lock.HeldError
	if err != nil && j.options.Teardown && !errors.As(err, &held) && !errors.Is(context.Cause(ctx), errInterrupted) {
		j.progress.line("", fmt.Sprintf("goes on without the lock in %s: %v", place.Where(), err))
		j.locked = place.Where() // nobody asks for it again
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("change %s: %w", j.cluster.Name, err)
	}
	j.locked = place.Where()
	return true, nil
}

// do does one step. The swarm is the lock's place from its first moment on.
func (j *job) do(world conductor) func(context.Context, plan.Step) (string, error) {
	return func(ctx context.Context, s plan.Step) (string, error) {
		note, err := world.Do(ctx, s)
		if err == nil && s.Action == plan.Init {
			_, err = j.take(ctx, world.LockStore())
		}
		return note, err
	}
}

// release gives the lock back. One that cannot be given back falls by itself; what
// was taken down has taken it along.
func (j *job) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	if err := j.lock.Release(ctx); err != nil && !j.options.Teardown {
		tell(j.err, j.mask.error(fmt.Errorf("%w; it falls by itself", err)).Error())
	}
}

// lost gives why the lock was lost; nil where it was not.
func lost(ctx context.Context) error {
	var l *lock.LostError
	if errors.As(context.Cause(ctx), &l) {
		return l
	}
	return nil
}
