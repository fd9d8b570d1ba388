package cluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/rotate"
	"github.com/swarmup/swarmup/pkg/spec"
)

// locked is a file whose managers are locked when they restart, with its key in
// the folder of the test.
func (w *world) locked(nodes string) (keyFile string) {
	w.Helper()
	keyFile = filepath.Join(w.folder(), "unlock.key")
	w.file(nodes + "swarm: {autolock: {key_file: " + keyFile + "}}\n")
	return keyFile
}

// folder is one that is there for the test.
func (w *world) folder() string {
	w.Helper()
	if err := os.MkdirAll(w.home, 0o700); err != nil {
		w.Fatal(err)
	}
	return w.home
}

// restarts lets the engines of machines restart.
func (w *world) restarts(names ...string) {
	for _, n := range names {
		w.of(n).engine.Restart()
	}
}

// plan gives what a new process would do now.
func (w *world) next() plan.Plan {
	w.Helper()
	p := w.process()
	defer p.end()
	return plan.Diff(w.spec, p.see(), plan.Options{})
}

// kept fails unless the file holds the key of now in its first line, for its
// owner alone.
func (w *world) kept(path string) {
	w.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if want := w.leader().engine.UnlockKey(); line != want || want == "" {
		w.Errorf("the file begins with %q, want %q", line, want)
	}
	if i, err := os.Stat(path); err != nil || i.Mode() != 0o600 {
		w.Errorf("the file's mode is %v (%v), want 0600", i.Mode(), err)
	}
}

func TestANewSwarmIsLockedAndItsKeyIsKept(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked(three)
		w.apply()
		w.kept(path)
	})
}

func TestEditingTheFileLocksASwarmThatIsThere(t *testing.T) {
	in(t, func(w *world) {
		w.file(three)
		w.apply()
		path := w.locked(three)
		if got := w.next(); len(got.Steps) != 2 || got.Steps[0].Action != plan.Settings || got.Steps[0].Changes[0] != (plan.Change{What: "autolock", From: "false", To: "true"}) {
			t.Errorf("got %s", text(got))
		}
		w.apply()
		w.kept(path)
	})
}

func TestManagersThatRestartedAreUnlocked(t *testing.T) {
	for name, which := range map[string][]string{"one": {"m2"}, "the quorum": {"m1", "m3"}, "all": {"m1", "m2", "m3"}} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.locked(three)
				w.apply()
				w.restarts(which...)
				var unlocks []string
				for _, s := range w.next().Steps {
					if s.Action == plan.Unlock {
						unlocks = append(unlocks, s.Node)
					}
				}
				if !slices.Equal(unlocks, which) {
					t.Errorf("the plan unlocks %v, want %v", unlocks, which)
				}
				w.apply()
			})
		})
	}
}

func TestAnApplyThatWasKilledBeforeTheKeyWasStoredIsFinishedByTheNext(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked(three)
		w.apply()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if got := w.next(); len(got.Steps) == 0 || got.Steps[0].Action != plan.StoreKey || got.Steps[0].Why != "none is stored" {
			t.Errorf("got %s", text(got))
		}
		w.apply()
		w.kept(path)
	})
}

func TestAKeyThatWasChangedByHandIsStored(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked(three)
		w.apply()
		before := w.leader().engine.UnlockKey()
		w.of("m2").engine.Kill()
		w.changeKey()
		if got := w.next(); !slices.ContainsFunc(got.Steps, func(s plan.Step) bool {
			return s.Action == plan.StoreKey && s.Why == "an older one is stored"
		}) {
			t.Errorf("got %s", text(got))
		}
		w.of("m2").engine.Revive() // locked, with the key of before
		w.apply()
		w.kept(path)
		if text, _ := os.ReadFile(path); !strings.Contains(string(text), before+"\n") {
			t.Error("the key of before is not kept")
		}
	})
}

// changeKey makes a new unlock key, as docker swarm unlock-key --rotate does.
func (w *world) changeKey() {
	w.Helper()
	if err := w.api(w.leader().addr).Rotate(w.Context(), engine.Rotation{UnlockKey: true}); err != nil {
		w.Fatal(err)
	}
}

func TestAKeyFileOfAnotherSwarmIsLeftAlone(t *testing.T) {
	in(t, func(w *world) {
		w.file(three)
		w.apply()
		path := w.locked(three)
		other := "SWMKEY-1-" + strings.Repeat("A", 43) + "\n"
		if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
			t.Fatal(err)
		}
		err := w.try()
		if err == nil || !strings.Contains(err.Error(), "holds another key, which nothing says is this swarm's") {
			t.Errorf("got %v", err)
		}
		if got, _ := os.ReadFile(path); string(got) != other {
			t.Errorf("the file holds %q now", got)
		}
		if w.leader().engine.UnlockKey() != "" {
			t.Error("the swarm is locked, and its key is kept nowhere")
		}
	})
}

func TestASwarmWhoseKeyCannotBeStoredIsNotLocked(t *testing.T) {
	in(t, func(w *world) {
		w.file(three)
		w.apply()
		w.file(three + "swarm: {autolock: {key_file: " + w.folder() + "/missing/key}}\n")
		err := w.try()
		if err == nil || !strings.Contains(err.Error(), "no such file or directory; managers are not locked") {
			t.Errorf("got %v", err)
		}
		if w.leader().engine.UnlockKey() != "" {
			t.Error("the swarm is locked, and its key is kept nowhere")
		}
	})
}

func TestManagersAreNotLockedAnyMoreAndTheKeyStays(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked(three)
		w.apply()
		w.file(three + "swarm: {autolock: false}\n")
		w.apply()
		if w.leader().engine.UnlockKey() != "" {
			t.Error("the swarm is still locked")
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	})
}

