package join_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A site is a world with a swarm: its manager m1 at 10.0.0.1, and an engine h
// at 10.0.0.2 that is in none.
type site struct {
	*testing.T
	*swarmtest.World
	m1, h   *swarmtest.Engine
	c       *swarm.Engine // the engine of m1
	id      string
	rotates bool
}

// at runs a test in a site whose time is its own.
func at(t *testing.T, f func(*site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := swarmtest.New()
		defer w.Close()
		s := &site{T: t, World: w, m1: w.Engine("10.0.0.1", "m1"), h: w.Engine("10.0.0.2", "h")}
		s.c = s.api(s.m1)
		if _, err := s.c.Init(t.Context(), engine.InitRequest{Advertise: "10.0.0.1"}); err != nil {
			t.Fatal(err)
		}
		s.id = w.Clusters()[0]
		time.Sleep(time.Second)
		f(s)
	})
}

func (s *site) api(e *swarmtest.Engine) *swarm.Engine {
	s.Helper()
	api, err := swarm.New(e.Dial)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = api.Close() })
	return api
}

func (s *site) request(r spec.Role) join.Request {
	return join.Request{Role: r, Remote: "10.0.0.1:2377", ClusterID: s.id}
}

// join lets an engine join, which must go well.
func (s *site) join(e *swarmtest.Engine, r spec.Role) string {
	s.Helper()
	id, err := join.Join(s.Context(), s.api(e), s.c, s.request(r))
	if err != nil {
		s.Fatalf("join %s: %v", e.Hostname(), err)
	}
	return id
}

// managers adds managers 10.0.1.1 m2, 10.0.1.2 m3 and so on, until there are n.
func (s *site) managers(n int) (ids []string, engines []*swarmtest.Engine) {
	s.Helper()
	ids, engines = []string{s.World.Nodes()[0].ID}, []*swarmtest.Engine{s.m1}
	for k := 2; k <= n; k++ {
		e := s.World.Engine(fmt.Sprintf("10.0.1.%d", k), fmt.Sprintf("m%d", k))
		ids, engines = append(ids, s.join(e, spec.Manager)), append(engines, e)
	}
	s.ResetMargin()
	return ids, engines
}

// nodes gives a line for each node: its name, role, availability and state.
func (s *site) nodes() string {
	var lines []string
	for _, n := range s.World.Nodes() {
		line := fmt.Sprintf("%s:%s:%s:%s", n.Hostname, n.Role, n.Availability, n.State)
		if n.Manager != nil {
			line += ":" + n.Manager.Reachability
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " ")
}

// sound fails where a mistake was made that a real swarm lets pass, or where
// there was more than one swarm.
func (s *site) sound() {
	s.Helper()
	if v := s.Violations(); len(v) > 0 {
		s.Errorf("violations: %q", v)
	}
	if got := s.Clusters(); len(got) != 1 {
		s.Errorf("got %d swarms, want 1", len(got))
	}
}

const (
	m1 = "m1:manager:active:ready:reachable"
	h  = "h:worker:pause:ready"
)

var errInterrupt = errors.New("interrupted")

// interrupted gives a context that ends after d.
func interrupted(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(d, func() { cancel(errInterrupt) })
	return ctx
}

// rotating rotates the tokens right after they were read for the first time.
type rotating struct {
	*swarm.Engine
	w *swarmtest.World
	n *int
}

func (r rotating) Swarm(ctx context.Context) (engine.Swarm, error) {
	s, err := r.Engine.Swarm(ctx)
	if *r.n++; *r.n == 1 {
		r.w.RotateTokens()
	}
	return s, err
}

func (s *site) rotateAtFirstRead() { s.rotates = true }

// control is the engine of a manager.
func (s *site) control() join.Control {
	if s.rotates {
		return rotating{s.c, s.World, new(int)}
	}
	return s.c
}
