package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// A machine with other settings is shown, and replaced when that is asked for,
// also by a run that was killed in the middle; so is the leader, beneath a
// service that never has fewer tasks than the others can run.
func TestMachinesAreReplaced(t *testing.T) {
	l := newLab(t)
	file := func(memory string) {
		l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: m, count: 3}]\nworkers: [{name: w, labels: {zone: a}, machine: {memory: "+memory+"}}]\n")
	}
	members := map[string]want{
		"m1": {role: "manager"}, "m2": {role: "manager"}, "m3": {role: "manager"}, "w": {role: "worker", labels: map[string]string{"zone": "a"}},
	}
	file("2g")
	l.must("apply")
	before := map[string]string{}
	for n := range members {
		before[n] = l.machines(n)[0]
	}

	file("1536m")
	r := l.want(2, "plan", "--detailed-exitcode")
	if want := "w's machine differs (memory: 2g -> 1536m)\n    --replace w replaces it\n"; !strings.Contains(r.stdout, want) {
		t.Errorf("the plan lacks %q: %s", want, r)
	}
	l.must("apply")
	if got := l.machines("w"); len(got) != 1 || got[0] != before["w"] {
		t.Errorf("w has the machines %v", got)
	}

	ctx, kill := context.WithCancel(t.Context())
	wait := l.start(ctx, "apply", "--yes", "--replace", "w")
	eventually(t, 30*time.Second, func() error {
		if len(l.machines("w")) < 2 {
			return errors.New("there is one machine")
		}
		return nil
	})
	kill()
	_ = wait()
	l.must("apply", "--yes")
	l.swarmIs("m1", members)
	if got := l.machines("w"); len(got) != 1 || got[0] == before["w"] {
		t.Errorf("w has the machines %v, and had %s", got, before["w"])
	}
	l.second()

	leader := l.on("m1", "docker node ls --format '{{.ManagerStatus}} {{.Hostname}}' | sed -n 's/^Leader //p'")
	l.must("apply", "--yes", "--replace", leader)
	eventually(t, 15*time.Second, func() error { return l.differs("m2", members) })
	for _, n := range []string{"m1", "m2", "m3"} {
		if got := l.machines(n); len(got) != 1 || (got[0] == before[n]) == (n == leader) {
			t.Errorf("%s has the machines %v, and had %s; %s was replaced", n, got, before[n], leader)
		}
	}
	l.second()
}

// A manager whose machine has died is replaced: it is destroyed once the swarm
// calls it down, and is out of the swarm before the new one comes.
func TestADeadManagerIsReplaced(t *testing.T) {
	if os.Getenv("SWARMUP_MATRIX") == "" {
		t.Skip("SWARMUP_MATRIX is not set")
	}
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: m, count: 3}]\n")
	l.must("apply")
	was := l.machines("m3")[0]
	output(t, "docker", "kill", was)
	eventually(t, 90*time.Second, func() error {
		if got := l.on("m1", "docker node ls --format '{{.Hostname}} {{.Status}}' | sed -n 's/^m3 //p'"); got != "Down" {
			return fmt.Errorf("m3 is %s", got)
		}
		return nil
	})
	l.must("apply", "--yes", "--replace", "m3")
	l.swarmIs("m1", map[string]want{"m1": {role: "manager"}, "m2": {role: "manager"}, "m3": {role: "manager"}})
	if got := l.machines("m3"); len(got) != 1 || got[0] == was {
		t.Errorf("m3 has the machines %v, and had %s", got, was)
	}
	l.second()
}
