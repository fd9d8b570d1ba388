package e2e

import "testing"

// All manager lines are replaced by new machines while the workers are still in
// the old swarm: no second swarm is born.
func TestNoSecondSwarmIsBorn(t *testing.T) {
	h := newHosts(t, "old", "w1", "w2", "new")
	h.file("old", "w1 w2")
	h.must("apply")
	swarm := h.on("old", "docker info --format '{{.Swarm.Cluster.ID}}'")

	h.file("new", "w1 w2")
	r := h.want(3, "apply", "--yes", "--max-remove", "9")
	h.says(r, "w1, w2 are in a swarm whose managers ("+h.machines["old"].Address+":2377) are not in the file")
	if state := h.on("new", "docker info --format '{{.Swarm.LocalNodeState}}'"); state != "inactive" {
		t.Errorf("new is %s, want inactive", state)
	}
	if now := h.on("old", "docker info --format '{{.Swarm.Cluster.ID}}'"); now != swarm {
		t.Errorf("the swarm is %s, it was %s", now, swarm)
	}

	h.delete(t.Context(), "old") // and not when the old managers are gone for good
	h.want(3, "apply", "--yes")
	if state := h.on("new", "docker info --format '{{.Swarm.LocalNodeState}}'"); state != "inactive" {
		t.Errorf("new is %s, want inactive", state)
	}
}

// With the old managers in the file beside the new ones, the swarm moves over
// to the new ones without a break.
func TestManagersAreReplacedByOthers(t *testing.T) {
	h := newHosts(t, "old", "w1", "new")
	h.file("old", "w1")
	h.must("apply")
	swarm := h.on("old", "docker info --format '{{.Swarm.Cluster.ID}}'")
	h.file("old new", "w1")
	h.must("apply")
	h.file("new", "w1") // old's line leaves the file; its mark leads there
	h.must("apply", "--yes")
	h.swarmIs("new", map[string]want{"new": {role: "manager"}, "w1": {role: "worker"}})
	if now := h.on("new", "docker info --format '{{.Swarm.Cluster.ID}}'"); now != swarm {
		t.Errorf("the swarm is %s, it was %s", now, swarm)
	}
	if state := h.on("old", "docker info --format '{{.Swarm.LocalNodeState}}'"); state != "inactive" {
		t.Errorf("old is %s, want inactive", state)
	}
	h.second()
	h.must("destroy", "--yes")
	for _, n := range []string{"new", "w1"} {
		if state := h.on(n, "docker info --format '{{.Swarm.LocalNodeState}}'; ls /etc/docker/swarmup.json 2>/dev/null; true"); state != "inactive" {
			t.Errorf("%s is %s after destroy, want inactive", n, state)
		}
	}
}
