package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// A worker whose sshd comes up 20 s late delays itself only.
func TestALateWorkerDelaysItselfOnly(t *testing.T) {
	h := newHosts(t, "m", "w1", "w2")
	h.on("w2", "systemctl stop ssh.socket ssh.service; true")
	h.file("m", "w1 w2")
	began := time.Now()
	wait := h.start(t.Context(), "apply")
	eventually(t, 15*time.Second, func() error { // m and w1 are a swarm before w2 can be reached
		return h.differs("m", map[string]want{"m": {role: "manager"}, "w1": {role: "worker"}})
	})
	time.Sleep(time.Until(began.Add(20 * time.Second)))
	h.on("w2", "systemctl start ssh.service")
	r := wait()
	if r.code != 0 {
		t.Fatalf("want exit 0: %s", r)
	}
	h.swarmIs("m", map[string]want{"m": {role: "manager"}, "w1": {role: "worker"}, "w2": {role: "worker"}})
}

// A machine that never answers fails its own chain; the rest is up, and the
// next apply after it is healed finishes.
func TestAMachineThatNeverAnswersFailsItsOwnChain(t *testing.T) {
	h := newHosts(t, "m", "w1", "w2")
	h.on("w2", "systemctl stop ssh.socket ssh.service; true")
	h.file("m", "w1 w2")
	r := h.want(1, "apply", "--connect-timeout", "10s")
	h.says(r, "w2", "connection refused")
	h.swarmIs("m", map[string]want{"m": {role: "manager"}, "w1": {role: "worker"}})
	if strings.Contains(r.stderr, "w1: connection refused") {
		t.Errorf("w1 is blamed: %s", r)
	}
	h.on("w2", "systemctl start ssh.service")
	h.must("apply")
	h.swarmIs("m", map[string]want{"m": {role: "manager"}, "w1": {role: "worker"}, "w2": {role: "worker"}})
	h.second()
}

// Killed at whatever moment, the next apply finishes.
func TestKilledAtAnyMomentTheNextApplyFinishes(t *testing.T) {
	moments := 5 // what else may go wrong is in test/chaos
	if os.Getenv("SWARMUP_MATRIX") != "" {
		moments = 10
	}
	l := newLab(t)
	l.write("cluster.yaml", `
name: NAME
provider: docker
managers: [{name: m, count: 3}]
workers: [{name: w, count: 2, labels: {zone: a}, engine_labels: {role: node}}]
`)
	members := map[string]want{}
	for _, n := range []string{"m1", "m2", "m3"} {
		members[n] = want{role: "manager"}
	}
	for _, n := range []string{"w1", "w2"} {
		members[n] = want{role: "worker", labels: map[string]string{"zone": "a"}, engine: map[string]string{"role": "node"}}
	}
	l.must("apply") // also makes the image, if there is none
	l.must("destroy", "--yes")
	whole := l.must("apply").took
	l.must("destroy", "--yes")
	for i := range moments {
		moment := whole * time.Duration(i+1) / time.Duration(moments+1)
		t.Run(moment.Round(10*time.Millisecond).String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), moment) // its end is a SIGKILL
			defer cancel()
			r := l.start(ctx, "apply")()
			t.Logf("killed after %s, exit %d", moment, r.code)
			l.must("apply")
			l.swarmIs("m1", members)
			// A machine that the killed run had just asked for may have come
			// after all; it was never switched on, and destroy takes it, too.
			running := strings.Fields(output(t, "docker", "ps", "-q", "--filter", "label=swarmup.cluster="+l.name))
			if len(running) != 5 {
				t.Errorf("%d machines run, want 5", len(running))
			}
			l.must("destroy", "--yes")
			l.gone()
		})
	}
}
