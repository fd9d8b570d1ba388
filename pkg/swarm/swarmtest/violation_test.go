package swarmtest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// five gives a swarm of five managers and their engines.
func five(t *testing.T, w *swarmtest.World) ([]*swarm.Engine, []*swarmtest.Engine) {
	t.Helper()
	var apis []*swarm.Engine
	var engines []*swarmtest.Engine
	for _, name := range []string{"m1", "m2", "m3", "m4", "m5"} {
		e := w.Engine("10.0.0."+name[1:], name)
		api, err := swarm.New(e.Dial)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = api.Close() })
		apis, engines = append(apis, api), append(engines, e)
		if len(apis) == 1 {
			_, err = api.Init(t.Context(), engine.InitRequest{})
		} else {
			s, _ := apis[0].Swarm(t.Context())
			err = api.Join(t.Context(), engine.JoinRequest{Remote: "10.0.0.1:2377", Token: s.Manager})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w.ResetMargin()
	return apis, engines
}

func TestMistakesThatASwarmLetsPassAreKept(t *testing.T) {
	demote := func(s *engine.NodeSpec) { s.Role = "worker" }
	tests := []struct {
		name   string
		do     func(t *testing.T, w *swarmtest.World, api []*swarm.Engine, e []*swarmtest.Engine)
		want   string
		margin int
	}{
		{name: "none", margin: 2, do: func(*testing.T, *swarmtest.World, []*swarm.Engine, []*swarmtest.Engine) {}},
		{name: "a manager leaves by force", want: "m5 left by force as one of 5 members of the raft group", margin: 1,
			do: func(t *testing.T, _ *swarmtest.World, api []*swarm.Engine, _ []*swarmtest.Engine) {
				_ = api[4].Leave(t.Context(), true)
			}},
		{name: "two demotions at once", want: "the role of m4 changed while the demotion of m5 was under way", margin: 1,
			do: func(t *testing.T, w *swarmtest.World, api []*swarm.Engine, _ []*swarmtest.Engine) {
				w.SetDelays(func(d *swarmtest.Delays) { d.Demote = time.Second })
				_ = api[0].UpdateNode(t.Context(), w.Nodes()[4].ID, demote)
				_ = api[0].UpdateNode(t.Context(), w.Nodes()[3].ID, demote)
				time.Sleep(5 * time.Second)
			}},
		{name: "a leave before the demotion has settled", want: "m5 left before its demotion had settled", margin: 1,
			do: func(t *testing.T, w *swarmtest.World, api []*swarm.Engine, _ []*swarmtest.Engine) {
				_ = api[0].UpdateNode(t.Context(), w.Nodes()[4].ID, demote)
				time.Sleep(time.Second)
				_ = api[4].Leave(t.Context(), false)
			}},
		{name: "a promotion before the demotion has settled", want: "m5 changed its role again before its demotion had settled", margin: 1,
			do: func(t *testing.T, w *swarmtest.World, api []*swarm.Engine, _ []*swarmtest.Engine) {
				_ = api[0].UpdateNode(t.Context(), w.Nodes()[4].ID, demote)
				time.Sleep(time.Second)
				_ = api[0].UpdateNode(t.Context(), w.Nodes()[4].ID, func(s *engine.NodeSpec) { s.Role = "manager" })
			}},
		{name: "a living node is removed", want: "m5 was removed while it was a living node", margin: 1,
			do: func(t *testing.T, w *swarmtest.World, api []*swarm.Engine, _ []*swarmtest.Engine) {
				id := w.Nodes()[4].ID
				_ = api[0].UpdateNode(t.Context(), id, demote)
				time.Sleep(10 * time.Second)
				_ = api[0].RemoveNode(t.Context(), id, true)
			}},
		{name: "the quorum is lost", margin: -1,
			do: func(_ *testing.T, _ *swarmtest.World, _ []*swarm.Engine, e []*swarmtest.Engine) {
				for _, e := range e[:3] {
					e.Kill()
				}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := swarmtest.New()
				defer w.Close()
				apis, engines := five(t, w)
				tt.do(t, w, apis, engines)
				if got := strings.Join(w.Violations(), "; "); got != tt.want {
					t.Errorf("violations: got %q, want %q", got, tt.want)
				}
				if got := w.Margin(); got != tt.margin {
					t.Errorf("margin: got %d, want %d", got, tt.margin)
				}
			})
		})
	}
}

func TestASecondSwarmIsCountedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := swarmtest.New()
		defer w.Close()
		apis, _ := five(t, w)
		if got := len(w.Clusters()); got != 1 {
			t.Errorf("got %d swarms, want 1", got)
		}
		_ = apis[4].Leave(t.Context(), true)
		_, _ = apis[4].Init(t.Context(), engine.InitRequest{})
		_ = apis[4].Leave(t.Context(), true)
		if got := len(w.Clusters()); got != 2 {
			t.Errorf("got %d swarms, want 2", got)
		}
	})
}
