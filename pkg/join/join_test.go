package join_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

func TestAHostJoinsFromWhateverStateItIsIn(t *testing.T) {
	tests := []struct {
		name  string
		role  spec.Role
		given func(*site)
		joins int // calls of POST /swarm/join on the host
		nodes string
		took  time.Duration // at most
	}{
		{name: "in no swarm", joins: 1, nodes: h, took: time.Second},
		{name: "in no swarm, as a manager", role: spec.Manager, joins: 1,
			nodes: "h:manager:pause:ready:reachable", took: 2 * time.Second},
		{name: "a member already", given: func(s *site) { s.join(s.h, spec.Worker) }, joins: 1, nodes: h, took: time.Second},
		{name: "a member already, in the other role", role: spec.Manager, joins: 1, nodes: h, took: time.Second,
			given: func(s *site) { s.join(s.h, spec.Worker) }},
		{name: "a join that takes 30 s goes on in the background", joins: 1, nodes: h, took: 35 * time.Second,
			given: func(s *site) { s.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker = 30 * time.Second }) }},
		{name: "a join is under way that another run began", joins: 1, nodes: h, took: 10 * time.Second,
			given: func(s *site) {
				s.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker = 8 * time.Second })
				s.begin()
			}},
		{name: "a join is under way that comes to nothing", joins: 2, nodes: h, took: 45 * time.Second,
			given: func(s *site) {
				s.h.SetCut(true)
				s.begin()
				s.h.SetCut(false)
			}},
		{name: "a join came to nothing in the background", joins: 2, nodes: h, took: 3 * time.Second,
			given: func(s *site) {
				s.h.SetCut(true)
				s.begin()
				time.Sleep(40 * time.Second)
				s.h.SetCut(false)
			}},
		{name: "the certificate has expired", joins: 2, took: 3 * time.Second,
			nodes: "h:worker:pause:ready h:worker:pause:ready", // the next sweep removes the first
			given: func(s *site) {
				s.join(s.h, spec.Worker)
				s.h.ExpireCertificate()
				s.SetDelays(func(d *swarmtest.Delays) { d.Down = time.Hour })
			}},
		{name: "removed while it was alive", joins: 2, nodes: h, took: 3 * time.Second,
			given: func(s *site) { s.removeAlive() }},
		{name: "removed while it was alive, and restarted", joins: 2, nodes: h, took: 3 * time.Second,
			given: func(s *site) {
				s.removeAlive()
				s.h.Kill()
				s.h.Revive()
				time.Sleep(5 * time.Second)
			}},
		{name: "killed before its certificate was saved", joins: 2, took: 3 * time.Second,
			nodes: ":worker:pause:unknown h:worker:pause:ready", // the next sweep removes the first
			given: func(s *site) { s.crash(60 * time.Millisecond) }},
		{name: "killed after its certificate was saved", joins: 1, nodes: h, took: 3 * time.Second,
			given: func(s *site) { s.crash(80 * time.Millisecond) }},
		{name: "the leader is being replaced", joins: 2, nodes: "m2:manager:pause:ready:reachable m3:manager:pause:ready:reachable h:worker:pause:ready", took: 30 * time.Second,
			given: func(s *site) {
				_, e := s.managers(3)
				s.c = s.api(e[1])
				s.m1.Kill()
				time.AfterFunc(15*time.Second, s.m1.Revive)
			}},
		{name: "the tokens were rotated in between", joins: 2, nodes: h, took: 15 * time.Second,
			given: func(s *site) { s.rotateAtFirstRead() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, func(s *site) {
				if tt.role == "" {
					tt.role = spec.Worker
				}
				if tt.given != nil {
					tt.given(s)
				}
				start := time.Now()
				id, err := join.Join(s.Context(), s.api(s.h), s.control(), s.request(tt.role))
				took := time.Since(start)
				if err != nil {
					s.Fatalf("got %v\nnodes: %s", err, s.nodes())
				}
				if took > tt.took {
					s.Errorf("took %s, want at most %s", took, tt.took)
				}
				if got, want := s.nodes(), m1+" "+tt.nodes; got != want {
					s.Errorf("nodes\n got %s\nwant %s", got, want)
				}
				if _, node, _ := s.h.Certificate(); node != id {
					s.Errorf("got the ID %s, the host has %s", id, node)
				}
				if got := s.h.Calls("POST /swarm/join"); got != tt.joins {
					s.Errorf("got %d joins, want %d", got, tt.joins)
				}
				if !strings.HasPrefix(tt.name, "removed while") { // the test itself did that
					s.sound()
				}
			})
		})
	}
}

