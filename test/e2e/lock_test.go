package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Two applies that begin together, on bare hosts and on a swarm: one works, the
// other waits for it or names it. One that is killed leaves a lock that falls.
func TestOneApplyAtATime(t *testing.T) {
	h := newHosts(t, "m", "w1", "w2")
	h.file("m", "w1")
	a, b := h.start(t.Context(), "apply", "--lock-timeout", "1m"), h.start(t.Context(), "apply", "--lock-timeout", "1m")
	h.oneWorked(a(), b(), 0, "NAME: nothing to do")

	h.file("m", "w1 w2")
	a, b = h.start(t.Context(), "apply"), h.start(t.Context(), "apply")
	h.oneWorked(a(), b(), 1, "")

	h.file("m", "w1")
	h.hang(false, "apply") // and it is killed, on this computer
	h.must("apply", "--yes")

	h.hang(true, "apply", "--lock-ttl", "4s")
	h.says(h.want(1, "apply", "--yes"), "change NAME: it is locked by ", "(swarmup apply, process ", "hint: wait for it with --lock-timeout")
	h.must("apply", "--yes", "--lock-timeout", "1m")
	if left := h.on("m", "docker config ls -q"); left != "" {
		t.Errorf("a config object is left: %s", left)
	}
	h.second()
}

// oneWorked wants one run to have done all, and the other to have ended so.
func (h *hosts) oneWorked(a, b result, code int, says string) {
	h.Helper()
	if !strings.Contains(a.stdout, h.name+": done") {
		a, b = b, a
	}
	if a.code != 0 || !strings.Contains(a.stdout, h.name+": done") {
		h.Fatalf("nobody worked: %s%s", a, b)
	}
	if b.code != code || strings.Contains(b.stdout, h.name+": done") || !strings.Contains(b.stdout, strings.ReplaceAll(says, "NAME", h.name)) {
		h.Errorf("the other one: %s", b)
	}
	h.says(b, "it is locked by ")
}

// hang begins a run that cannot end, and kills it once it has the lock and is at
// work: it waits for a machine that nobody has. Elsewhere is where the number of its
// process means nothing to others, as on another computer.
func (h *hosts) hang(elsewhere bool, args ...string) {
	h.Helper()
	m := h.machines["w1"]
	line := fmt.Sprintf("  - {name: ghost, address: %s, ssh: {host_key: %q}}\n", "203.0.113.1", m.HostKey)
	h.write("hang.yaml", strings.Replace(h.content("m", "w1 w2"), "workers:\n", "workers:\n"+line, 1))
	ctx, kill := context.WithCancel(h.Context())
	defer kill()
	args = append(args, "hang.yaml")
	cmd := exec.CommandContext(ctx, os.Getenv(binary), args...)
	if elsewhere {
		cmd = exec.CommandContext(ctx, "unshare", append([]string{"--pid", "--fork", "--kill-child", os.Getenv(binary)}, args...)...)
	}
	wait := h.begin(cmd, args)
	eventually(h.T, 20*time.Second, func() error {
		out, err := exec.Command("docker", "exec", h.lab.machines("m")[0], "docker", "config", "ls", "-q").Output()
		if err == nil && len(out) == 0 {
			err = fmt.Errorf("there is no lock")
		}
		return err
	})
	h.says(h.must("lock", "status"))
	kill()
	if r := wait(); r.code == 0 {
		h.Errorf("it was not killed: %s", r)
	}
}

func TestALockThatIsTakenByForceStopsItsHolder(t *testing.T) {
	h := newHosts(t, "m")
	h.file("m", "")
	h.must("apply")
	h.write("hang.yaml", h.content("m", "")+"workers:\n  - {name: ghost, address: 203.0.113.1, ssh: {host_key: \"SHA256:"+strings.Repeat("A", 43)+"\"}}\n")
	wait := h.start(t.Context(), "apply", "--lock-ttl", "4s", "hang.yaml")
	eventually(t, 20*time.Second, func() error {
		if r := h.swarmup("lock", "status"); r.code != 0 || !strings.Contains(r.stdout, "it is locked by") {
			return fmt.Errorf("%s", r)
		}
		return nil
	})
	h.want(1, "lock", "release")
	h.must("lock", "release", "--force")
	r := wait()
	if r.code != 1 {
		t.Errorf("%s", r)
	}
	h.says(r, "the lock of this run is lost: ")
	if out := h.must("lock", "status").stdout; out != h.name+": not locked\n" {
		t.Errorf("left: %s", out)
	}
}
