package docker

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/provider/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProviderKeepsTheContract(t *testing.T) {
	for _, reach := range []Reach{ReachDirect, ReachPublished} {
		t.Run(string(reach), func(t *testing.T) {
			f, p := newFake(t, Settings{Reach: reach})
			providertest.Run(t, subject(p, f.provider(t, Settings{Reach: reach}), "demo"))
		})
	}
}
