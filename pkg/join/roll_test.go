package join_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
	"github.com/swarmup/swarmup/pkg/wait"
)

func noted(s *engine.NodeSpec) { s.Labels["before"], s.Availability = s.Availability, "drain" }

func TestWithdrawReturnsWhenServicesAreWholeElsewhere(t *testing.T) {
	tests := []struct {
		name    string
		run     []swarmtest.Service
		given   func(*site)
		timeout time.Duration
		says    []string
		fails   string
		least   time.Duration
		most    time.Duration
	}{
		{name: "nothing runs", most: time.Second},
		{name: "tasks that move", run: []swarmtest.Service{{Name: "web", Replicas: 4}}, says: []string{"2 tasks of web still run"}, most: 5 * time.Second},
		{
			name: "replacements that take long", run: []swarmtest.Service{{Name: "web", Replicas: 2}},
			given: func(s *site) { s.SetDelays(func(d *swarmtest.Delays) { d.TaskStart = 5 * time.Minute }) },
			says:  []string{"1 task of web still runs"}, least: 5 * time.Minute, most: 6 * time.Minute,
		},
		{
			name: "replacements that take too long", run: []swarmtest.Service{{Name: "web", Replicas: 2}}, timeout: time.Minute,
			given: func(s *site) { s.SetDelays(func(d *swarmtest.Delays) { d.TaskStart = 5 * time.Minute }) },
			says:  []string{"1 task of web still runs"}, most: 2 * time.Minute,
			fails: "wait for tasks to run elsewhere: not within 1m0s: web has 1 of 2 tasks",
		},
		{
			name: "a service that is bound to the node", run: []swarmtest.Service{{Name: "db", Replicas: 2, Bound: true}},
			says: []string{"1 task of db still runs", "no other node suits: db has 1 of 2 tasks elsewhere"}, most: 15 * time.Second,
		},
		{
			name: "one of two is bound to the node", run: []swarmtest.Service{{Name: "db", Replicas: 2, Bound: true}, {Name: "web", Replicas: 2}},
			says: []string{"2 tasks of db, web still run", "no other node suits: db has 1 of 2 tasks elsewhere"}, most: 15 * time.Second,
		},
		{
			name: "a task that does not stop", run: []swarmtest.Service{{Name: "job", Replicas: 2, Stuck: true}}, timeout: time.Minute,
			says:  []string{"1 task of job still runs"},
			fails: "wait for the node's tasks to stop: not within 1m0s: 1 task of job still runs", most: time.Minute,
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
				err := join.Withdraw(s.Context(), s.c, s.c, id, join.Withdrawal{
					Change: noted, Timeout: tt.timeout, Progress: func(text string) { says = append(says, text) },
				})
				if took := time.Since(start); took > tt.most || took < tt.least {
					s.Errorf("took %s, want %s to %s", took, tt.least, tt.most)
				}
				if got := text(err); got != tt.fails {
					s.Errorf("got %q, want %q", got, tt.fails)
				}
				if late := (*wait.TimeoutError)(nil); tt.fails != "" && !errors.As(err, &late) {
					s.Errorf("got %T, want a *wait.TimeoutError", err)
				}
				if d := cmp.Diff(tt.says, says); d != "" {
					s.Errorf("progress (-want +got):\n%s", d)
				}
				if n := s.World.Nodes()[1]; n.Availability != "drain" || n.Labels["before"] != "active" || n.Labels["zone"] != "a" {
					s.Errorf("got %+v, want it drained, with its labels and a note", n)
				}
			})
		})
	}
}

// A service that is about to be whole again is given the time before one more of
// its tasks is stopped.
func TestWithdrawFirstLetsServicesBecomeWhole(t *testing.T) {
	at(t, func(s *site) {
		id := s.active()
		s.World.Run(swarmtest.Service{Name: "web", Replicas: 2})
		s.SetDelays(func(d *swarmtest.Delays) { d.TaskStart = 20 * time.Second })
		s.m1.Kill() // its task goes with it
		s.m1.Revive()
		time.Sleep(15 * time.Second) // a leader is there, and the task not yet
		if err := join.Withdraw(s.Context(), s.c, s.c, id, join.Withdrawal{Change: noted}); err != nil {
			t.Fatal(err)
		}
		if low := s.Low("web"); low < 1 {
			t.Error("no task of the service was left")
		}
	})
}

func TestWithdrawIsInterrupted(t *testing.T) {
	at(t, func(s *site) {
		id := s.active()
		s.World.Run(swarmtest.Service{Name: "job", Replicas: 2, Stuck: true})
		start := time.Now()
		err := join.Withdraw(interrupted(s.T, 5*time.Second), s.c, s.c, id, join.Withdrawal{Change: noted})
		if took := time.Since(start); !errors.Is(err, errInterrupt) || took > 6*time.Second {
			t.Errorf("got %v after %s", err, took)
		}
		if err := join.Withdraw(s.Context(), s.c, s.c, "nosuch", join.Withdrawal{Change: noted}); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("got %v, want %v", err, engine.ErrNotFound)
		}
	})
}

func TestReachableSaysWhetherTheControlPlaneCanDoWithoutAManager(t *testing.T) {
	manager := func(id, how string) engine.Node {
		n := engine.Node{ID: id, Hostname: "m" + id, Role: "manager", Manager: &engine.ManagerStatus{Reachability: "reachable"}}
		switch how {
		case "leader":
			n.Manager.Leader = true
		case "away":
			n.Manager.Reachability = "unreachable"
		case "worker":
			n.Manager = nil
		}
		return n
	}
	for _, tt := range []struct {
		name  string
		nodes []engine.Node
		must  []string
		want  string
	}{
		{"all are well", []engine.Node{manager("1", ""), manager("2", "leader"), manager("3", "")}, []string{"1", "2", "3"}, ""},
		{"one that was well is away", []engine.Node{manager("1", ""), manager("2", "leader"), manager("3", "away"), manager("4", ""), manager("5", "")}, []string{"1", "2", "3"}, "the other managers do not reach m3: it would lose quorum"},
		{"one that was lost before", []engine.Node{manager("1", ""), manager("2", "leader"), manager("3", "away"), manager("4", ""), manager("5", "")}, []string{"1", "2", "4", "5"}, ""},
		{"no quorum is left", []engine.Node{manager("1", ""), manager("2", "leader"), manager("3", "away")}, nil, "1 of the 2 other managers can be reached, 2 are needed: it would lose quorum"},
		{"there is no leader", []engine.Node{manager("1", ""), manager("2", "")}, nil, "the swarm has no leader"},
		{"two managers", []engine.Node{manager("1", ""), manager("2", "leader")}, []string{"1", "2"}, ""},
		{"the only one", []engine.Node{manager("1", "leader")}, []string{"1"}, ""},
		{"a worker, whoever is away", []engine.Node{manager("1", "worker"), manager("2", "leader"), manager("3", "away")}, []string{"3"}, ""},
	} {
		if got := text(join.Reachable(tt.nodes, "1", tt.must)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