// begin starts a join and goes away.
func (s *site) begin() {
	s.Helper()
	sw, err := s.c.Swarm(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	go func() {
		_ = s.api(s.h).Join(s.Context(), engine.JoinRequest{Remote: "10.0.0.1:2377", Token: sw.Worker, Availability: "pause"})
	}()
	synctest.Wait()
}

// crash kills the host after d of a join, and starts it again.
func (s *site) crash(d time.Duration) {
	s.Helper()
	s.begin()
	time.Sleep(d)
	s.h.Kill()
	s.h.Revive()
	time.Sleep(100 * time.Millisecond)
}

func (s *site) removeAlive() {
	s.Helper()
	if err := s.c.RemoveNode(s.Context(), s.join(s.h, spec.Worker), true); err != nil {
		s.Fatal(err)
	}
}

func TestAJoinThatCannotGoWellLeavesNothingBehind(t *testing.T) {
	tests := []struct {
		name  string
		role  spec.Role
		given func(*site)
		want  error
		text  string
		took  time.Duration
	}{
		{name: "nobody listens at the remote", want: nil, text: "connection refused", took: 30 * time.Second,
			given: func(s *site) { s.World.Engine("10.0.0.9", "x") }},
		{name: "packets are dropped", text: "the join came to nothing: rpc error: code = DeadlineExceeded", took: 2 * time.Minute,
			given: func(s *site) { s.h.SetCut(true) }},
		{name: "the managers do not reach a new manager", role: spec.Manager, want: engine.ErrAdvertise, text: "advertised address", took: 25 * time.Second,
			given: func(s *site) { s.h.SetHidden(true) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, func(s *site) {
				r := s.request(spec.Worker)
				if tt.role != "" {
					r.Role = tt.role
				}
				if tt.name == "nobody listens at the remote" {
					r.Remote = "10.0.0.9:2377"
				}
				tt.given(s)
				start := time.Now()
				_, err := join.Join(s.Context(), s.api(s.h), s.c, r)
				if err == nil || !strings.Contains(err.Error(), tt.text) || tt.want != nil && !errors.Is(err, tt.want) {
					s.Errorf("got %v, want %q", err, tt.text)
				}
				if took := time.Since(start); took > tt.took {
					s.Errorf("took %s, want at most %s", took, tt.took)
				}
				if got := s.nodes(); got != m1 {
					s.Errorf("nodes: got %s, want %s", got, m1)
				}
				if i, _ := s.api(s.h).Info(s.Context()); i.State != engine.Inactive {
					s.Errorf("the host is %s, want inactive", i.State)
				}
				s.sound()
			})
		})
	}
}

func TestAHostThatIsNotOursIsLeftAlone(t *testing.T) {
	tests := []struct {
		name  string
		given func(s *site, foreign *swarmtest.Engine) join.Request
		text  string
		is    error
	}{
		{"a manager of another swarm", func(s *site, f *swarmtest.Engine) join.Request {
			_, err := s.api(s.h).Init(s.Context(), engine.InitRequest{})
			if err != nil {
				s.Fatal(err)
			}
			return s.request(spec.Worker)
		}, "it is in another swarm, ", nil},
		{"a worker of another swarm", func(s *site, f *swarmtest.Engine) join.Request {
			s.joinTo(f)
			return s.request(spec.Worker)
		}, "it is in another swarm, of the managers 10.0.0.9:2377", nil},
		{"a worker of another swarm, by its certificate", func(s *site, f *swarmtest.Engine) join.Request {
			s.joinTo(f)
			r := s.request(spec.Worker)
			r.Certificate, _, _ = s.h.Certificate()
			return r
		}, "it is in another swarm, ", nil},
		{"its certificate of another swarm has expired", func(s *site, f *swarmtest.Engine) join.Request {
			s.joinTo(f)
			r := s.request(spec.Worker)
			r.Certificate, _, _ = s.h.Certificate()
			s.h.ExpireCertificate()
			return r
		}, "it is in another swarm, ", nil},
		{"a locked manager", func(s *site, _ *swarmtest.Engine) join.Request {
			s.managers(2)
			s.join(s.h, spec.Manager)
			s.h.Lock()
			return s.request(spec.Manager)
		}, "the swarm is locked", engine.ErrLocked},
		{"a removed manager that came back, without proof", func(s *site, _ *swarmtest.Engine) join.Request {
			s.removedManager()
			return s.request(spec.Worker)
		}, "takes itself for a manager", engine.ErrNoLeader},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at(t, func(s *site) {
				r := tt.given(s, s.World.Engine("10.0.0.9", "foreign"))
				before, _ := s.api(s.h).Info(s.Context())
				_, err := join.Join(s.Context(), s.api(s.h), s.c, r)
				var foreign *join.ForeignError
				if err == nil || !strings.Contains(err.Error(), tt.text) || tt.is == nil && !errors.As(err, &foreign) || tt.is != nil && !errors.Is(err, tt.is) {
					s.Errorf("got %v, want %q", err, tt.text)
				}
				if after, _ := s.api(s.h).Info(s.Context()); after.State != before.State || after.NodeID != before.NodeID {
					s.Errorf("it was %s %s and is %s %s", before.State, before.NodeID, after.State, after.NodeID)
				}
				if n := s.h.Calls("POST /swarm/leave"); n != 0 {
					s.Errorf("got %d leaves, want none", n)
				}
			})
		})
	}
}

