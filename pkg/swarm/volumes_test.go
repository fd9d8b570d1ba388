package swarm_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

func TestVolumesOnTheMachinesOwnDisk(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		hex := strings.Repeat("0", 64)
		e.SetVolumes(
			swarmtest.Volume{Name: "b", Service: "db", Container: "db.1"}, swarmtest.Volume{Name: "a", Labels: map[string]string{"keep": ""}},
			swarmtest.Volume{Name: hex, Labels: map[string]string{"com.docker.volume.anonymous": ""}, Container: "tool"},
			swarmtest.Volume{Name: "bound", Options: map[string]string{"type": "none", "o": "bind", "device": "/srv"}},
			swarmtest.Volume{Name: "far", Driver: "rexray"}, swarmtest.Volume{Name: "nfs", Options: map[string]string{"type": "nfs"}},
			swarmtest.Volume{Name: "memory", Options: map[string]string{"type": "tmpfs"}},
		)
		got, err := connect(t, e).Volumes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []engine.Volume{
			{Name: hex, Anonymous: true, Users: []string{"tool"}}, {Name: "a", Labelled: true}, {Name: "b", Users: []string{"db"}}, {Name: "bound"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
