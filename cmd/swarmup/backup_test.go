package main

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
)

// threeManagers is a swarm that works, led by the first.
func threeManagers(t *testing.T) *world {
	t.Helper()
	st := plan.State{Swarm: &plan.View{ID: "ours", Via: "m1", AutoLock: true}}
	for _, n := range []string{"m1", "m2", "m3"} {
		st.Hosts = append(st.Hosts, plan.Host{Node: n, Answer: plan.Answered, Engine: plan.EngineRunning, EngineVersion: "28.5.2", Info: engine.Info{State: engine.Active, NodeID: n}})
		st.Swarm.Nodes = append(st.Swarm.Nodes, engine.Node{ID: n, Manager: &engine.ManagerStatus{Leader: n == "m1", Reachability: "reachable"}})
	}
	var folder bytes.Buffer
	out := tar.NewWriter(&folder)
	if err := out.WriteHeader(&tar.Header{Name: "swarm/docker-state.json", Typeflag: tar.TypeReg, Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return &world{have: st, folder: folder.Bytes(), place: &slot{where: "the swarm"}}
}

func TestBackupAndRestore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo.swarm")
	w := threeManagers(t)
	user{world: w}.run(t, "backup", "--out", file).wants(t, exitDone,
		[]string{"demo: swarm ours, by m2, is in " + file + " ("},
		[]string{"the managers are locked: the backup is worth nothing without the unlock key", "m2: its engine is stopped, read and started again"})
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 || strings.Join(w.did, " ") != "save/m2" || w.place.(*slot).made != 1 || w.place.(*slot).record != nil {
		t.Errorf("%v, %v, did %q", st, err, w.did)
	}
	user{world: threeManagers(t)}.run(t, "backup", "--out", file).wants(t, exitRefused, nil, []string{"is there already", "name another file"})
	user{world: threeManagers(t)}.run(t, "backup", "--out", file+"2", "--node", "m1").wants(t, exitRefused, nil, []string{"back up demo: m1 is the leader"})
	user{world: threeManagers(t)}.run(t, "restore", "--from", file, "--manager", "mgr1", "--yes", "--confirm-name", "demo").wants(t, exitRefused, nil, []string{"the swarm ours lives"})

	bare := func() *world {
		return &world{have: plan.State{Hosts: []plan.Host{{Node: "mgr1", Answer: plan.Answered, Engine: plan.EngineRunning, EngineVersion: "28.5.2", Info: engine.Info{State: engine.Inactive}}}}}
	}
	user{world: bare()}.run(t, "restore", "--from", file, "--manager", "mgr1").wants(t, exitRefused, nil, []string{"mgr1 becomes the only manager of the swarm ours as it was on m2", "there is no terminal to ask on"})
	user{world: bare()}.run(t, "restore", "--from", "cluster.yaml", "--manager", "mgr1").wants(t, exitRefused, nil, []string{"it is not a backup of swarmup"})
	w = bare()
	user{world: w, terminal: true, answers: "demo\n"}.run(t, "restore", "--from", file, "--manager", "mgr1").wants(t, exitDone, []string{"demo: mgr1 leads the swarm ours"}, nil)
	if got := strings.Join(w.did, " "); got != "restore/mgr1" {
		t.Errorf("did %q", got)
	}
}

func TestABackupWaitsForWhoeverChangesTheCluster(t *testing.T) {
	w := threeManagers(t)
	w.place = held(t, 0)
	file := filepath.Join(t.TempDir(), "demo.swarm")
	user{world: w}.run(t, "backup", "--out", file).wants(t, exitFailed, nil, []string{"it is locked by bob@runner"})
	if _, err := os.Stat(file); err == nil || len(w.did) > 0 {
		t.Errorf("did %q, %v", w.did, err)
	}
}