func TestALockedManagerWithoutAStoreBlocksItsNode(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked(three)
		w.apply()
		w.file(three)
		w.restarts("m2")
		err := w.try()
		if err == nil || !strings.Contains(err.Error(), "m2 is a manager and locked") {
			t.Errorf("got %v", err)
		}
		text, _ := os.ReadFile(path)
		line, _, _ := strings.Cut(string(text), "\n")
		for _, tt := range []struct{ key, want string }{
			{"SWMKEY-1-" + strings.Repeat("A", 43), "the key from the user does not unlock it"},
			{line, ""},
		} {
			given := func(c *cluster.Config) {
				c.Key = func(context.Context) (engine.Key, string, error) { return engine.NewKey(tt.key), "the user", nil }
			}
			p := w.process(given)
			p.see()
			_, err := p.Do(p.ctx, plan.Step{ID: "unlock/m2", Action: plan.Unlock, Node: "m2"})
			p.end()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want || !errors.Is(err, engine.ErrKey)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		}
	})
}

func TestARotatedKeyIsStored(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked(three)
		w.apply()
		before := w.leader().engine.UnlockKey()
		p := w.process()
		p.see()
		if _, err := rotate.UnlockKey(p.ctx, p.Cluster); err != nil {
			t.Fatal(err)
		}
		p.end()
		if w.leader().engine.UnlockKey() == before {
			t.Error("the key is the same")
		}
		w.kept(path)
		w.settled()
	})
}

func TestRotatedTokensAndRootsHarmNobody(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w}]\n")
		w.apply()
		p := w.process()
		p.see()
		was, nodes, err := p.Trust(p.ctx)
		if err != nil || len(nodes) != 4 {
			t.Fatalf("got %d nodes, %v", len(nodes), err)
		}
		var lines []string
		err = errors.Join(rotate.Tokens(p.ctx, p.Cluster, spec.Worker), rotate.CA(p.ctx, p.Cluster, time.Minute, func(l string) { lines = append(lines, l) }))
		now, _, _ := p.Trust(p.ctx)
		if err != nil || now.Worker.Reveal() == was.Worker.Reveal() || now.Issuer == was.Issuer || now.Rotating {
			t.Errorf("got %v after %q", err, lines)
		}
		p.end()
		w.settled()
		w.file(three + "workers: [{name: w, count: 2}]\n")
		w.apply()
	})
}

func TestARotationWaitsForNobodyWhoIsDown(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w}]\n")
		w.apply()
		w.of("w").engine.Kill()
		time.Sleep(20 * time.Second)
		p := w.process()
		defer p.end()
		p.see()
		var down *rotate.DownError
		if err := rotate.CA(p.ctx, p.Cluster, time.Minute, func(string) {}); !errors.As(err, &down) || !slices.Equal(down.Nodes, []string{"w"}) {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheProgramThatLoadsTheKeyRunsOnce(t *testing.T) {
	in(t, func(w *world) {
		dir := w.folder()
		for name, script := range map[string]string{"keep": "cat >key", "show": "echo x >>asked; cat key"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\ncd "+dir+"\n"+script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		w.file(three + "swarm: {autolock: {store_command: [" + dir + "/keep], load_command: [" + dir + "/show]}}\n")
		w.apply()
		w.restarts("m1", "m2")
		_ = os.Remove(filepath.Join(dir, "asked"))
		if err := w.try(); err != nil {
			t.Fatal(err)
		}
		if asked, _ := os.ReadFile(filepath.Join(dir, "asked")); string(asked) != "x\n" {
			t.Errorf("it ran %d times in one apply, want once", len(asked)/2)
		}
		w.settled()
	})
}

func TestAStoredKeyThatIsWrongIsNamedByItsStore(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked(three)
		w.apply()
		text, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(text), "\n")
		if err := os.WriteFile(path, []byte("SWMKEY-1-"+strings.Repeat("A", 43)+"\n"+rest), 0o600); err != nil {
			t.Fatal(err)
		}
		w.restarts("m1", "m2", "m3") // nobody is left who knows better
		err := w.try()
		if want := "the key from " + path + " does not unlock it"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		w.apply()
	})
}

func TestAManagerThatIsSwitchedOnIsUnlocked(t *testing.T) {
	in(t, func(w *world) {
		w.locked(three)
		w.apply()
		if err := w.cloud.Stop(w.Context(), w.listed("m2")); err != nil {
			t.Fatal(err)
		}
		w.apply()
	})
}

func TestAKeyThatSomebodyWroteDownUnlocksAll(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked(three)
		w.apply()
		if err := os.WriteFile(path, []byte(w.leader().engine.UnlockKey()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.settled()
		w.restarts("m1", "m2", "m3")
		w.apply()
	})
}

func TestASwarmThatIsMadeAnewKeepsItsOwnKey(t *testing.T) {
	in(t, func(w *world) {
		path := w.locked("managers: [{name: m}]\n")
		w.apply()
		old, before := w.net.Clusters()[0], w.leader().engine.UnlockKey()
		p := w.process()
		if _, _, err := p.rounds(plan.Options{Teardown: true}); err != nil {
			t.Fatal(err)
		}
		p.end()
		if err := w.try(); err != nil {
			t.Fatal(err)
		}
		w.kept(path)
		if text, _ := os.ReadFile(path + "." + old); !strings.HasPrefix(string(text), before+"\n") {
			t.Errorf("the key of the swarm before is not kept: %q", text)
		}
	})
}
