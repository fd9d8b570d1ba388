package swarm_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inWorld runs a test in a world whose time is its own.
func inWorld(t *testing.T, f func(*testing.T, *swarmtest.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := swarmtest.New()
		defer w.Close()
		f(t, w)
	})
}

func connect(t *testing.T, e *swarmtest.Engine) *swarm.Engine {
	t.Helper()
	s, err := swarm.New(e.Dial)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// pair gives a manager of a new swarm and an engine in none.
func pair(t *testing.T, w *swarmtest.World) (manager, other *swarm.Engine) {
	t.Helper()
	manager, other = connect(t, w.Engine("10.0.0.1", "m1")), connect(t, w.Engine("10.0.0.2", "w1"))
	if _, err := manager.Init(t.Context(), engine.InitRequest{Advertise: "10.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	return manager, other
}

func join(t *testing.T, manager, other *swarm.Engine, r engine.JoinRequest) error {
	t.Helper()
	s, err := manager.Swarm(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Remote == "" {
		r.Remote = "10.0.0.1:2377"
	}
	if r.Token.Reveal() == "" {
		r.Token = s.Worker
	}
	return other.Join(t.Context(), r)
}

func TestAnEngineBecomesAManagerAndAnotherItsWorker(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m, e := pair(t, w)
		if err := join(t, m, e, engine.JoinRequest{Advertise: "10.0.0.2", Availability: "pause"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		nodes, err := m.Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		type row struct{ Hostname, Role, Availability, State, Addr, Version string }
		var got []row
		for _, n := range nodes {
			got = append(got, row{n.Hostname, n.Role, n.Availability, n.State, n.Addr, n.Version})
		}
		want := []row{
			{"m1", "manager", "active", "ready", "10.0.0.1", "28.5.2"},
			{"w1", "worker", "pause", "ready", "10.0.0.2", "28.5.2"},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("nodes (-want +got):\n%s", d)
		}
		if nodes[0].Manager == nil || !nodes[0].Manager.Leader || nodes[1].Manager != nil {
			t.Errorf("got %+v and %+v, want the first alone to be a manager", nodes[0].Manager, nodes[1].Manager)
		}
		mi, _ := m.Info(t.Context())
		ei, err := e.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if mi.ClusterID != w.Clusters()[0] || !mi.Manager || mi.NodeID != nodes[0].ID {
			t.Errorf("the manager says %+v", mi)
		}
		if ei.ClusterID != "" || ei.Manager || ei.State != engine.Active || ei.NodeID != nodes[1].ID || ei.NodeAddr != "10.0.0.2" {
			t.Errorf("the worker says %+v", ei)
		}
		if d := cmp.Diff([]string{"10.0.0.1:2377"}, ei.Remotes); d != "" {
			t.Errorf("remotes of the worker (-want +got):\n%s", d)
		}
	})
}

func TestRefusalsAreSentinelsUnderTheEnginesOwnWords(t *testing.T) {
	ctx := context.Background
	tests := []struct {
		name string
		do   func(t *testing.T, w *swarmtest.World, m, e *swarm.Engine) error
		want error
		text string
	}{
		{"a second init", func(_ *testing.T, _ *swarmtest.World, m, _ *swarm.Engine) error {
			_, err := m.Init(ctx(), engine.InitRequest{})
			return err
		}, engine.ErrAlreadyMember, "init swarm: This node is already part of a swarm."},
		{"a second join", func(t *testing.T, _ *swarmtest.World, m, e *swarm.Engine) error {
			_ = join(t, m, e, engine.JoinRequest{})
			return join(t, m, e, engine.JoinRequest{})
		}, engine.ErrAlreadyMember, "join swarm: This node is already part of a swarm."},
		{"a token that is none", func(t *testing.T, _ *swarmtest.World, m, e *swarm.Engine) error {
			return join(t, m, e, engine.JoinRequest{Token: engine.NewToken("x")})
		}, engine.ErrToken, "join swarm: invalid join token"},
		{"a token that was rotated", func(t *testing.T, w *swarmtest.World, m, e *swarm.Engine) error {
			s, _ := m.Swarm(ctx())
			w.RotateTokens()
			return join(t, m, e, engine.JoinRequest{Token: s.Worker})
		}, engine.ErrToken, "A valid join token is necessary"},
		{"a token of another swarm", func(t *testing.T, w *swarmtest.World, m, e *swarm.Engine) error {
			o := connect(t, w.Engine("10.0.0.9", "o"))
			_, _ = o.Init(ctx(), engine.InitRequest{})
			s, _ := o.Swarm(ctx())
			return join(t, m, e, engine.JoinRequest{Token: s.Worker})
		}, engine.ErrToken, "remote CA does not match fingerprint"},
		{"a join that goes on", func(t *testing.T, w *swarmtest.World, m, e *swarm.Engine) error {
			return join(t, m, e, engine.JoinRequest{Remote: "10.0.0.77:2377"})
		}, engine.ErrContinues, "Timeout was reached before node joined."},
		{"a manager that the leader does not reach", func(t *testing.T, w *swarmtest.World, m, _ *swarm.Engine) error {
			o := w.Engine("10.0.0.3", "m2")
			o.SetHidden(true)
			s, _ := m.Swarm(ctx())
			return join(t, m, connect(t, o), engine.JoinRequest{Token: s.Manager})
		}, engine.ErrAdvertise, "could not connect to prospective new cluster member using its advertised address"},
		{"nodes of a host in no swarm", func(_ *testing.T, _ *swarmtest.World, _, e *swarm.Engine) error {
			_, err := e.Nodes(ctx())
			return err
		}, engine.ErrNotManager, "list nodes: This node is not a swarm manager."},
		{"nodes of a worker", func(t *testing.T, _ *swarmtest.World, m, e *swarm.Engine) error {
			_ = join(t, m, e, engine.JoinRequest{})
			_, err := e.Nodes(ctx())
			return err
		}, engine.ErrNotManager, "Worker nodes can't be used"},
		{"nodes of a locked manager", func(t *testing.T, w *swarmtest.World, _, _ *swarm.Engine) error {
			e := w.Engine("10.0.0.4", "x")
			s := connect(t, e)
			_, _ = s.Init(ctx(), engine.InitRequest{})
			e.Lock()
			_, err := s.Nodes(ctx())
			return err
		}, engine.ErrLocked, "list nodes: Swarm is encrypted and needs to be unlocked"},
		{"a locked manager leaves", func(t *testing.T, w *swarmtest.World, _, _ *swarm.Engine) error {
			e := w.Engine("10.0.0.4", "x")
			s := connect(t, e)
			_, _ = s.Init(ctx(), engine.InitRequest{})
			e.Lock()
			return s.Leave(ctx(), false)
		}, engine.ErrLocked, "leave swarm: Swarm is encrypted and locked"},
		{"nodes without a leader", func(t *testing.T, w *swarmtest.World, m, _ *swarm.Engine) error {
			o := w.Engine("10.0.0.3", "m2")
			s, _ := m.Swarm(ctx())
			_ = join(t, m, connect(t, o), engine.JoinRequest{Token: s.Manager})
			o.Kill()
			time.Sleep(time.Minute)
			_, err := m.Nodes(ctx())
			return err
		}, engine.ErrNoLeader, "The swarm does not have a leader."},
		{"a change without a leader", func(t *testing.T, w *swarmtest.World, m, _ *swarm.Engine) error {
			o := w.Engine("10.0.0.3", "m2")
			s, _ := m.Swarm(ctx())
			_ = join(t, m, connect(t, o), engine.JoinRequest{Token: s.Manager})
			o.Kill()
			return m.RemoveNode(ctx(), "x", true)
		}, engine.ErrNoLeader, "context deadline exceeded"},
		{"the last manager", func(_ *testing.T, w *swarmtest.World, m, _ *swarm.Engine) error {
			return m.UpdateNode(ctx(), w.Nodes()[0].ID, func(s *engine.NodeSpec) { s.Role = "worker" })
		}, engine.ErrQuorum, "attempting to demote the last manager"},
		{"an unknown node", func(_ *testing.T, _ *swarmtest.World, m, _ *swarm.Engine) error {
			return m.UpdateNode(ctx(), "nosuch", func(s *engine.NodeSpec) { s.Role = "worker" })
		}, engine.ErrNotFound, "node nosuch not found"},
		{"the beginning of an ID", func(_ *testing.T, w *swarmtest.World, m, _ *swarm.Engine) error {
			return m.UpdateNode(ctx(), w.Nodes()[0].ID[:5], func(s *engine.NodeSpec) { s.Availability = "drain" })
		}, engine.ErrNotFound, "not found"},
		{"an engine that is off", func(_ *testing.T, w *swarmtest.World, _, _ *swarm.Engine) error {
			e := w.Engine("10.0.0.4", "x")
			e.Kill()
			_, err := connect(t, e).Info(ctx())
			return err
		}, engine.ErrNoAnswer, "read info: dial unix /var/run/docker.sock: connection refused"},
		{"an engine that is mute", func(_ *testing.T, w *swarmtest.World, _, _ *swarm.Engine) error {
			e := w.Engine("10.0.0.4", "x")
			e.SetSilent(true)
			_, err := connect(t, e).Info(ctx())
			return err
		}, engine.ErrNoAnswer, "read info: no answer within 25s"},
		{"a connection that breaks", func(_ *testing.T, w *swarmtest.World, _, _ *swarm.Engine) error {
			e := w.Engine("10.0.0.4", "x")
			time.AfterFunc(50*time.Millisecond, e.Kill)
			_, err := connect(t, e).Init(ctx(), engine.InitRequest{})
			return err
		}, engine.ErrNoAnswer, "init swarm: EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *swarmtest.World) {
				m, e := pair(t, w)
				err := tt.do(t, w, m, e)
				if !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if err == nil || !contains(err.Error(), tt.text) {
					t.Errorf("got %q, want %q in it", err, tt.text)
				}
			})
		})
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }

// A kept connection may hold a session of sshd that somebody else needs.
func TestCloseIdleFreesTheConnectionThatIsKept(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		var open atomic.Int32
		host := w.Engine("10.0.0.1", "a")
		e, err := swarm.New(func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := host.Dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			open.Add(1)
			return &kept{conn, sync.OnceFunc(func() { open.Add(-1) })}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = e.Close() }()
		for range 2 {
			if _, err := e.Info(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			before := open.Load()
			e.CloseIdle()
			synctest.Wait()
			if after := open.Load(); before != 1 || after != 0 {
				t.Errorf("%d connections are kept, then %d, want 1 and 0", before, after)
			}
		}
	})
}

type kept struct {
	net.Conn
	closed func()
}

// Close closes it and says so.
func (c *kept) Close() error {
	c.closed()
	return c.Conn.Close()
}
