package e2e

import "testing"

// One apply turns one file into another: a worker and a manager less, two
// workers more, other labels, another availability.
func TestOneApplyFollowsTheFile(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", `
name: NAME
provider: docker
engine: {labels: {env: lab}}
managers:
  - {name: m, count: 3}
workers:
  - {name: w, count: 4, engine_labels: {role: node}, labels: {zone: a}}
`)
	l.must("apply")
	before := map[string]want{}
	for _, n := range []string{"m1", "m2", "m3"} {
		before[n] = want{role: "manager", engine: map[string]string{"env": "lab"}}
	}
	for _, n := range []string{"w1", "w2", "w3", "w4"} {
		before[n] = want{role: "worker", engine: map[string]string{"env": "lab", "role": "node"}, labels: map[string]string{"zone": "a"}}
	}
	l.swarmIs("m1", before)
	l.on("m1", "docker node update --label-add theirs=1 w1")

	l.write("cluster.yaml", `
name: NAME
provider: docker
engine: {labels: {env: prod}}
managers:
  - {name: m, count: 2}
workers:
  - {name: w, count: 3, labels: {zone: b, disk: ssd}}
  - {name: x, count: 2, availability: drain}
`)
	r := l.want(3, "apply", "--yes") // two of seven nodes go: more than --yes covers
	l.says(r, "--max-remove")
	l.must("apply", "--yes", "--max-remove", "2")
	after := map[string]want{}
	for _, n := range []string{"m1", "m2"} {
		after[n] = want{role: "manager", engine: map[string]string{"env": "prod"}}
	}
	for _, n := range []string{"w1", "w2", "w3"} {
		after[n] = want{role: "worker", engine: map[string]string{"env": "prod"}, labels: map[string]string{"zone": "b", "disk": "ssd"}}
	}
	after["w1"].labels["theirs"] = "1"
	for _, n := range []string{"x1", "x2"} {
		after[n] = want{role: "worker", availability: "drain", engine: map[string]string{"env": "prod"}}
	}
	l.swarmIs("m1", after)
	if n := len(l.machines("")); n != 7 {
		t.Errorf("%d machines, want 7", n)
	}
	l.second()
}

// A node moves between worker and manager in place, and back.
func TestRolesAreSwapped(t *testing.T) {
	l := newLab(t)
	file := func(manager, worker string) {
		l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: "+manager+"}]\nworkers: [{name: "+worker+"}]\n")
	}
	file("a", "b")
	l.must("apply")
	l.swarmIs("a", map[string]want{"a": {role: "manager"}, "b": {role: "worker"}})
	machines := len(l.machines(""))
	file("b", "a")
	l.must("apply")
	l.swarmIs("b", map[string]want{"b": {role: "manager"}, "a": {role: "worker"}})
	if n := len(l.machines("")); n != machines {
		t.Errorf("%d machines, there were %d", n, machines)
	}
	l.second()
}
