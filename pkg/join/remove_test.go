package join_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
	"github.com/swarmup/swarmup/pkg/wait"
)

// active joins the host as an active worker and gives its ID.
func (s *site) active() string {
	s.Helper()
	id := s.join(s.h, spec.Worker)
	err := join.Mark(s.Context(), s.c, id, func(n *engine.NodeSpec) { n.Availability, n.Labels["zone"] = "active", "a" })
	if err != nil {
		s.Fatal(err)
	}
	return id
}

func TestDrainWaitsForTheTasksAndForThoseThatReplaceThem(t *testing.T) {
	tests := []struct {
		name    string
		run     []swarmtest.Service
		given   func(*site)
		timeout time.Duration
		says    []string
		fails   string
		most    time.Duration
	}{
		{name: "nothing runs", most: time.Second},
		{
			name: "tasks that move", run: []swarmtest.Service{{Name: "web", Replicas: 4}, {Name: "db", Replicas: 2}},
			says: []string{"3 tasks of db, web still run"}, most: 5 * time.Second,
		},
		{
			name: "replacements that take long", run: []swarmtest.Service{{Name: "web", Replicas: 2}},
			given: func(s *site) { s.SetDelays(func(d *swarmtest.Delays) { d.TaskStart = 20 * time.Second }) },
			says:  []string{"1 task of web still runs"}, most: 25 * time.Second,
		},
		{
			name: "a service that is bound to the node", run: []swarmtest.Service{{Name: "db", Replicas: 2, Bound: true}},
			says: []string{"1 task of db still runs", "db has 1 of 2 tasks elsewhere"}, most: 40 * time.Second,
		},
		{
			name: "a task that does not stop", run: []swarmtest.Service{{Name: "job", Replicas: 2, Stuck: true}}, timeout: time.Minute,
			says:  []string{"1 task of job still runs"},
			fails: "wait for the node's tasks to stop: not within 1m0s: 1 task of job still runs", most: time.Minute,
		},
		{
			name: "a host that dies meanwhile", run: []swarmtest.Service{{Name: "job", Replicas: 2, Stuck: true}},
			given: func(s *site) { time.AfterFunc(time.Second, s.h.Kill) },
			says:  []string{"1 task of job still runs"}, most: 20 * time.Second,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, func(s *site) {
				id := s.active()
				for _, service := range tt.run {
					s.World.Run(service)
				}
				if tt.given != nil {
					tt.given(s)
				}
				var says []string
				start := time.Now()
				err := join.Drain(s.Context(), s.c, id, tt.timeout, func(text string) { says = append(says, text) })
				if took := time.Since(start); took > tt.most {
					s.Errorf("took %s, want at most %s", took, tt.most)
				}
				if got := text(err); got != tt.fails {
					s.Errorf("got %q, want %q", got, tt.fails)
				}
				if d := cmp.Diff(tt.says, says); d != "" {
					s.Errorf("progress (-want +got):\n%s", d)
				}
				n := s.World.Nodes()[1]
				if n.Availability != "drain" || n.Labels["zone"] != "a" || n.Role != "worker" {
					s.Errorf("got %+v, want a drained worker with its label", n)
				}
				var late *wait.TimeoutError
				if tt.fails != "" && !errors.As(err, &late) {
					s.Errorf("got %T, want a *wait.TimeoutError", err)
				}
			})
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDrainingAnUnknownNodeIsAnError(t *testing.T) {
	at(t, func(s *site) {
		if err := join.Drain(s.Context(), s.c, "nosuch", 0, nil); !errors.Is(err, engine.ErrNotFound) {
			s.Errorf("got %v, want %v", err, engine.ErrNotFound)
		}
	})
}

func TestAWorkerLeavesPlainlyAndAManagerOnlyByForce(t *testing.T) {
	tests := []struct {
		name  string
		role  spec.Role
		force bool
		ok    bool
	}{
		{"a worker", spec.Worker, false, true},
		{"a manager", spec.Manager, false, false},
		{"a manager by force", spec.Manager, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, func(s *site) {
				s.join(s.h, tt.role)
				api := s.api(s.h)
				err := join.Leave(s.Context(), api, tt.force)
				if (err == nil) != tt.ok {
					s.Errorf("got %v, want ok %t", err, tt.ok)
				}
				if i, _ := api.Info(s.Context()); (i.State == engine.Inactive) != tt.ok {
					s.Errorf("it is %s, want inactive %t", i.State, tt.ok)
				}
				if tt.ok {
					if err := join.Leave(s.Context(), api, false); err != nil {
						s.Errorf("again: %v", err)
					}
					if got := s.h.Calls("POST /swarm/leave"); got != 1 {
						s.Errorf("got %d calls, want 1", got)
					}
				}
			})
		})
	}
}

func TestALeaveWhoseAnswerIsLostIsLookedAt(t *testing.T) {
	at(t, func(s *site) {
		s.join(s.h, spec.Worker)
		api := s.api(s.h)
		if err := join.Leave(s.Context(), lossy{api}, false); err != nil {
			s.Error(err)
		}
		if i, _ := api.Info(s.Context()); i.State != engine.Inactive {
			s.Errorf("it is %s, want inactive", i.State)
		}
	})
}

// lossy does what it is asked and loses the answer.
type lossy struct{ join.Member }

func (l lossy) Leave(ctx context.Context, force bool) error {
	_ = l.Member.Leave(ctx, force)
	return engine.ErrNoAnswer
}

