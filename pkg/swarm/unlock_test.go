package swarm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// locked gives an engine that restarted in a swarm of its own, and its key.
func locked(t *testing.T, w *swarmtest.World) (*swarmtest.Engine, *swarm.Engine, engine.Key) {
	t.Helper()
	e := w.Engine("10.0.0.1", "m1")
	m := connect(t, e)
	if _, err := m.Init(t.Context(), engine.InitRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := m.UpdateSwarm(t.Context(), func(s *engine.SwarmSpec) { s.Autolock = true }); err != nil {
		t.Fatal(err)
	}
	key, err := m.UnlockKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	e.Restart()
	return e, m, key
}

func TestUnlock(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		_, m, key := locked(t, w)
		for text, want := range map[string]string{
			"x":                                   "unlock swarm: invalid key string",
			"SWMKEY-1-" + strings.Repeat("A", 43): "unlock swarm: swarm could not be unlocked: invalid key provided",
		} {
			if err := m.Unlock(t.Context(), engine.NewKey(text)); !errors.Is(err, engine.ErrKey) || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		}
		if err := m.Unlock(t.Context(), key); err != nil {
			t.Error(err)
		}
		if err := m.Unlock(t.Context(), key); err != nil {
			t.Errorf("unlocked already: %v", err)
		}
		if i, err := m.Info(t.Context()); err != nil || i.State != engine.Active || !i.Manager {
			t.Errorf("got %+v, %v", i, err)
		}
		idle := connect(t, w.Engine("10.0.0.2", "m2"))
		if err := idle.Unlock(t.Context(), key); !errors.Is(err, engine.ErrNotManager) {
			t.Errorf("in no swarm: got %v", err)
		}
	})
}

func TestALockedManagerTellsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		_, m, _ := locked(t, w)
		_, err := m.UnlockKey(t.Context())
		if !errors.Is(err, engine.ErrLocked) {
			t.Errorf("got %v", err)
		}
		if i, err := m.Info(t.Context()); err != nil || i.State != engine.Locked {
			t.Errorf("got %+v, %v", i, err)
		}
	})
}

func TestNoErrorHoldsTheUnlockKey(t *testing.T) {
	secret := "SWMKEY-1-" + strings.Repeat("k", 43)
	for _, code := range []int{400, 401, 500} {
		e, err := swarm.New(parrot(t, code, "application/json", func(body string) string {
			b, _ := json.Marshal(map[string]string{"message": "bad: " + body + secret})
			return string(b)
		}))
		if err != nil {
			t.Fatal(err)
		}
		_, read := e.UnlockKey(t.Context())
		for _, err := range []error{e.Unlock(t.Context(), engine.NewKey(secret)), read} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
				if got := fmt.Sprintf(verb, err); err == nil || strings.Contains(got, strings.Repeat("k", 43)) {
					t.Errorf("%d: %s shows it: %s", code, verb, got)
				}
			}
		}
		_ = e.Close()
	}
}

func TestRotate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m := connect(t, w.Engine("10.0.0.1", "m1"))
		if _, err := m.Init(t.Context(), engine.InitRequest{TaskHistory: new(int)}); err != nil {
			t.Fatal(err)
		}
		before, _ := m.Swarm(t.Context())
		w.Race(1)
		if err := m.Rotate(t.Context(), engine.Rotation{WorkerToken: true}); err != nil {
			t.Fatal(err)
		}
		after, err := m.Swarm(t.Context())
		if err != nil || after.Worker.Reveal() == before.Worker.Reveal() || after.Manager.Reveal() != before.Manager.Reveal() || after.TaskHistory != before.TaskHistory {
			t.Errorf("got %+v after %+v, %v", after, before, err)
		}
		if err := m.Rotate(t.Context(), engine.Rotation{CA: true}); err != nil {
			t.Fatal(err)
		}
		if now, err := m.Swarm(t.Context()); err != nil || !now.Rotating || now.Issuer == after.Issuer {
			t.Errorf("got %+v, %v", now, err)
		}
		time.Sleep(10 * time.Second)
		now, err := m.Swarm(t.Context())
		nodes, _ := m.Nodes(t.Context())
		if err != nil || now.Rotating || now.Manager.Reveal() == after.Manager.Reveal() || len(nodes) != 1 || nodes[0].Issuer != now.Issuer {
			t.Errorf("got %+v and %+v, %v", now, nodes, err)
		}
	})
}
