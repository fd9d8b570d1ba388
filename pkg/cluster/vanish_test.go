package cluster_test

import (
	"slices"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/plan"
)

// A run that was killed may have asked the provider for something that goes on
// behind it. Its next look must not take what it dials meanwhile for silent.
func TestAMachineThatGoesWhileItIsDialledIsNotTakenForSilent(t *testing.T) {
	for _, tt := range []struct {
		name string
		goes func(w *world)
		want []string
	}{
		{"it is destroyed", func(w *world) { _ = w.cloud.Delete(w.Context(), w.listed("b")) }, []string{"a answered", "c answered"}},
		{"it is switched off", func(w *world) { _ = w.cloud.Stop(w.Context(), w.listed("b")) }, []string{"a answered", "b off", "c answered"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: a}]\nworkers: [{name: b}, {name: c}]")
				w.apply()
				w.file("managers: [{name: a}]\nworkers: [{name: c}]")
				w.of("b").powerOff() // nobody answers any more, and it is still listed
				time.AfterFunc(3*time.Second, func() { tt.goes(w) })
				p := w.process()
				defer p.end()
				var got []string
				for _, h := range p.see().Hosts {
					got = append(got, h.Node+" "+string(h.Answer))
					if h.Answer == plan.Off && h.Machine.Power != plan.Stopped {
						t.Errorf("%s is off, and %s", h.Node, h.Machine.Power)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("got  %v\nwant %v", got, tt.want)
				}
				time.Sleep(20 * time.Second) // the swarm calls b down
				w.apply()
			})
		})
	}
}