// joinTo makes a swarm on f, and the host a worker of it.
func (s *site) joinTo(f *swarmtest.Engine) {
	s.Helper()
	api := s.api(f)
	if _, err := api.Init(s.Context(), engine.InitRequest{}); err != nil {
		s.Fatal(err)
	}
	sw, err := api.Swarm(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	if err := s.api(s.h).Join(s.Context(), engine.JoinRequest{Remote: f.Addr() + ":2377", Token: sw.Worker}); err != nil {
		s.Fatal(err)
	}
}

// removedManager makes the host a manager that was demoted and removed while it
// was off.
func (s *site) removedManager() {
	s.Helper()
	s.managers(2)
	id := s.join(s.h, spec.Manager)
	s.h.Kill()
	if err := join.Forget(s.Context(), s.c, id); err != nil {
		s.Fatal(err)
	}
	s.h.Revive()
	time.Sleep(5 * time.Second)
}

func TestARemovedManagerComesBackWithProof(t *testing.T) {
	at(t, func(s *site) {
		s.removedManager()
		if i, _ := s.api(s.h).Info(s.Context()); i.State != engine.Pending || !i.Manager {
			s.Fatalf("the host is %s, manager %t; want pending, manager", i.State, i.Manager)
		}
		r := s.request(spec.Manager)
		r.Certificate = s.id
		if _, err := join.Join(s.Context(), s.api(s.h), s.c, r); err != nil {
			s.Fatal(err)
		}
		if want := "h:manager:pause:ready:reachable"; !strings.HasSuffix(s.nodes(), want) {
			s.Errorf("got %s, want %s at its end", s.nodes(), want)
		}
	})
}

func TestAControlOfAnotherSwarmIsNotUsed(t *testing.T) {
	at(t, func(s *site) {
		r := s.request(spec.Worker)
		r.ClusterID = "another"
		_, err := join.Join(s.Context(), s.api(s.h), s.c, r)
		if err == nil || !strings.Contains(err.Error(), "are of the swarm "+s.id+", not of another") || s.h.Calls("POST /swarm/join") != 0 {
			s.Errorf("got %v and %d joins, want a refusal", err, s.h.Calls("POST /swarm/join"))
		}
	})
}

func TestAnInterruptEndsAJoinAtOnceAndTheNextRunFinishesIt(t *testing.T) {
	at(t, func(s *site) {
		s.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker = 25 * time.Second })
		start := time.Now()
		_, err := join.Join(interrupted(s.T, 22*time.Second), s.api(s.h), s.c, s.request(spec.Worker))
		if !errors.Is(err, errInterrupt) || time.Since(start) != 22*time.Second {
			s.Errorf("got %v after %s, want the interrupt after 22s", err, time.Since(start))
		}
		s.join(s.h, spec.Worker)
		if got := s.h.Calls("POST /swarm/join"); got != 1 {
			s.Errorf("got %d joins, want 1", got)
		}
		s.sound()
	})
}
