package wait

import (
	"context"
	"fmt"
	"time"
)

// Grace returns a context for a call that must not be cut off in the middle:
// it ends d after ctx ends, not with it. It keeps ctx's values but not its
// deadline: d counts from whatever ends ctx. Its cause wraps ctx's.
//
// It is meant for a call that is about to begin or in flight. Whether to begin
// one at all is asked of ctx itself: with a ctx that has ended already, the
// call would still get d. The CancelFunc must be called.
func Grace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	graced, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(d, func() {
			cancel(fmt.Errorf("not finished within %s after: %w", d, context.Cause(ctx)))
		})
	})
	return graced, func() {
		stop()
		cancel(nil)
	}
}
