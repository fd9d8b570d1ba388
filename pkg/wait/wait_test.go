package wait_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/wait"
)

var (
	errNotYet = errors.New("not a member yet")
	errNever  = errors.New("another cluster")
	errCtrlC  = errors.New("interrupted")
)

// look is what done says at one call. The last one repeats.
type look struct {
	ok   bool
	err  error
	took time.Duration
}

var untilTests = []struct {
	name     string
	limit    time.Duration
	looks    []look
	want     string // "" is success
	is       error  // errors.Is of the result
	calls    int    // 0: any number
	min, max time.Duration
}{
	{name: "at once when the first look says true", limit: time.Minute,
		looks: []look{{ok: true}}, calls: 1},
	{name: "after two intervals at the third look", limit: time.Minute,
		looks: []look{{}, {err: errNotYet}, {ok: true}}, calls: 3, min: 1600 * time.Millisecond, max: 2400 * time.Millisecond},
	{name: "with the error beside true", limit: time.Minute,
		looks: []look{{ok: true, err: errNever}}, want: "another cluster", is: errNever, calls: 1},
	{name: "at once with the very error that was marked final", limit: time.Minute,
		looks: []look{{err: errNotYet}, {err: wait.Stop(errNever)}}, want: "another cluster", is: errNever, calls: 2, min: 800 * time.Millisecond, max: 1200 * time.Millisecond},
	{name: "without its wrapping when the mark is inside", limit: time.Minute,
		looks: []look{{err: fmt.Errorf("ask n1: %w", wait.Stop(errNever))}}, want: "another cluster", is: errNever, calls: 1},
	{name: "at the limit with the last reason", limit: 30 * time.Second,
		looks: []look{{err: errNotYet}}, want: "wait for n1 to join: not within 30s: not a member yet", is: errNotYet, min: 30 * time.Second, max: 30 * time.Second},
	{name: "at the limit without a reason when none was given", limit: 30 * time.Second,
		looks: []look{{}}, want: "wait for n1 to join: not within 30s", min: 30 * time.Second, max: 30 * time.Second},
	{name: "at the limit with the reason from before the look that was cut short", limit: 30 * time.Second,
		looks: []look{{err: errNotYet}, {took: time.Hour}}, want: "wait for n1 to join: not within 30s: not a member yet", is: errNotYet, calls: 2, min: 30 * time.Second, max: 30 * time.Second},
	{name: "at the limit with the cut look when there is nothing better", limit: 30 * time.Second,
		looks: []look{{took: time.Hour}}, want: "wait for n1 to join: not within 30s: context deadline exceeded", is: context.DeadlineExceeded, calls: 1, min: 30 * time.Second, max: 30 * time.Second},
	{name: "after one look when there is no time at all", limit: 0,
		looks: []look{{err: errNotYet}}, want: "wait for n1 to join: not within 0s: not a member yet", calls: 1},
	{name: "well when there is no time at all and the one look says true", limit: -time.Second,
		looks: []look{{ok: true}}, calls: 1},
}

func TestUntilEnds(t *testing.T) {
	for _, tt := range untilTests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, start := 0, time.Now()
				err := wait.Until(t.Context(), "n1 to join", tt.limit, time.Second, func(ctx context.Context) (bool, error) {
					l := tt.looks[min(calls, len(tt.looks)-1)]
					calls++
					select {
					case <-ctx.Done():
						return false, ctx.Err()
					case <-time.After(l.took):
					}
					return l.ok, l.err
				})
				if got := text(err); got != tt.want {
					t.Errorf("error\n got %q\nwant %q", got, tt.want)
				}
				if tt.is != nil && !errors.Is(err, tt.is) {
					t.Errorf("%v is not %v", err, tt.is)
				}
				if tt.calls != 0 && calls != tt.calls {
					t.Errorf("looked %d times, want %d", calls, tt.calls)
				}
				if took := time.Since(start); took < tt.min || took > tt.max {
					t.Errorf("took %s, want %s to %s", took, tt.min, tt.max)
				}
			})
		})
	}
}

func TestUntilTimeoutIsAType(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := wait.Until(t.Context(), "n1 to join", time.Minute, time.Second,
			func(context.Context) (bool, error) { return false, errNotYet })
		var timeout *wait.TimeoutError
		if !errors.As(fmt.Errorf("join n1: %w", err), &timeout) {
			t.Fatalf("%v is no TimeoutError", err)
		}
		if timeout.What != "n1 to join" || timeout.After != time.Minute || !errors.Is(timeout.Last, errNotYet) {
			t.Errorf("got %+v", *timeout)
		}
	})
}

func TestUntilEndsAtOnceWithItsContext(t *testing.T) {
	tests := []struct {
		name   string
		at     time.Duration // when the context ends; 0: before the call
		last   error
		blocks bool // done itself waits for its context
		want   string
	}{
		{name: "before any look", want: "wait for n1 to join: interrupted"},
		{name: "between looks, with the last reason", at: 90 * time.Second, last: errNotYet,
			want: "wait for n1 to join: interrupted (last: not a member yet)"},
		{name: "between looks, without a reason", at: 90 * time.Second,
			want: "wait for n1 to join: interrupted"},
		{name: "during a look", at: 90 * time.Second, blocks: true,
			want: "wait for n1 to join: interrupted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				start := time.Now()
				if tt.at == 0 {
					cancel(errCtrlC)
				}
				time.AfterFunc(tt.at, func() { cancel(errCtrlC) })
				err := wait.Until(ctx, "n1 to join", time.Hour, time.Minute, func(ctx context.Context) (bool, error) {
					if tt.at == 0 {
						t.Error("looked although the context had ended")
					}
					if tt.blocks {
						<-ctx.Done()
						return false, ctx.Err()
					}
					return false, tt.last
				})
				if got := text(err); got != tt.want {
					t.Errorf("error\n got %q\nwant %q", got, tt.want)
				}
				if !errors.Is(err, errCtrlC) {
					t.Errorf("%v does not wrap the cause", err)
				}
				if took := time.Since(start); took != tt.at {
					t.Errorf("took %s, want %s", took, tt.at)
				}
			})
		})
	}
}

func TestStopOfNothingIsNothing(t *testing.T) {
	if err := wait.Stop(nil); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestUntilSpreadsItsLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gaps, before := map[time.Duration]bool{}, time.Now()
		_ = wait.Until(t.Context(), "a spread", time.Hour, time.Minute, func(context.Context) (bool, error) {
			gaps[time.Since(before)] = true
			before = time.Now()
			return false, nil
		})
		if len(gaps) < 10 {
			t.Errorf("an hour of looks a minute apart had only %d different gaps", len(gaps))
		}
	})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
