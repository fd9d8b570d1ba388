package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The swarm is saved from one manager while it works, taken down, and made again of
// the file on a machine with that manager's address; apply brings the others back.
func TestABackupBecomesTheSwarmAgain(t *testing.T) {
	if os.Getenv("SWARMUP_MATRIX") == "" {
		t.Skip("SWARMUP_MATRIX is not set")
	}
	h := newHosts(t, "a", "b", "c")
	h.file("a b c", "")
	h.must("apply")
	swarm := h.on("a", "docker info --format '{{.Swarm.Cluster.ID}}'")
	h.on("a", "echo hello | docker config create marker - && echo secret | docker secret create hidden -")

	file := filepath.Join(h.dir, "demo.swarm")
	h.must("backup", "--out", file, "--node", "b")
	manager := want{role: "manager"}
	three := map[string]want{"a": manager, "b": manager, "c": manager}
	h.swarmIs("a", three)
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", st, err)
	}
	h.want(3, "backup", "--out", file)
	h.says(h.want(3, "restore", "--from", file, "--manager", "a", "--yes", "--confirm-name", h.name), "lives: by its manager ")

	h.must("destroy", "--yes")
	h.says(h.want(3, "restore", "--from", file, "--manager", "a", "--yes", "--confirm-name", h.name), "does not have that address")
	h.must("restore", "--from", file, "--manager", "b", "--yes", "--confirm-name", h.name)
	h.must("apply", "--yes")
	h.swarmIs("a", three)
	if got := h.on("b", "docker info --format '{{.Swarm.Cluster.ID}}'; docker config ls --format '{{.Name}}'; docker secret ls --format '{{.Name}}'"); got != strings.Join([]string{swarm, "marker", "hidden"}, "\n") {
		t.Errorf("got %q", got)
	}
	for _, n := range []string{"a", "b", "c"} {
		if left := h.on(n, "ls /var/lib/docker | grep -e swarmup -e swarm. || true"); left != "" {
			t.Errorf("%s: left %s", n, left)
		}
	}
	h.second()
}
