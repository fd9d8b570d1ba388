package join_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// Ten hosts join at once, while engines die and start again and runs are
// interrupted. Whatever is left of that, the next run makes it whole: every
// host is one node, in its role, and there is no other node and no other swarm.
func TestTenJoinsAmongCrashesEndWithoutAGhost(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			at(t, func(s *site) {
				r := rand.New(rand.NewPCG(seed, 1))
				hosts := map[*swarmtest.Engine]spec.Role{}
				var all []*swarmtest.Engine
				for k := range 10 {
					e := s.World.Engine(fmt.Sprintf("10.0.2.%d", k), fmt.Sprintf("n%d", k))
					all, hosts[e] = append(all, e), spec.Worker
					if k < 2 {
						hosts[e] = spec.Manager
					}
				}
				s.storm(r, all, hosts)
				time.Sleep(time.Minute)
				claimed := map[string]bool{s.World.Nodes()[0].ID: true}
				for _, e := range all {
					claimed[s.join(e, hosts[e])] = true
				}
				time.Sleep(time.Minute)
				if _, err := join.Sweep(s.Context(), s.c, claimed, time.Minute); err != nil {
					s.Error(err)
				}
				if ghosts := s.Ghosts(); len(ghosts) > 0 || len(s.World.Nodes()) != 11 || len(claimed) != 11 {
					s.Errorf("got %d nodes, %d IDs, ghosts %+v\nnodes: %s", len(s.World.Nodes()), len(claimed), ghosts, s.nodes())
				}
				s.sound()
			})
		})
	}
}

// storm lets all hosts join at once, slowly enough that there is a middle, and
// interrupts some. At random times engines die, are cut off, or cannot be
// reached by others. At its end all run and are reached.
func (s *site) storm(r *rand.Rand, all []*swarmtest.Engine, hosts map[*swarmtest.Engine]spec.Role) {
	s.SetDelays(func(d *swarmtest.Delays) { d.JoinWorker, d.JoinManager = 2*time.Second, 3*time.Second })
	var wg sync.WaitGroup
	for _, e := range all {
		api, ctx := s.api(e), s.Context()
		start, patience := upTo(r, time.Second), upTo(r, 2*time.Minute)
		wg.Go(func() {
			time.Sleep(start)
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			_, _ = join.Join(ctx, api, s.c, s.request(hosts[e]))
		})
	}
	for range 15 {
		e := all[r.IntN(len(all))]
		harm, mend := e.Kill, e.Revive
		switch r.IntN(4) {
		case 0:
			harm, mend = func() { e.SetCut(true) }, func() { e.SetCut(false) }
		case 1:
			harm, mend = func() { e.SetHidden(true) }, func() { e.SetHidden(false) }
		}
		begin, lasts := upTo(r, 4*time.Second), upTo(r, 30*time.Second)
		wg.Go(func() {
			time.Sleep(begin)
			harm()
			time.Sleep(lasts)
			mend()
		})
	}
	wg.Wait()
	for _, e := range all {
		e.Revive()
		e.SetCut(false)
		e.SetHidden(false)
	}
}

func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }
