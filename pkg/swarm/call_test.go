package swarm_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

var errInterrupt = errors.New("interrupted")

// interrupted gives a context that ends after d.
func interrupted(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(d, func() { cancel(errInterrupt) })
	return ctx
}

func TestAnInterruptEndsAQuestionAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		e.SetSilent(true)
		start := time.Now()
		_, err := connect(t, e).Info(interrupted(t, time.Second))
		if !errors.Is(err, errInterrupt) || !errors.Is(err, engine.ErrNoAnswer) || time.Since(start) != time.Second {
			t.Errorf("got %v after %s, want the interrupt after 1s", err, time.Since(start))
		}
	})
}

func TestAChangeInFlightIsFinishedAfterAnInterrupt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		_, err := connect(t, w.Engine("10.0.0.1", "m1")).Init(interrupted(t, time.Millisecond), engine.InitRequest{})
		if err != nil || len(w.Nodes()) != 1 {
			t.Errorf("got %v and %d nodes, want the init to be finished", err, len(w.Nodes()))
		}
	})
}

func TestAChangeInFlightGetsThirtySecondsAfterAnInterrupt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		e.SetSilent(true)
		start := time.Now()
		err := connect(t, e).Leave(interrupted(t, time.Second), false)
		if !errors.Is(err, errInterrupt) || time.Since(start) != 31*time.Second {
			t.Errorf("got %v after %s, want the interrupt after 31s", err, time.Since(start))
		}
	})
}

func TestNoChangeBeginsAfterAnInterrupt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		ctx := interrupted(t, 0)
		synctest.Wait()
		_, err := connect(t, w.Engine("10.0.0.1", "m1")).Init(ctx, engine.InitRequest{})
		if !errors.Is(err, errInterrupt) || w.Calls("POST /swarm/init") != 0 {
			t.Errorf("got %v and %d calls, want the interrupt and no call", err, w.Calls("POST /swarm/init"))
		}
	})
}

func TestOneConnectionServesManyCallsUntilClose(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		var dials, open atomic.Int32
		e := w.Engine("10.0.0.1", "m1")
		s, err := swarm.New(func(ctx context.Context, network, addr string) (net.Conn, error) {
			if network != "unix" || addr != swarm.Socket {
				t.Errorf("dialled %s %s, want unix %s", network, addr, swarm.Socket)
			}
			dials.Add(1)
			open.Add(1)
			c, err := e.Dial(ctx, network, addr)
			return counted{c, &open}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := s.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if dials.Load() != 1 || open.Load() != 1 {
			t.Errorf("got %d dials, %d open; want one that stays open", dials.Load(), open.Load())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if open.Load() != 0 {
			t.Errorf("got %d connections after Close, want 0", open.Load())
		}
	})
}

type counted struct {
	net.Conn
	open *atomic.Int32
}

func (c counted) Close() error {
	c.open.Add(-1)
	return c.Conn.Close()
}

func TestADialEndsWithItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		s, err := swarm.New(func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return nil, ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		if _, err := s.Info(interrupted(t, time.Second)); !errors.Is(err, errInterrupt) {
			t.Errorf("got %v, want the interrupt", err)
		}
		if err := <-ended; !errors.Is(err, errInterrupt) {
			t.Errorf("the dial ended with %v, want the interrupt", err)
		}
	})
}

type dialError struct{ host string }

func (e *dialError) Error() string { return "no route to " + e.host }

func TestTheDialersOwnErrorIsFound(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		e.SetDialError(&dialError{"m1"})
		_, err := connect(t, e).Info(t.Context())
		var own *dialError
		if !errors.As(err, &own) || !errors.Is(err, engine.ErrNoAnswer) || err.Error() != "read info: no route to m1" {
			t.Errorf("got %v, want the dialer's error", err)
		}
	})
}

func TestOldEnginesAreSpokenToInTheirVersion(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		e.SetVersion("20.10.24", "1.41")
		s := connect(t, e)
		if _, err := s.Init(t.Context(), engine.InitRequest{}); err != nil {
			t.Fatal(err)
		}
		info, err := s.Info(t.Context())
		if err != nil || info.Version != "20.10.24" || info.State != engine.Active {
			t.Errorf("got %+v, %v; want an active 20.10.24", info, err)
		}
	})
}
