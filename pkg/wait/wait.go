// Package wait holds the product's bounded waiting: Until looks again and
// again until a thing has come about, and Grace lets work in flight finish
// after a cancellation. It never waits without a limit, starts no goroutine
// that outlives a call, and knows nothing of what is waited for.
package wait

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// TimeoutError is the error of a wait that ran out of time.
type TimeoutError struct {
	What  string        // what was waited for, such as "n1 to join"
	After time.Duration // the limit that passed
	Last  error         // the last reason given for "not yet"; may be nil
}

// Error is "wait for WHAT: not within AFTER: LAST".
func (e *TimeoutError) Error() string {
	s := fmt.Sprintf("wait for %s: not within %s", e.What, e.After)
	if e.Last == nil {
		return s
	}
	return s + ": " + e.Last.Error()
}

// Unwrap gives Last, so that callers can ask what kept the wait waiting.
func (e *TimeoutError) Unwrap() error { return e.Last }

// stopError ends a wait at once; it never leaves this package.
type stopError struct{ err error }

func (e *stopError) Error() string { return e.err.Error() }
func (e *stopError) Unwrap() error { return e.err }

// Stop marks an error as final: Until returns err itself at once, however deep
// done has wrapped the mark. Stop(nil) is nil.
func Stop(err error) error {
	if err == nil {
		return nil
	}
	return &stopError{err}
}

// Until calls done, then again about every interval (a fifth more or less, so
// that many waits do not fall into step), until one of these comes first:
//
//   - done returns true: Until returns the error beside it, usually nil;
//   - done returns false with Stop(err): Until returns err as it is;
//   - d has passed: Until returns a *TimeoutError with the last reason;
//   - ctx ends: Until returns an error that says what was waited for and wraps
//     context.Cause(ctx).
//
// done returns (false, reason) for "not yet"; a nil reason is allowed. Its
// context ends when d has passed, and it must obey it: Until never abandons a
// call. done is called at least once unless ctx has already ended, so with a
// d of zero or less there is exactly one look, whose context has no deadline
// of Until's.
func Until(ctx context.Context, what string, d, interval time.Duration, done func(context.Context) (bool, error)) error {
	if ctx.Err() != nil {
		return interrupted(ctx, what, nil)
	}
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if d > 0 {
		bounded, cancel = context.WithTimeout(ctx, d)
	}
	defer cancel()
	var last error
	for {
		ok, err := done(bounded)
		if ok {
			return err
		}
		if stop := (*stopError)(nil); errors.As(err, &stop) {
			return stop.err
		}
		last = reason(bounded, last, err)
		if d > 0 {
			sleep(bounded, jitter(interval))
		}
		if ctx.Err() != nil {
			return interrupted(ctx, what, last)
		}
		if d <= 0 || bounded.Err() != nil {
			return &TimeoutError{What: what, After: max(d, 0), Last: last}
		}
	}
}

// reason picks what to remember of a look. A look that was merely cut short
// says nothing new about the thing itself, so an older reason is kept then.
func reason(ctx context.Context, last, err error) error {
	cut := ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
	if last != nil && (err == nil || cut) {
		return last
	}
	return err
}

func interrupted(ctx context.Context, what string, last error) error {
	if last == nil || errors.Is(last, ctx.Err()) {
		return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
	}
	return fmt.Errorf("wait for %s: %w (last: %w)", what, context.Cause(ctx), last)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
