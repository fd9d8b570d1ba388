package lock_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/lock"
)

// holders keeps who believes to have the lock.
type holders struct {
	mu  sync.Mutex
	now map[string]bool
	bad []string
	ran int
}

func (h *holders) enter(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for other := range h.now {
		h.bad = append(h.bad, fmt.Sprintf("%s: %s has it beside %s", time.Now().Format("15:04:05.000"), name, other))
	}
	h.now[name] = true
	h.ran++
}

func (h *holders) leave(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.now, name)
}

// However runs begin and end, are killed, and cannot reach the place for a while,
// there is never more than one of them that believes to have the lock, and it does
// not stay with the dead.
func TestThereIsNeverMoreThanOneHolder(t *testing.T) {
	for seed := range uint64(150) {
		in(t, func(t *testing.T, p *place) {
			h := &holders{now: map[string]bool{}}
			var wg sync.WaitGroup
			for i := range 5 {
				wg.Go(func() { life(t, p, h, rand.New(rand.NewPCG(seed, uint64(i))), fmt.Sprint("r", i)) })
			}
			wg.Wait()
			synctest.Wait()
			for _, s := range h.bad {
				t.Errorf("seed %d: %s", seed, s)
			}
			if h.ran < 5 {
				t.Errorf("seed %d: only %d runs got it", seed, h.ran)
			}
			if err := lock.New(patient("last", 5*time.Minute)).Take(t.Context(), &via{place: p}); err != nil {
				t.Errorf("seed %d: after all have ended: %v", seed, err)
			}
		})
	}
}

// life is one run after the other on one computer.
func life(t *testing.T, p *place, h *holders, r *rand.Rand, who string) {
	t.Helper()
	for n := range 8 {
		some := func(most time.Duration) time.Duration { return time.Duration(r.Int64N(int64(most))) }
		name := fmt.Sprint(who, "-", n)
		v := &via{place: p, takes: some(3 * time.Second)}
		time.Sleep(some(2 * time.Minute))
		l := lock.New(patient(name, some(3*time.Minute)))
		if r.IntN(3) == 0 {
			v.deaf = r.IntN(2) == 0
			cut := time.AfterFunc(some(time.Minute), func() { v.cut(errCut) })
			mend := time.AfterFunc(some(3*time.Minute), func() { v.cut(nil) })
			defer func() { cut.Stop(); mend.Stop() }()
		}
		if l.Take(t.Context(), v) != nil {
			continue
		}
		dies := r.IntN(4) == 0
		work(t, l, h, name, some(2*time.Minute))
		if !dies {
			_ = l.Release(t.Context())
		}
	}
}

// work is what a run does under its lock. One that dies gives nothing back.
func work(t *testing.T, l *lock.Lock, h *holders, name string, d time.Duration) {
	t.Helper()
	h.enter(name)
	l.While(t.Context(), func(ctx context.Context) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
		h.leave(name)
	})
}
