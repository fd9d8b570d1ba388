package chaos

import (
	"os"
	"testing"
	"time"
)

// TestChaosInShort is what "make lab" does of all this: few runs, always the
// same, each with another kind of damage.
func TestChaosInShort(t *testing.T) {
	if os.Getenv("SWARMUP_LAB") == "" {
		t.Skip("SWARMUP_LAB is not set: no real machines")
	}
	small := shape{{name: "n1", role: manager}, {name: "n2", role: manager}, {name: "n3", role: manager}, {name: "n4", role: worker}}
	grown := append(small[:4:4], member{name: "n5", role: worker, zone: "a", tier: "fast"})
	swapped := shape{{name: "n1", role: manager}, {name: "n2", role: manager}, {name: "n4", role: manager}, {name: "n3", role: worker}, {name: "n5", role: worker, zone: "b"}}
	shrunk := shape{swapped[0], swapped[1], swapped[2], swapped[4]}
	newCluster(t).chain([]script{
		{seed: "short/0", change: fromNothing, to: small, damage: kill, moment: moment{step: "join as manager"}, replicas: 2},
		{seed: "short/1", change: "more workers", from: small, to: grown, damage: pause, target: "n5", moment: moment{step: "connect"}, heals: 3 * time.Second, replicas: 3},
		{seed: "short/2", change: "roles swapped", from: grown, to: swapped, damage: daemon, target: "n4", moment: moment{step: "promote"}, replicas: 3},
		{seed: "short/3", change: "fewer workers", from: swapped, to: shrunk, damage: kill, moment: moment{step: "drain", after: time.Second}, replicas: 2},
		{seed: "short/4", change: "other labels", from: shrunk, to: shrunk, damage: remove, target: "n5", moment: moment{step: "look at"}, replicas: 2},
	}, func(record) {})
}
