package cluster_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

func TestALookWithALimitWaitsForNobodyLonger(t *testing.T) {
	for name, fault := range map[string]sshtest.Fault{"a network that loses all": muted(), "an sshd that says nothing": {Silent: true}} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b", "c")
				w.file(sshFile(lines, "a", "b c", ""))
				w.apply()
				w.of("c").sshd.Misbehave(fault)
				p := w.process(func(c *cluster.Config) { c.LookTimeout = 3 * time.Second; c.ReadOnly = true })
				defer func() { _ = p.Close() }()
				began := time.Now()
				have, err := p.Observe(w.Context(), time.Minute)
				if took := time.Since(began); err != nil || took > 6*time.Second {
					t.Fatalf("took %s: %v", took, err)
				}
				for _, h := range have.Hosts {
					want := plan.Answered
					if h.Node == "c" {
						want = plan.Silent
					}
					if h.Answer != want {
						t.Errorf("%s is %s (%s), want %s", h.Node, h.Answer, h.Why, want)
					}
					if h.Node == "c" && !strings.Contains(h.Why, "no answer within 3s") {
						t.Errorf("why: %s", h.Why)
					}
				}
				if have.Swarm == nil || len(have.Swarm.Nodes) != 3 {
					t.Errorf("the others' word was lost: %+v", have.Swarm)
				}
			})
		})
	}
}

func TestSingleMachinesAreLoggedInTo(t *testing.T) {
	in(t, func(w *world) {
		w.file("provider: docker\nmanagers: [{name: a}]\nworkers: [{name: b}]\n")
		w.apply()
		w.of("b").powerOff()
		p := w.process(func(c *cluster.Config) { c.ReadOnly = true })
		defer func() { _ = p.Close() }()
		machines, err := p.Machines(w.Context())
		if err != nil || len(machines) != 2 {
			t.Fatalf("machines %v, %v", machines, err)
		}
		h, err := p.Login(w.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		target, options, err := p.Way("a")
		if err != nil || target.HostKey != h.HostKey() || options.Key.Reveal() == nil {
			t.Errorf("way %+v: %v", target, err)
		}
		if _, err := p.Login(w.Context(), "x"); !errors.Is(err, cluster.ErrNoMachine) {
			t.Errorf("a node without a machine: %v", err)
		}
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		if _, err := p.Login(ctx, "b"); err == nil {
			t.Error("a machine that is off lets us in")
		}
	})
}
