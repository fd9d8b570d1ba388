package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/wait"
)

func TestGraceEndsLaterThanItsContext(t *testing.T) {
	tests := []struct {
		name    string
		ctx     func(context.Context) (context.Context, context.CancelFunc)
		endedAt time.Duration // of the graced context
		want    string        // its cause
	}{
		{name: "by the grace after a cancel", ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(10*time.Second, func() { cancel(errCtrlC) })
			return ctx, func() { cancel(nil) }
		}, endedAt: 40 * time.Second, want: "not finished within 30s after: interrupted"},
		{name: "by the grace after a deadline", ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		}, endedAt: 35 * time.Second, want: "not finished within 30s after: context deadline exceeded"},
		{name: "by the grace when the context had ended before", ctx: func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			cancel(errCtrlC)
			return ctx, func() {}
		}, endedAt: 30 * time.Second, want: "not finished within 30s after: interrupted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				ctx, cancel := tt.ctx(t.Context())
				defer cancel()
				graced, done := wait.Grace(ctx, 30*time.Second)
				defer done()
				<-graced.Done()
				if got := time.Since(start); got != tt.endedAt {
					t.Errorf("ended after %s, want %s", got, tt.endedAt)
				}
				if got := text(context.Cause(graced)); got != tt.want {
					t.Errorf("cause\n got %q\nwant %q", got, tt.want)
				}
				if !errors.Is(context.Cause(graced), context.Cause(ctx)) {
					t.Errorf("%v does not wrap %v", context.Cause(graced), context.Cause(ctx))
				}
			})
		})
	}
}

func TestGraceKeepsValuesAndDropsTheDeadline(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "kept"), time.Hour)
	defer cancel()
	graced, done := wait.Grace(ctx, time.Second)
	defer done()
	if got := graced.Value(key{}); got != "kept" {
		t.Errorf("value: got %v", got)
	}
	if at, ok := graced.Deadline(); ok {
		t.Errorf("deadline %s was kept", at)
	}
}

func TestGraceEndsWhenItIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		graced, done := wait.Grace(ctx, time.Hour)
		cancel()
		synctest.Wait()
		if graced.Err() != nil {
			t.Error("ended together with its context")
		}
		done()
		if graced.Err() == nil {
			t.Error("goes on after its release")
		}
	})
}
