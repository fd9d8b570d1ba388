package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

func TestALockFileIsWrittenAgainstItsVersion(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		ctx := t.Context()
		if f, err := ReadLock(ctx, m); !errors.Is(err, engine.ErrNotFound) {
			t.Fatalf("read of none: %+v, %v", f, err)
		}
		made, err := CreateLock(ctx, m, "A", []byte("one\ntwo"))
		if err != nil || made.ID != "A" || string(made.Content) != "one\ntwo" {
			t.Fatalf("create: %+v, %v", made, err)
		}
		if age := made.Now.Sub(made.Updated); age < 0 || age > time.Minute {
			t.Errorf("it was written %s ago", age)
		}
		if _, err := CreateLock(ctx, m, "B", nil); !errors.Is(err, engine.ErrExists) {
			t.Errorf("create beside one: %v", err)
		}
		next, err := UpdateLock(ctx, m, made, []byte("three"))
		if err != nil || next.ID != "A" || next.Version <= made.Version || string(next.Content) != "three" {
			t.Fatalf("update: %+v, %v", next, err)
		}
		if _, err := UpdateLock(ctx, m, made, []byte("four")); !errors.Is(err, engine.ErrOutdated) {
			t.Errorf("update of an old version: %v", err)
		}
		if err := RemoveLock(ctx, m, "B"); err != nil {
			t.Errorf("remove of another: %v", err)
		}
		if now, err := ReadLock(ctx, m); err != nil || now.Version != next.Version || string(now.Content) != "three" {
			t.Errorf("after that: %+v, %v", now, err)
		}
		if err := errors.Join(RemoveLock(ctx, m, "A"), RemoveLock(ctx, m, "A")); err != nil {
			t.Errorf("remove: %v", err)
		}
		if _, err := UpdateLock(ctx, m, next, nil); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("update of one that is gone: %v", err)
		}
		if got := m.read("/run/swarmup/lock"); got != "none" {
			t.Errorf("left behind: %q", got)
		}
	})
}

func TestALockFileCutOffWhileItWasWrittenIsTheOldOne(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		if _, err := CreateLock(t.Context(), m, "A", []byte("one")); err != nil {
			t.Fatal(err)
		}
		m.write("/run/swarmup/lock.new", "A 2\nha") // the process was killed here
		f, err := ReadLock(t.Context(), m)
		if err != nil || string(f.Content) != "one" {
			t.Errorf("got %+v, %v", f, err)
		}
		if _, err := UpdateLock(t.Context(), m, f, []byte("two")); err != nil {
			t.Error(err)
		}
	})
}

// Of many who create, or update one version, at the same time exactly one succeeds.
func TestOfManyWhoWriteALockFileOneSucceeds(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		m.tool("sleep", "exec /bin/sleep 0.01")
		if got := m.many(func(i int) []string { return []string{"create", fmt.Sprint("R", i)} }, "- exists"); got != 1 {
			t.Fatalf("%d have created it", got)
		}
		f, err := ReadLock(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.many(func(int) []string { return []string{"update", f.ID, fmt.Sprint(f.Version)} }, "- outdated"); got != 1 {
			t.Errorf("%d have updated one version", got)
		}
	})
}

// many runs the lock script in several processes at once, and counts those that
// were not refused.
func (m *machine) many(args func(int) []string, refusal string) (succeeded int) {
	m.t.Helper()
	outs := make([]bytes.Buffer, 12)
	var wg sync.WaitGroup
	for i := range outs {
		line, err := command(call{script: "lock", args: args(i)})
		m.must(err)
		wg.Go(func() {
			argv := []string{"-c", line}
			if filepath.Base(m.shell) == "busybox" {
				argv = []string{"sh", "-c", line}
			}
			c := exec.CommandContext(m.t.Context(), m.shell, argv...)
			c.Env, c.Stdin, c.Stdout = m.env(), strings.NewReader(fmt.Sprint("content of ", i)), &outs[i]
			if err := c.Run(); err != nil {
				m.t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range outs {
		out := outs[i].String()
		if strings.Contains(out, "= error") {
			m.t.Errorf("process %d: %s", i, out)
		}
		if !strings.Contains(out, refusal) {
			succeeded++
		}
	}
	return succeeded
}

func TestALockFileThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		m.write("/run/swarmup", "in the way")
		_, err := CreateLock(t.Context(), m, "A", nil)
		if err == nil || !strings.Contains(err.Error(), "create lock file: make ") {
			t.Errorf("got %v", err)
		}
		m.write("/run/swarmup2/x", "")
		if _, err := readLockFile(answer{"id": []byte("A one")}); err == nil {
			t.Error("took a version that is none")
		}
	})
}
