package join_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
	"github.com/swarmup/swarmup/pkg/wait"
)

func TestMarkWaitsForTheNodeAndMakesOneUpdate(t *testing.T) {
	at(t, func(s *site) {
		id := s.join(s.h, spec.Worker)
		s.h.Kill()
		s.h.Revive()
		err := join.Mark(s.Context(), s.c, id, func(n *engine.NodeSpec) {
			n.Labels["swarmup.node"] = "h"
			n.Availability = "active"
		})
		if err != nil {
			s.Fatal(err)
		}
		n := s.World.Nodes()[1]
		if n.Labels["swarmup.node"] != "h" || n.Availability != "active" || n.State != "ready" {
			s.Errorf("got %+v", n)
		}
		if got := s.World.Calls("POST /nodes/{id}/update"); got != 1 {
			s.Errorf("got %d updates, want 1", got)
		}
	})
}

func TestMarkSaysWhatTheNodeIsWhenItIsNotReady(t *testing.T) {
	at(t, func(s *site) {
		id := s.join(s.h, spec.Worker)
		s.h.Kill()
		time.Sleep(20 * time.Second)
		start := time.Now()
		err := join.Mark(s.Context(), s.c, id, func(*engine.NodeSpec) {})
		var late *wait.TimeoutError
		if !errors.As(err, &late) || !strings.Contains(err.Error(), "wait for the node to be ready: not within 30s: it is down") || time.Since(start) != 30*time.Second {
			s.Errorf("got %v after %s", err, time.Since(start))
		}
	})
}

func TestAWorkerIsPromotedOnce(t *testing.T) {
	at(t, func(s *site) {
		id := s.join(s.h, spec.Worker)
		for range 2 {
			if err := join.Promote(s.Context(), s.c, s.api(s.h), id); err != nil {
				s.Fatal(err)
			}
			if want := m1 + " h:manager:pause:ready:reachable"; s.nodes() != want {
				s.Errorf("got %s, want %s", s.nodes(), want)
			}
		}
		if got := s.World.Calls("POST /nodes/{id}/update"); got != 1 {
			s.Errorf("got %d updates, want 1", got)
		}
		s.sound()
	})
}

func TestAPromotionThatTheOthersDoNotReachIsSaid(t *testing.T) {
	at(t, func(s *site) {
		id := s.join(s.h, spec.Worker)
		s.h.SetHidden(true)
		err := join.Promote(s.Context(), s.c, s.api(s.h), id)
		if err == nil || !strings.Contains(err.Error(), "wait for the promotion: not within 45s: the other managers do not reach it") {
			s.Errorf("got %v", err)
		}
	})
}

func TestADemotionIsSettledBeforeItIsSuccess(t *testing.T) {
	tests := []struct {
		name   string
		who    int // of three managers; 0 leads
		settle time.Duration
		look   bool // at the certificate
		least  time.Duration
		most   time.Duration
	}{
		{"a follower, seen by its certificate", 1, 2 * time.Second, true, 2 * time.Second, 5 * time.Second},
		{"a follower whose certificate takes long", 1, 30 * time.Second, true, 30 * time.Second, 35 * time.Second},
		{"a follower, not seen", 1, 2 * time.Second, false, 10 * time.Second, 13 * time.Second},
		{"the leader", 0, 2 * time.Second, true, 2 * time.Second, 8 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, func(s *site) {
				s.SetDelays(func(d *swarmtest.Delays) { d.Settle = tt.settle })
				ids, engines := s.managers(3)
				e := engines[tt.who]
				var settled func(context.Context) (bool, error)
				if tt.look {
					settled = certificate(e)
				}
				start := time.Now()
				if err := join.Demote(s.Context(), s.api(engines[2]), s.api(e), ids[tt.who], settled); err != nil {
					s.Fatal(err)
				}
				if took := time.Since(start); took < tt.least || took > tt.most {
					s.Errorf("took %s, want %s to %s", took, tt.least, tt.most)
				}
				if _, _, role := e.Certificate(); role != "swarm-worker" {
					s.Errorf("the certificate says %s", role)
				}
				if err := join.Leave(s.Context(), s.api(e), false); err != nil {
					s.Error(err)
				}
				if s.Margin() < 0 {
					s.Errorf("quorum was lost: margin %d", s.Margin())
				}
				s.sound()
			})
		})
	}
}

func TestADemotionThatIsDoneIsNotDoneAgain(t *testing.T) {
	at(t, func(s *site) {
		ids, engines := s.managers(3)
		settled := certificate(engines[2])
		for range 2 {
			if err := join.Demote(s.Context(), s.c, s.api(engines[2]), ids[2], settled); err != nil {
				s.Fatal(err)
			}
		}
		if got := s.World.Calls("POST /nodes/{id}/update"); got != 1 {
			s.Errorf("got %d updates, want 1", got)
		}
	})
}

