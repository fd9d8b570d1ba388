package swarm_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

func TestMembershipIsInfoUnlessThereIsNone(t *testing.T) {
	for _, tt := range []struct {
		name, version, api string
		infos              int // it takes for an engine in no swarm
	}{
		{"20.10 has to be asked for everything", "20.10.24", "1.41", 1},
		{"23.0 says it in the header of a ping", "23.0.0", "1.42", 0},
		{"28.5 likewise", "28.5.2", "1.51", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *swarmtest.World) {
				e := w.Engine("10.0.0.1", "m1")
				e.SetVersion(tt.version, tt.api)
				s := connect(t, e)
				got, err := s.Membership(t.Context())
				if err != nil || got.State != engine.Inactive || got.NodeID != "" || e.Calls("GET /info") != tt.infos {
					t.Errorf("in no swarm: got %+v, %v after %d infos, want %d", got, err, e.Calls("GET /info"), tt.infos)
				}
				if _, err := s.Init(t.Context(), engine.InitRequest{Advertise: "10.0.0.1"}); err != nil {
					t.Fatal(err)
				}
				want, _ := s.Info(t.Context())
				got, err = s.Membership(t.Context())
				if d := cmp.Diff(want, got); d != "" || err != nil {
					t.Errorf("in a swarm: %v (-info +membership):\n%s", err, d)
				}
			})
		})
	}
}

func TestMembershipOfAnEngineThatIsNotThereIsNoAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		e.SetDialError(&dialError{"m1"})
		got, err := connect(t, e).Membership(t.Context())
		if !errors.Is(err, engine.ErrNoAnswer) || got.State != "" {
			t.Errorf("got %+v, %v; an engine that does not answer is in no known state", got, err)
		}
	})
}
