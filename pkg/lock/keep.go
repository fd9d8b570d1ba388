package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

// While does something and renews the lock meanwhile, as soon as it is held. The
// context that do is given ends, with a *LostError as its cause, when the lock is
// not ours any more, or could not be renewed for so long that somebody else may
// have taken it. The lock is not given back.
func (l *Lock) While(ctx context.Context, do func(context.Context)) {
	ctx, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	// Renewals outlive an interrupt: what is in flight goes on for a while then.
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	var renewing sync.WaitGroup
	defer renewing.Wait()
	defer stop()
	renewing.Go(func() {
		if err := l.keep(alive); err != nil {
			lose(err)
		}
	})
	do(ctx)
}

// keep renews the lock until ctx ends or the lock is lost.
func (l *Lock) keep(ctx context.Context) error {
	every := l.opt.TTL / renewals
	for wait := every; pause(ctx, wait) == nil; {
		var lost *LostError
		err := l.renew(ctx)
		if errors.As(err, &lost) && ctx.Err() == nil {
			return lost
		}
		wait = every
		if err != nil {
			wait = l.opt.TTL / 60 // it may be better in a moment
		}
	}
	return nil
}

// renew gives a sign of life. A *LostError is for good; after any other error
// there is time for another try.
func (l *Lock) renew(ctx context.Context) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.end()
	s, _, renewed := l.state()
	if s == nil {
		return nil
	}
	end := renewed.Add(l.opt.TTL - l.opt.TTL/12) // before anybody else may take it
	short, cancel := context.WithDeadlineCause(ctx, end, fmt.Errorf("no answer within %s", l.opt.TTL))
	defer cancel()
	err := l.rewrite(short, s)
	var lost *LostError
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case errors.As(err, &lost):
		if lost.By.ID == "" && l.opt.Lenient {
			return nil
		}
		l.hold(nil, engine.Config{}, time.Time{}) // there is nothing to give back
		return err
	case l.opt.Lenient || time.Now().Before(end):
		return err
	}
	return &LostError{Err: fmt.Errorf("not renewed within %s: %w", l.opt.TTL, err)}
}

// rewrite writes the record once more, against the version that it has now.
func (l *Lock) rewrite(ctx context.Context, s Store) error {
	began := time.Now()
	record, _, err := s.Read(ctx)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return &LostError{}
	case err != nil:
		return err
	case runOf(record).ID != l.opt.Run.ID:
		return &LostError{By: runOf(record)}
	}
	if err := s.Update(ctx, record, l.opt.Run.labels(began, l.opt.TTL)); err != nil {
		return err // the next look says who came in between
	}
	l.hold(s, record, began)
	return nil
}

// Release gives the lock back, where it is still ours. A lock that was not
// renewed for a while is renewed first: what is removed is certainly ours then.
func (l *Lock) Release(ctx context.Context) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	defer l.end()
	s, _, renewed := l.state()
	if s == nil {
		return nil
	}
	var lost *LostError
	switch err := l.unsure(ctx, s, renewed); {
	case errors.As(err, &lost):
		l.hold(nil, engine.Config{}, time.Time{})
		return nil
	case err != nil:
		return fmt.Errorf("give back the lock in %s: %w", s.Where(), err)
	}
	_, record, _ := l.state()
	if err := s.Remove(ctx, record); err != nil && !overtaken(err) {
		return fmt.Errorf("give back the lock in %s: %w", s.Where(), err)
	}
	l.hold(nil, engine.Config{}, time.Time{})
	return nil
}

// unsure renews what may have fallen.
func (l *Lock) unsure(ctx context.Context, s Store, renewed time.Time) error {
	if time.Since(renewed) < l.opt.TTL/2 {
		return nil
	}
	return l.rewrite(ctx, s)
}