func TestADemotionThatWasInterruptedIsSettledByTheNextRun(t *testing.T) {
	at(t, func(s *site) {
		s.SetDelays(func(d *swarmtest.Delays) { d.Settle = 20 * time.Second })
		ids, engines := s.managers(3)
		settled := certificate(engines[2])
		err := join.Demote(interrupted(s.T, 5*time.Second), s.c, s.api(engines[2]), ids[2], settled)
		if !errors.Is(err, errInterrupt) {
			s.Errorf("got %v, want the interrupt", err)
		}
		if err := join.Demote(s.Context(), s.c, s.api(engines[2]), ids[2], settled); err != nil {
			s.Fatal(err)
		}
		if ok, _ := settled(s.Context()); !ok {
			s.Error("the certificate does not say worker")
		}
	})
}

func TestADemotionWaitsForTheHostsOwnView(t *testing.T) {
	at(t, func(s *site) {
		s.SetDelays(func(d *swarmtest.Delays) { d.HostDemote = 5 * time.Second })
		ids, engines := s.managers(3)
		api := s.api(engines[2])
		err := join.Demote(s.Context(), s.c, api, ids[2], func(context.Context) (bool, error) { return true, nil })
		if err != nil {
			s.Fatal(err)
		}
		if i, _ := api.Info(s.Context()); i.Manager {
			s.Error("its own engine still takes part in the control plane")
		}
	})
}

func TestADemotionWaitsForTheQuorumAndNoLonger(t *testing.T) {
	tests := []struct {
		name string
		back time.Duration // when the dead manager comes back; 0 never
		ok   bool
	}{
		{"a manager comes back in time", 10 * time.Second, true},
		{"a manager stays away", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, func(s *site) {
				ids, engines := s.managers(3)
				engines[1].Kill()
				if tt.back > 0 {
					time.AfterFunc(tt.back, engines[1].Revive)
				}
				s.ResetMargin()
				err := join.Demote(s.Context(), s.c, s.api(engines[2]), ids[2], certificate(engines[2]))
				if (err == nil) != tt.ok || !tt.ok && !errors.Is(err, engine.ErrQuorum) {
					s.Errorf("got %v, want success %t", err, tt.ok)
				}
				if !tt.ok && !strings.Contains(err.Error(), "1 of the 2 other managers can be reached, 2 are needed") {
					s.Errorf("got %v", err)
				}
				if s.Margin() < 0 {
					s.Errorf("quorum was lost: margin %d", s.Margin())
				}
				s.sound()
			})
		})
	}
}

func TestADemotionThatOverlapsWithAnotherWaits(t *testing.T) {
	at(t, func(s *site) {
		s.SetDelays(func(d *swarmtest.Delays) { d.Demote = 5 * time.Second })
		ids, engines := s.managers(5)
		other := make(chan error)
		go func() {
			other <- join.Demote(s.Context(), s.api(engines[1]), s.api(engines[3]), ids[3], certificate(engines[3]))
		}()
		time.Sleep(time.Second)
		if err := join.Demote(s.Context(), s.c, s.api(engines[4]), ids[4], certificate(engines[4])); err != nil {
			s.Error(err)
		}
		if err := <-other; err != nil {
			s.Error(err)
		}
		s.sound()
	})
}

func TestCanShrinkCountsWhoIsLeft(t *testing.T) {
	// One letter a manager: r reachable, u unreachable, d reachable and being
	// demoted. The first is the one to go.
	tests := []struct {
		managers string
		ok       bool
	}{
		{"r", false},
		{"rr", true},
		{"ru", false},
		{"ur", true},
		{"rrr", true},
		{"rru", false},
		{"urr", true},
		{"uur", false},
		{"rrrr", true},
		{"rrru", true},
		{"rruu", false},
		{"rrrrr", true},
		{"rrrru", true},
		{"rrruu", false},
		{"uurrr", true},
		{"uuurr", false},
		{"rrrrrrr", true},
		{"rrrd", false},
	}
	for _, tt := range tests {
		t.Run(tt.managers, func(t *testing.T) {
			nodes := []engine.Node{{ID: "worker", Role: "worker"}}
			for k, c := range tt.managers {
				reach := map[rune]string{'r': "reachable", 'd': "reachable", 'u': "unreachable"}[c]
				n := engine.Node{ID: tt.managers[:k+1], Role: "manager", Manager: &engine.ManagerStatus{Reachability: reach}}
				if c == 'd' {
					n.Role = "worker"
				}
				nodes = append(nodes, n)
			}
			err := join.CanShrink(nodes, tt.managers[:1])
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, engine.ErrQuorum) {
				t.Errorf("got %v, want ok %t", err, tt.ok)
			}
			for _, id := range []string{"worker", "nosuch"} {
				if err := join.CanShrink(nodes, id); err != nil {
					t.Errorf("%s: got %v, want nothing to say", id, err)
				}
			}
		})
	}
}

// certificate looks whether the engine's certificate says worker.
func certificate(e *swarmtest.Engine) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) {
		_, _, role := e.Certificate()
		return role == "swarm-worker", nil
	}
}
