package lock_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/lock"
)

// in runs a test with a time of its own and an empty place.
func in(t *testing.T, test func(t *testing.T, p *place)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, &place{name: "the swarm"}) })
}

func TestOneOfTwoHasTheLockAndTheOtherNamesIt(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		a, b := lock.New(run("ann")), lock.New(run("bob"))
		if err := a.Take(t.Context(), &via{place: p}); err != nil || !a.Held() {
			t.Fatal(err)
		}
		time.Sleep(12 * time.Second)
		err := b.Take(t.Context(), &via{place: p})
		var held *lock.HeldError
		if !errors.As(err, &held) || b.Held() {
			t.Fatalf("got %v", err)
		}
		want := "it is locked by ann@laptop (swarmup apply, process 7) since 2000-01-01 00:00:00 UTC, last renewed 12s ago"
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
		if err := a.Release(t.Context()); err != nil || !p.empty() || a.Held() {
			t.Errorf("release: %v", err)
		}
		if err := b.Take(t.Context(), &via{place: p}); err != nil {
			t.Error(err)
		}
	})
}

func TestAFreeLockCostsOneRequestAndGivingItBackAnother(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		l := lock.New(run("ann"))
		err := errors.Join(l.Take(t.Context(), &via{place: p}), l.Take(t.Context(), &via{place: p}), l.Release(t.Context()), l.Release(t.Context()))
		if got := p.asked(); err != nil || got != 2 {
			t.Errorf("%d requests, want 2: %v", got, err)
		}
	})
}

func TestWhoWaitsGetsTheLockOnceItIsGivenBack(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		a := lock.New(run("ann"))
		if err := a.Take(t.Context(), &via{place: p}); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(25*time.Second, func() { _ = a.Release(t.Context()) })
		var said []string
		o := patient("bob", time.Minute)
		o.Tell = func(s string) { said = append(said, s) }
		began := time.Now()
		if err := lock.New(o).Take(t.Context(), &via{place: p}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 25*time.Second || took > 28*time.Second {
			t.Errorf("waited %s", took)
		}
		if len(said) != 1 || !strings.HasPrefix(said[0], "wait at most 1m0s for the lock: it is locked by ann@laptop") {
			t.Errorf("said %q", said)
		}
	})
}

func TestAWaitEndsAtItsLimitAndWithItsContext(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		a := lock.New(run("ann"))
		if err := a.Take(t.Context(), &via{place: p}); err != nil {
			t.Fatal(err)
		}
		a.While(t.Context(), func(ctx context.Context) {
			began := time.Now()
			var held *lock.HeldError
			if err := lock.New(patient("bob", 90*time.Second)).Take(ctx, &via{place: p}); !errors.As(err, &held) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took < 90*time.Second || took > 93*time.Second {
				t.Errorf("waited %s", took)
			}
			why := errors.New("interrupted")
			short, cancel := context.WithTimeoutCause(ctx, 5*time.Second, why)
			defer cancel()
			if err := lock.New(patient("cid", time.Hour)).Take(short, &via{place: p}); !errors.Is(err, why) {
				t.Errorf("got %v, want %v", err, why)
			}
		})
	})
}

// A holder that was killed leaves a lock that does not outlive it for long: by the
// place's clock it is old, and a while of silence confirms it, also to those who
// do not wait.
func TestTheLockOfADeadHolderFalls(t *testing.T) {
	for name, tt := range map[string]struct {
		dead, skew, wait, took time.Duration
		held                   bool
	}{
		"not before its time":                            {dead: 30 * time.Second, held: true},
		"once it is old, to those who do not wait":       {dead: 2 * time.Minute, took: 22 * time.Second},
		"once it is old, to those who wait":              {dead: 30 * time.Second, wait: 5 * time.Minute, took: 54 * time.Second},
		"where the place's clock is behind, as well":     {dead: time.Second, skew: -time.Hour, wait: 5 * time.Minute, took: 62 * time.Second},
		"not where the clock is behind and nobody waits": {dead: 2 * time.Minute, skew: -time.Hour, held: true},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(t *testing.T, p *place) {
				p.skew = tt.skew
				if err := lock.New(run("ann")).Take(t.Context(), &via{place: p}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.dead)
				began, l := time.Now(), lock.New(patient("bob", tt.wait))
				err := l.Take(t.Context(), &via{place: p})
				var held *lock.HeldError
				if errors.As(err, &held) != tt.held || l.Held() == tt.held {
					t.Fatalf("got %v", err)
				}
				if took := time.Since(began); took > tt.took+time.Millisecond {
					t.Errorf("took %s, want at most %s", took, tt.took)
				}
			})
		})
	}
}

// Whoever is known to be dead is not waited for.
func TestTheLockOfARunThatIsCertainlyOverFallsAtOnce(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		ann := run("ann")
		ann.Run.Space = "here"
		if err := lock.New(ann).Take(t.Context(), &via{place: p}); err != nil {
			t.Fatal(err)
		}
		o := run("bob")
		o.Dead = func(r lock.Run) bool { return r.Space == "there" || r.Process != 7 }
		if err := lock.New(o).Take(t.Context(), &via{place: p}); err == nil {
			t.Error("took it from one who lives")
		}
		o.Dead = func(r lock.Run) bool { return r.Space == "here" && r.Process == 7 }
		if err := lock.New(o).Take(t.Context(), &via{place: p}); err != nil {
			t.Error(err)
		}
	})
}

// A clock that is hours ahead does not take the lock from a holder who lives.
func TestASkewedClockTakesNoLockFromTheLiving(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		p.skew = 5 * time.Hour
		a := lock.New(run("ann"))
		if err := a.Take(t.Context(), &via{place: p}); err != nil {
			t.Fatal(err)
		}
		a.While(t.Context(), func(ctx context.Context) {
			for range 5 {
				began := time.Now()
				var held *lock.HeldError
				if err := lock.New(run("bob")).Take(ctx, &via{place: p}); !errors.As(err, &held) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("took %s to see that the holder lives", took)
				}
				time.Sleep(7 * time.Second)
			}
			if ctx.Err() != nil {
				t.Error(context.Cause(ctx))
			}
		})
	})
}

func TestOfTwoTakersOfAStaleLockOneSucceeds(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		if err := lock.New(run("dead")).Take(t.Context(), &via{place: p}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				errs[i] = lock.New(run(string(rune('a'+i)))).Take(t.Context(), &via{place: p, takes: time.Duration(i) * 100 * time.Millisecond})
			})
		}
		wg.Wait()
		var took int
		for _, err := range errs {
			var held *lock.HeldError
			if err == nil {
				took++
			} else if !errors.As(err, &held) {
				t.Error(err)
			}
		}
		if took != 1 {
			t.Errorf("%d have it", took)
		}
	})
}

func TestAnAnswerThatWasLostIsNoLossOfTheLock(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		v := &via{place: p, fail: errCut, deaf: true}
		l := lock.New(run("ann"))
		if err := l.Take(t.Context(), v); !errors.Is(err, errCut) {
			t.Fatalf("got %v", err)
		}
		if p.empty() {
			t.Fatal("the request did not arrive")
		}
		v.cut(nil)
		if err := l.Take(t.Context(), v); err != nil {
			t.Error(err)
		}
	})
}
