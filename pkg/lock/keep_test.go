package lock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/lock"
)

func TestALockThatIsKeptHoldsForAsLongAsItIsNeeded(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		l := lock.New(run("ann"))
		if err := hold(t, l, &via{place: p, takes: 2 * time.Second}, time.Hour); err != nil {
			t.Errorf("lost: %v", err)
		}
		if got := p.asked(); got < 350 || got > 400 { // twice in 19 s
			t.Errorf("%d requests in an hour", got)
		}
		if err := l.Release(t.Context()); err != nil || !p.empty() {
			t.Errorf("release: %v", err)
		}
	})
}

func TestALostLockEndsTheWorkAndSaysWhy(t *testing.T) {
	tests := []struct {
		name    string
		lenient bool
		harm    func(t *testing.T, p *place, v *via)
		within  time.Duration
		want    string // "" means that it is not lost
	}{
		{name: "somebody takes it by force", within: 16 * time.Second,
			harm: func(t *testing.T, p *place, _ *via) {
				if err := lock.New(run("bob")).Usurp(t.Context(), &via{place: p}); err != nil {
					t.Error(err)
				}
			}, want: "the lock of this run is lost: bob@laptop (swarmup apply, process 7) has it now"},
		{name: "also from those who take all down", lenient: true, within: 16 * time.Second,
			harm: func(t *testing.T, p *place, _ *via) {
				if err := lock.New(run("bob")).Usurp(t.Context(), &via{place: p}); err != nil {
					t.Error(err)
				}
			}, want: "the lock of this run is lost: bob@laptop (swarmup apply, process 7) has it now"},
		{name: "somebody removes it", within: 16 * time.Second,
			harm: func(t *testing.T, p *place, _ *via) {
				if _, _, err := lock.Break(t.Context(), &via{place: p}, run("bob"), true); err != nil {
					t.Error(err)
				}
			}, want: "the lock of this run is lost: somebody has removed it"},
		{name: "nobody can be asked for so long that others may take it", within: time.Minute,
			harm: func(_ *testing.T, _ *place, v *via) { v.cut(errCut) },
			want: "the lock of this run is lost: not renewed within 1m0s: "},
		{name: "nobody can be asked for a while", harm: func(_ *testing.T, _ *place, v *via) {
			v.cut(errCut)
			time.AfterFunc(40*time.Second, func() { v.cut(nil) })
		}},
		{name: "those who take all down need nobody to be there", lenient: true, harm: func(_ *testing.T, _ *place, v *via) { v.cut(errCut) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, p *place) {
				o, v := run("ann"), &via{place: p}
				o.Lenient = tt.lenient
				l := lock.New(o)
				time.AfterFunc(20*time.Second, func() { tt.harm(t, p, v) })
				began := time.Now()
				err := hold(t, l, v, 5*time.Minute)
				synctest.Wait()
				got := ""
				if err != nil {
					got = err.Error()
				}
				if !strings.HasPrefix(got, tt.want) || tt.want == "" && err != nil {
					t.Errorf("got  %q\nwant %q", got, tt.want)
				}
				var lost *lock.LostError
				if tt.want != "" && !errors.As(err, &lost) {
					t.Errorf("%T", err)
				}
				if took := time.Since(began) - 20*time.Second; tt.want != "" && took > tt.within {
					t.Errorf("noticed after %s, want %s", took, tt.within)
				}
			})
		})
	}
}

func TestAnInterruptDoesNotEndTheRenewals(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		ctx, cancel := context.WithCancel(t.Context())
		l := lock.New(run("ann"))
		if err := l.Take(ctx, &via{place: p}); err != nil {
			t.Fatal(err)
		}
		l.While(ctx, func(ctx context.Context) {
			cancel()
			<-ctx.Done()
			time.Sleep(2 * time.Minute) // what is in flight
			st, err := lock.Look(t.Context(), &via{place: p})
			if err != nil || st.Stale || st.By.ID != "ann" {
				t.Errorf("%+v, %v", st, err)
			}
		})
	})
}

func TestALockMovesWithItsHolder(t *testing.T) {
	in(t, func(t *testing.T, file *place) {
		file.name = "a file"
		made := &place{name: "the swarm"}
		l := lock.New(run("ann"))
		if err := l.Take(t.Context(), &via{place: file}); err != nil {
			t.Fatal(err)
		}
		l.While(t.Context(), func(ctx context.Context) {
			if err := l.Take(ctx, &via{place: made}); err != nil || !file.empty() || made.empty() {
				t.Errorf("move: %v", err)
			}
			time.Sleep(5 * time.Minute)
			if err := lock.New(run("bob")).Take(ctx, &via{place: made}); err == nil {
				t.Error("it was not renewed in its new place")
			}
		})
		if err := l.Release(t.Context()); err != nil || !made.empty() {
			t.Errorf("release: %v", err)
		}
	})
}

// Somebody may be quicker in the new place: then one of the two stops.
func TestALockDoesNotMoveToWhereSomebodyIs(t *testing.T) {
	in(t, func(t *testing.T, file *place) {
		file.name = "a file"
		made := &place{name: "the swarm"}
		a, b := lock.New(patient("ann", time.Hour)), lock.New(run("bob"))
		if err := errors.Join(a.Take(t.Context(), &via{place: file}), b.Take(t.Context(), &via{place: made})); err != nil {
			t.Fatal(err)
		}
		var held *lock.HeldError
		if err := a.Take(t.Context(), &via{place: made}); !errors.As(err, &held) || held.By.ID != "bob" {
			t.Errorf("got %v", err)
		}
	})
}

// A holder that was away for long does not give back what is somebody else's.
func TestALateHolderGivesNothingOfOthersBack(t *testing.T) {
	in(t, func(t *testing.T, p *place) {
		a, b := lock.New(run("ann")), lock.New(run("bob"))
		if err := a.Take(t.Context(), &via{place: p}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // its computer slept
		if err := b.Take(t.Context(), &via{place: p}); err != nil {
			t.Fatal(err)
		}
		if err := a.Release(t.Context()); err != nil || p.empty() || a.Held() {
			t.Errorf("release: %v", err)
		}
	})
}
