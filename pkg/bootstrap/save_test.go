package bootstrap

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Stream is Run with an output of its own.
func (m *machine) Stream(ctx context.Context, cmd string, stdin io.Reader, out io.Writer) error {
	var errs bytes.Buffer
	argv := []string{"-c", cmd}
	if filepath.Base(m.shell) == "busybox" {
		argv = []string{"sh", "-c", cmd}
	}
	c := exec.CommandContext(ctx, m.shell, argv...)
	c.Env, c.Stdin, c.Stdout, c.Stderr = m.env(), stdin, out, &errs
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, errs.String())
	}
	return nil
}

// member makes a machine whose engine runs, with the state of a swarm.
func (m *machine) member() {
	m.t.Helper()
	m.systemd()
	m.install(fakeEngine{Version: "28.5.2"})
	m.must(EnsureRunning(m.t.Context(), m))
	for _, tool := range []string{"tar"} {
		path, err := exec.LookPath(tool)
		m.must(err)
		_ = os.Remove(m.bin + "/" + tool)
		m.must(os.Symlink(path, m.bin+"/"+tool))
	}
	m.write("/var/lib/docker/swarm/docker-state.json", "{}")
	m.write("/var/lib/docker/swarm/raft/wal", strings.Repeat("x", 300_000))
}

func names(from io.Reader) (out []string, err error) {
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, strings.TrimSuffix(h.Name, "/"))
	}
}

func TestSavingReadsTheSwarmWhileTheEngineIsStopped(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		m.member()
		var got []string
		err := Save(t.Context(), m, func(from io.Reader) (err error) {
			got, err = names(from)
			return err
		})
		if err != nil || !slices.Contains(got, "swarm/docker-state.json") || !slices.Contains(got, "swarm/raft/wal") {
			t.Fatalf("got %q, %v", got, err)
		}
		calls := m.calls()
		stop := slices.Index(calls, "systemctl stop docker.socket docker.service")
		if stop < 0 || !slices.Contains(calls[stop:], "systemctl start docker.service") || !readEngine(m.root).Running {
			t.Errorf("calls: %q", calls)
		}
	})
}

// Whatever breaks in the middle, the engine runs afterwards.
func TestSavingThatFailsStartsTheEngineAgain(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		m.member()
		full := errors.New("disk full")
		err := Save(t.Context(), m, func(from io.Reader) error {
			_, _ = io.ReadFull(from, make([]byte, 512))
			return full
		})
		if !errors.Is(err, full) || !readEngine(m.root).Running {
			t.Errorf("got %v, running: %t", err, readEngine(m.root).Running)
		}
	})
}

func TestSavingStopsNothingWhereThereIsNoSwarm(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		m.member()
		m.must(os.RemoveAll(m.root + "/var/lib/docker/swarm"))
		err := Save(t.Context(), m, func(from io.Reader) error { _, err := names(from); return err })
		if err == nil || !strings.Contains(err.Error(), "there is no swarm in ") || slices.Contains(m.calls(), "systemctl stop docker.socket docker.service") {
			t.Errorf("got %v, calls %q", err, m.calls())
		}
	})
}

func TestRestoringReplacesTheSwarm(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		m.member()
		var kept bytes.Buffer
		if err := Save(t.Context(), m, func(from io.Reader) error { _, err := io.Copy(&kept, from); return err }); err != nil {
			t.Fatal(err)
		}
		m.write("/var/lib/docker/swarm/docker-state.json", "another")
		m.write("/var/lib/docker/swarm/more", "x")
		if err := Restore(t.Context(), m, bytes.NewReader(kept.Bytes()[:kept.Len()/2])); err == nil {
			t.Error("half a tar was restored")
		}
		if got := m.read("/var/lib/docker/swarm/docker-state.json"); got != "another" {
			t.Errorf("after half a tar: %q", got)
		}
		if err := Restore(t.Context(), m, bytes.NewReader(kept.Bytes())); err != nil {
			t.Fatal(err)
		}
		if got := m.read("/var/lib/docker/swarm/docker-state.json") + m.read("/var/lib/docker/swarm/more"); got != "{}none" || !readEngine(m.root).Running {
			t.Errorf("got %q", got)
		}
		left, err := os.ReadDir(m.root + "/var/lib/docker")
		if err != nil || len(left) != 1 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}
