package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// Two of three managers are deleted: status says what is lost, the third goes on
// alone, and apply makes three of it again. The service is still there.
func TestALostQuorumIsRecovered(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers:\n  - {name: a}\n  - {name: b}\n  - {name: c}\n")
	l.must("apply")
	l.loadImage("a")
	l.on("a", "docker service create -q -d --no-resolve-image --name web --constraint node.hostname==a "+image+" sleep")
	eventually(t, 20*time.Second, func() error { return equal("web", l.running("a", "web"), map[string]int{"a": 1}) })
	l.want(3, "recover", "--manager", "a", "--yes", "--confirm-name", l.name) // as long as there is a leader
	for _, n := range []string{"b", "c"} {
		output(t, "docker", append([]string{"rm", "-f", "-v"}, l.machines(n)...)...)
	}
	l.recovers("a")
	l.must("apply", "--yes")
	manager := want{role: "manager"}
	l.swarmIs("a", map[string]want{"a": manager, "b": manager, "c": manager})
	eventually(t, 20*time.Second, func() error { return equal("web", l.running("a", "web"), map[string]int{"a": 1}) })
	l.second()
}

// recovers waits until the loss is seen, and lets one manager go on.
func (l *lab) recovers(node string) {
	l.Helper()
	eventually(l.T, time.Minute, func() error {
		if r := l.swarmup("status"); !strings.Contains(r.stdout, "the swarm lost its quorum: 1 of its 3 managers work, 2 are needed; missing: ") {
			return fmt.Errorf("status: %s", r)
		}
		return nil
	})
	l.says(l.want(1, "apply"), "blocked: the swarm lost its quorum", "hint: bring back one of the missing ones; where that cannot be done: swarmup recover --manager "+node)
	l.want(3, "recover", "--manager", node)
	l.must("recover", "--manager", node, "--yes", "--confirm-name", l.name)
}

// One that only could not be reached comes back: it still takes itself for a
// manager of the swarm that goes on without it.
func TestAManagerThatComesBackAfterARecoveryJoinsAgain(t *testing.T) {
	if os.Getenv("SWARMUP_MATRIX") == "" {
		t.Skip("SWARMUP_MATRIX is not set")
	}
	h := newHosts(t, "a", "b", "c")
	h.file("a b c", "")
	h.must("apply")
	for _, n := range []string{"b", "c"} {
		h.on(n, "iptables -I INPUT -p tcp ! --dport 22 -j DROP && iptables -I OUTPUT -p tcp ! --sport 22 -j DROP")
	}
	eventually(t, time.Minute, func() error {
		_, err := h.try("a", "docker node ls")
		if err == nil {
			return fmt.Errorf("a has a leader still")
		}
		return nil
	})
	h.on("b", "systemctl kill -s KILL docker; iptables -I INPUT -p tcp --dport 22 -j REJECT") // and b does not answer at all
	h.on("c", "iptables -I INPUT -p tcp --dport 22 -j REJECT")
	h.recovers("a")
	for _, n := range []string{"b", "c"} {
		h.on(n, "iptables -F; systemctl start docker")
	}
	h.must("apply", "--yes")
	manager := want{role: "manager"}
	h.swarmIs("a", map[string]want{"a": manager, "b": manager, "c": manager})
	h.second()
}
