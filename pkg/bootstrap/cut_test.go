package bootstrap

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/daemon"
)

func (m *machine) link(to, path string) {
	m.t.Helper()
	m.must(os.Symlink(to, m.root+path))
}

// killEngine ends a dockerd that is a process of its own.
func (m *machine) killEngine() {
	if pid, err := strconv.Atoi(strings.TrimSpace(m.read("/run/docker.pid"))); err == nil && pid != 4242 {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// fill makes a tool find the disk full where a condition on its arguments holds.
func fill(m *machine, tool, condition string) {
	m.t.Helper()
	path, err := exec.LookPath(tool)
	m.must(err)
	m.tool(tool, fmt.Sprintf(`
if %s; then
	echo "%s: write error: No space left on device" >&2
	exit 1
fi
exec %s "$@"`, condition, tool, path))
}

// reachable undoes fill, cuts and lost connections.
func (m *machine) reachable() {
	m.t.Helper()
	m.diesAfter = diesAfter{}
	for _, tool := range tools {
		path, err := exec.LookPath(tool)
		m.must(err)
		_ = os.Remove(m.bin + "/" + tool)
		m.must(os.Symlink(path, m.bin+"/"+tool))
	}
}

// cutAt makes the machine lose its power right before the n-th command that
// writes: the script dies, and the connection with it.
func (m *machine) cutAt(n int) {
	m.t.Helper()
	m.must(os.WriteFile(m.bin+"/left", []byte(strconv.Itoa(n)), 0o644))
	for _, tool := range []string{"cp", "mv", "rm", "cat"} {
		path, err := exec.LookPath(tool)
		m.must(err)
		m.tool(tool, fmt.Sprintf(`
if [ %s != cat ] || [ $# = 0 ]; then
	read -r left <%q
	left=$((left - 1))
	echo $left >%q
	if [ $left -lt 1 ]; then kill -9 0; fi
fi
exec %s "$@"`, tool, m.bin+"/left", m.bin+"/left", path))
	}
}

// points gives where to cut a change off: at every point in the lab, at every
// fourth else, from any of the first four on.
func points(t *testing.T) (first, step int) {
	t.Helper()
	if os.Getenv("SWARMUP_LAB") != "" {
		return 1, 1
	}
	first = 1 + rand.IntN(4)
	t.Logf("cut off at point %d and at every fourth after it", first)
	return first, 4
}

// TestConfigureMayBeCutOffAnywhere cuts a change off at every point: swarmup is
// killed after its n-th call, or the machine before its n-th write. Then the
// change is made again, or everything is taken back: nothing may be forgotten
// that swarmup wrote, and nothing claimed that it did not.
func TestConfigureMayBeCutOffAnywhere(t *testing.T) {
	second := daemon.Want{Labels: map[string]string{"b": "2", "role": "mgr"}, RegistryMirrors: []string{"https://m"}, Keys: map[string]any{"mtu": 1400}}
	cuts := map[string]func(m *machine, n int){
		"swarmup is killed":           func(m *machine, n int) { m.diesAfter.calls = n },
		"the machine loses its power": func(m *machine, n int) { m.cutAt(n) },
	}
	followUps := map[string]func(t *testing.T, m *machine, s Settings){
		"finished": finish, "taken back": takeBack,
	}
	for name, cut := range cuts {
		for then, followUp := range followUps {
			t.Run(name+" and then it is "+then, func(t *testing.T) {
				t.Parallel()
				first, step := points(t)
				n, ended := first-step, false
				for !ended {
					n += step
					m := halfOurs(t)
					s := m.settings(second)
					s.AllowRestart, s.Env = true, map[string]string{"HTTPS_PROXY": "http://p"}
					cut(m, n)
					_, err := Configure(t.Context(), m, s)
					ended = err == nil
					m.reachable()
					followUp(t, m, s)
					if t.Failed() {
						t.Fatalf("cut off at %d by %v", n, err)
					}
				}
				if n < 6 {
					t.Errorf("there were only %d points to cut at", n)
				}
			})
		}
	}
}

// halfOurs gives a machine on which swarmup has set a and b, and others the rest.
func halfOurs(t *testing.T) *machine {
	t.Helper()
	m := running(t, "/bin/sh", `{"labels": ["theirs=1", "role=old", "a=1", "b=1"], "debug": true}`, fakeEngine{Version: "20.10.24"})
	m.write(ownedFile, `{"labels": ["a", "b"]}`)
	return m
}

// finish makes the change again.
func finish(t *testing.T, m *machine, s Settings) {
	t.Helper()
	if _, err := Configure(t.Context(), m, s); err != nil {
		t.Errorf("the next run: %v", err)
	}
	e := readEngine(m.root)
	if d := cmp.Diff([]string{"theirs=1", "role=mgr", "b=2"}, e.Labels); d != "" {
		t.Errorf("labels after the next run:\n%s", d)
	}
	if e.Keys["mtu"] != "1400" || len(e.Mirrors) != 1 || !e.Running {
		t.Errorf("the engine after the next run: %+v", e)
	}
	if got := m.environ()["HTTPS_PROXY"]; got != s.Env["HTTPS_PROXY"] {
		t.Errorf("the engine's proxy after the next run: %q", got)
	}
	if did, err := Configure(t.Context(), m, s); err != nil || did != daemon.None {
		t.Errorf("the run after the next: %s, %v", did, err)
	}
}

// takeBack takes all back and looks that what others wrote is there: also their
// role, as long as it was not replaced.
func takeBack(t *testing.T, m *machine, _ Settings) {
	t.Helper()
	role := ""
	if strings.Contains(m.read(daemonFile), "role=old") {
		role = `,"role=old"`
	}
	if err := Unconfigure(t.Context(), m); err != nil {
		t.Errorf("take back: %v", err)
	}
	got := strings.NewReplacer(" ", "", "\n", "").Replace(m.read(daemonFile))
	if want := `{"labels":["theirs=1"` + role + `],"debug":true}`; got != want {
		t.Errorf("daemon.json after all is taken back: got %s, want %s", got, want)
	}
	for _, path := range []string{ownedFile, envFile, dropIn} {
		if m.read(path) != "none" {
			t.Errorf("%s is still there: %s", path, m.read(path))
		}
	}
}

// TestTakingBackMayBeCutOffAnywhere cuts Unconfigure off and runs it again.
func TestTakingBackMayBeCutOffAnywhere(t *testing.T) {
	t.Parallel()
	cuts := []func(m *machine, n int){func(m *machine, n int) { m.diesAfter.calls = n }, (*machine).cutAt}
	first, step := points(t)
	for i, cut := range cuts {
		for n, ended := first, false; !ended; n += step {
			m := halfOurs(t)
			cut(m, n)
			ended = Unconfigure(t.Context(), m) == nil
			m.reachable()
			takeBack(t, m, Settings{})
			if labels := readEngine(m.root).Labels; !cmp.Equal(labels, []string{"theirs=1", "role=old"}) {
				t.Errorf("cut %d: the engine shows %q", i, labels)
			}
			if t.Failed() {
				t.Fatalf("cut %d at %d", i, n)
			}
		}
	}
}

// TestARefusedFileIsTakenBackWhereverItWasCutOff cuts a change off that dockerd
// does not take: the next run must bring back what dockerd takes, also if it
// finds the bad file in place.
func TestARefusedFileIsTakenBackWhereverItWasCutOff(t *testing.T) {
	t.Parallel()
	first, step := points(t)
	for n, ended := first, false; !ended; n += step {
		m := running(t, "/bin/sh", theirs, fakeEngine{Version: "20.10.24"})
		bad, worse := m.settings(daemon.Want{Keys: map[string]any{"foo": 1}}), m.settings(daemon.Want{Keys: map[string]any{"foo": 1, "bar": 2}})
		bad.AllowRestart, worse.AllowRestart = true, true
		m.diesAfter.calls = n
		synctest.Test(t, func(t *testing.T) {
			_, err := Configure(t.Context(), m, bad)
			ended = isRefused(err) && m.made < n
			m.reachable()
			if n%2 == 0 {
				bad = worse
			}
			if _, err := Configure(t.Context(), m, bad); !isRefused(err) {
				t.Errorf("cut %d: the next run: %v", n, err)
			}
		})
		if m.read(daemonFile) != theirs || !readEngine(m.root).Running {
			t.Errorf("cut %d: daemon.json: %s, engine: %+v", n, m.read(daemonFile), readEngine(m.root))
		}
		if o := parseOwned(t, m.read(ownedFile)); !o.Empty() {
			t.Errorf("cut %d: owned: %+v", n, o)
		}
	}
}