func TestAJoinWhoseAnswerIsLostIsLookedAt(t *testing.T) {
	at(t, func(s *site) {
		s.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker = 10 * time.Second })
		if _, err := join.Join(s.Context(), deaf{s.api(s.h)}, s.c, s.request(spec.Worker)); err != nil {
			s.Error(err)
		}
		if want := m1 + " " + h; s.nodes() != want || s.h.Calls("POST /swarm/join") != 1 || s.h.Calls("POST /swarm/leave") != 0 {
			s.Errorf("got %s after %d joins and %d leaves, want %s after one join", s.nodes(), s.h.Calls("POST /swarm/join"), s.h.Calls("POST /swarm/leave"), want)
		}
	})
}

// deaf loses the connection right after the request to join.
type deaf struct{ join.Member }

func (d deaf) Join(ctx context.Context, r engine.JoinRequest) error {
	go func() { _ = d.Member.Join(context.WithoutCancel(ctx), r) }()
	synctest.Wait()
	return engine.ErrNoAnswer
}

func TestAManagerIsRemovedWithoutATrace(t *testing.T) {
	for who, name := range []string{"the leader", "a follower"} {
		t.Run(name, func(t *testing.T) {
			at(t, func(s *site) {
				ids, engines := s.managers(3)
				e, c := engines[who], s.api(engines[2])
				ctx := s.Context()
				for _, do := range []func() error{
					func() error { return join.Drain(ctx, c, ids[who], 0, nil) },
					func() error { return join.Demote(ctx, c, s.api(e), ids[who], certificate(e)) },
					func() error { return join.Leave(ctx, s.api(e), false) },
					func() error { return join.Forget(ctx, c, ids[who]) },
					func() error { return join.Forget(ctx, c, ids[who]) },
				} {
					if err := do(); err != nil {
						s.Fatal(err)
					}
				}
				if n := s.World.Nodes(); len(n) != 2 || slices.ContainsFunc(n, func(n engine.Node) bool { return n.ID == ids[who] }) {
					s.Errorf("got %s, want the two others", s.nodes())
				}
				if s.Margin() < 0 {
					s.Errorf("quorum was lost: margin %d", s.Margin())
				}
				s.sound()
			})
		})
	}
}

func TestForgettingTheDead(t *testing.T) {
	tests := []struct {
		name  string
		given func(*site) string // gives the ID to forget
		text  string             // of the error
	}{
		{"a manager", func(s *site) string {
			ids, engines := s.managers(3)
			engines[2].Kill()
			return ids[2]
		}, ""},
		{"a manager without whom there is no quorum either", func(s *site) string {
			ids, engines := s.managers(4)
			engines[2].Kill()
			time.Sleep(time.Minute)
			engines[3].SetCut(true) // two of four: no leader any more
			return ids[2]
		}, "The swarm does not have a leader"},
		{"a living manager beside a dead one", func(s *site) string {
			ids, engines := s.managers(3)
			engines[2].Kill()
			return ids[1]
		}, "it would lose quorum"},
		{"a manager that never came into the raft group", func(s *site) string {
			s.h.SetHidden(true)
			sw, _ := s.c.Swarm(s.Context())
			_ = s.api(s.h).Join(s.Context(), engine.JoinRequest{Remote: "10.0.0.1:2377", Token: sw.Manager})
			return s.World.Nodes()[1].ID
		}, ""},
		{"a worker", func(s *site) string {
			id := s.join(s.h, spec.Worker)
			s.h.Kill()
			return id
		}, ""},
		{"nobody", func(*site) string { return "nosuch" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, func(s *site) {
				id := tt.given(s)
				s.ResetMargin()
				margin := s.Margin()
				err := join.Forget(s.Context(), s.c, id)
				if (err == nil) != (tt.text == "") || !strings.Contains(text(err), tt.text) {
					s.Errorf("got %v, want %q", err, tt.text)
				}
				gone := !slices.ContainsFunc(s.World.Nodes(), func(n engine.Node) bool { return n.ID == id })
				if gone != (err == nil) {
					s.Errorf("got %s, want it gone %t", s.nodes(), err == nil)
				}
				if s.Margin() < margin {
					s.Errorf("margin fell from %d to %d", margin, s.Margin())
				}
			})
		})
	}
}

func TestSweepRemovesWhatJoinsLeftAndNothingElse(t *testing.T) {
	at(t, func(s *site) {
		s.crash(60 * time.Millisecond) // a nameless entry
		time.Sleep(2 * time.Minute)
		first := s.join(s.h, spec.Worker)
		s.h.ExpireCertificate()
		id := s.join(s.h, spec.Worker) // first is a twin now
		down := s.World.Engine("10.0.0.4", "down")
		s.join(down, spec.Worker)
		down.Kill()
		time.Sleep(20 * time.Second)
		s.h = s.World.Engine("10.0.0.5", "other")
		s.crash(60 * time.Millisecond) // a nameless entry that is too young
		claimed := map[string]bool{s.World.Nodes()[0].ID: true, id: true}

		nameless := s.World.Nodes()[1].ID
		removed, err := join.Sweep(s.Context(), s.c, claimed, time.Minute)
		want := []string{nameless, first}
		slices.Sort(want)
		if d := cmp.Diff(want, removed); err != nil || d != "" {
			s.Errorf("got %v, removed (-want +got):\n%s", err, d)
		}
		if want := m1 + " " + h + " down:worker:pause:down :worker:pause:unknown"; s.nodes() != want {
			s.Errorf("nodes\n got %s\nwant %s", s.nodes(), want)
		}
	})
}
