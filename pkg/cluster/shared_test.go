package cluster

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// asker answers with the number of the question, a second later.
type asker struct{ asked int }

func (a *asker) ask(ctx context.Context) (int, error) {
	a.asked++
	n := a.asked
	select {
	case <-time.After(time.Second):
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func TestWhoAsksAtTheSameTimeGetsOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := newShared[int](), &asker{}
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				want := 2 // the first question had begun before
				if i == 0 {
					want = 1
				}
				if got, err := s.get(t.Context(), a.ask); got != want || err != nil {
					t.Errorf("the one who came as number %d: got answer %d, %v; want %d", i, got, err, want)
				}
			})
		}
		wg.Wait()
		if a.asked != 2 {
			t.Errorf("%d questions, want 2", a.asked)
		}
		if got, _ := s.get(t.Context(), a.ask); got != 3 {
			t.Errorf("later: got the old answer %d", got)
		}
	})
}

func TestARefusalIsSharedAndAnInterruptIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := newShared[int](), &asker{}
		refused := errors.New("no")
		questions := 0
		no := func(context.Context) (int, error) {
			questions++
			time.Sleep(time.Second)
			return 0, refused
		}
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				time.Sleep(time.Duration(i))
				if _, err := s.get(t.Context(), no); !errors.Is(err, refused) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if questions != 2 {
			t.Errorf("%d questions, want 2", questions)
		}

		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		wg.Go(func() {
			if _, err := s.get(short, a.ask); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who has no time: got %v", err)
			}
		})
		wg.Go(func() {
			if got, err := s.get(t.Context(), a.ask); err != nil || got != a.asked {
				t.Errorf("who has time: got %d, %v", got, err)
			}
		})
		wg.Wait()
	})
}

func TestWhoseTimeIsOverDoesNotWaitForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, a := newShared[int](), &asker{}
		short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		go func() { _, _ = s.get(t.Context(), a.ask) }()
		synctest.Wait()
		start := time.Now()
		if _, err := s.get(short, a.ask); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Millisecond {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
		time.Sleep(time.Second)
	})
}
