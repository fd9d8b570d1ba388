package join_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// crashing is a host whose engine dies in the middle of each join, when the
// managers have made an entry and it does not know of that yet.
type crashing struct {
	join.Member
	e *swarmtest.Engine
}

func (c crashing) Join(ctx context.Context, r engine.JoinRequest) error {
	time.AfterFunc(60*time.Millisecond, func() {
		c.e.Kill()
		c.e.Revive()
	})
	return c.Member.Join(ctx, r)
}

func TestAFailedJoinRemovesItsNamelessEntriesAndNoOthers(t *testing.T) {
	at(t, func(s *site) {
		slow := s.World.Engine("10.0.0.3", "slow")
		s.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker = 70 * time.Second })
		sw, err := s.c.Swarm(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		api := s.api(slow)
		go func() {
			_ = api.Join(s.Context(), engine.JoinRequest{Remote: "10.0.0.1:2377", Token: sw.Worker})
		}()
		time.Sleep(34900 * time.Millisecond) // its entry comes a moment later, and has a name only after 70 s
		s.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker = 100 * time.Millisecond })
		start := time.Now()
		_, err = join.Join(s.Context(), crashing{s.api(s.h), s.h}, s.c, s.request(spec.Worker))
		if err == nil || !strings.Contains(err.Error(), "the join came to nothing") {
			s.Errorf("got %v, want the crash", err)
		}
		if took := time.Since(start); took < time.Minute || took > 70*time.Second {
			s.Errorf("took %s, want a little more than a minute", took)
		}
		if want := m1 + " slow:worker:active:ready"; s.nodes() != want {
			s.Errorf("nodes\n got %s\nwant %s", s.nodes(), want)
		}
		if got := s.h.Calls("POST /swarm/join"); got != 2 {
			s.Errorf("got %d joins, want 2", got)
		}
	})
}

func TestAFailedJoinLeavesANamesakeAlone(t *testing.T) {
	at(t, func(s *site) {
		s.SetDelays(func(d *swarmtest.Delays) { d.Ready = 30 * time.Second }) // it is unknown for so long
		namesake := s.api(s.World.Engine("10.0.0.3", "h"))
		done := make(chan error)
		go func() {
			time.Sleep(time.Second) // after the other one has begun
			_, err := join.Join(s.Context(), namesake, s.c, s.request(spec.Worker))
			done <- err
		}()
		s.h.SetHidden(true)
		if _, err := join.Join(s.Context(), s.api(s.h), s.c, s.request(spec.Manager)); err == nil {
			s.Error("got no error for a manager that nobody reaches")
		}
		if err := <-done; err != nil {
			s.Errorf("the namesake: %v", err)
		}
		if want := m1 + " " + h; s.nodes() != want {
			s.Errorf("nodes\n got %s\nwant %s", s.nodes(), want)
		}
	})
}
