package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/plan"
)

const lockFile = "/run/swarmup/lock"

// lock plays the script of the lock file: its first line is its ID and its
// version, and here also when it was written.
func (a answer) lock(words []string) {
	var id string
	var version, at int64
	head, content, _ := strings.Cut(a.files[lockFile], "\n")
	_, _ = fmt.Sscan(head, &id, &version, &at)
	write := func(to string, n int64) {
		id, version, at, content = to, n, time.Now().Unix(), a.stdin
		a.files[lockFile] = fmt.Sprintf("%s %d %d\n%s", id, version, at, content)
	}
	switch {
	case words[0] == "create" && id != "":
		a.blob("exists", "yes")
	case words[0] == "create":
		write(words[1], 1)
	case words[0] == "update" && id == "":
		a.blob("absent", "yes")
	case words[0] == "update" && fmt.Sprint(id, " ", version) != strings.Join(words[1:], " "):
		a.blob("outdated", "yes")
	case words[0] == "update":
		write(id, version+1)
	case words[0] == "remove" && id == words[1]:
		delete(a.files, lockFile)
		id = ""
	}
	if id != "" {
		a.blob("id", fmt.Sprintf("%s %d\n", id, version))
		a.blob("content", content)
		a.blob("times", fmt.Sprintf("%d %d\n", at, time.Now().Unix()))
	}
}

// guarded does what the command apply does: rounds under a lock.
func (p *process) guarded(opt lock.Options) (err error) {
	l := lock.New(opt)
	place := ""
	take := func(ctx context.Context) (took bool, err error) {
		to := p.LockPlace(lock.Name)
		if to == nil || to.Where() == place {
			return false, nil
		}
		if err = l.Take(ctx, to); err == nil {
			place = to.Where()
		}
		return err == nil, err
	}
	do := func(ctx context.Context, s plan.Step) (string, error) {
		note, err := p.Do(ctx, s)
		if err == nil && s.Action == plan.Init {
			_, err = take(ctx)
		}
		return note, err
	}
	l.While(p.ctx, func(ctx context.Context) {
		var last plan.Plan
		var reports []apply.Report
		for range 6 {
			var st plan.State
			if st, err = p.Observe(ctx, 20*time.Second); err != nil {
				return
			}
			if last = plan.Diff(p.spec, st, plan.Options{}); len(last.Steps) == 0 {
				break
			}
			var took bool
			if took, err = take(ctx); err != nil {
				return
			}
			if took {
				if moved, err := p.Moved(ctx); err != nil || moved || l.Contested() {
					continue
				}
			}
			reports = append(reports, apply.Run(ctx, last, 16, do, p.watch))
			if ctx.Err() != nil || !last.Partial {
				break
			}
		}
		err = errors.Join(trouble(last, reports), context.Cause(ctx))
	})
	if errors.Is(context.Cause(p.ctx), errKilled) {
		return errKilled
	}
	return errors.Join(err, l.Release(context.WithoutCancel(p.ctx)))
}

// busy keeps which processes have steps under way.
type busy struct {
	mu    sync.Mutex
	steps map[string]int
	bad   []string
}

// watch counts the steps of one process. One that was killed has none any more.
func (b *busy) watch(name string, p *process) func(apply.Result) {
	context.AfterFunc(p.ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.steps, name)
	})
	return func(r apply.Result) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case p.ctx.Err() != nil || r.Began.IsZero():
			return
		case r.Status != "":
			if b.steps[name]--; b.steps[name] == 0 {
				delete(b.steps, name)
			}
			return
		}
		for _, other := range slices.Sorted(maps.Keys(b.steps)) {
			if other != name {
				b.bad = append(b.bad, fmt.Sprintf("%s begins %s while %s has steps under way", name, r.Step.ID, other))
			}
		}
		b.steps[name]++
	}
}

// Whenever several runs begin, and one of them is killed, only one at a time does
// steps; the others wait, or say who does; and in the end all is done. It holds on
// bare hosts, on a swarm, and while hosts become a swarm.
func TestRunsAtOnceWorkOneAfterTheOther(t *testing.T) {
	for seed := range uint64(12) {
		for _, formed := range []bool{false, true} {
			t.Run(fmt.Sprintf("seed %d, swarm: %t", seed, formed), func(t *testing.T) {
				in(t, func(w *world) {
					lines := w.existing("a", "b", "c")
					if formed {
						w.file(sshFile(lines, "a b", "", ""))
						w.apply()
					}
					w.file(sshFile(lines, "a", "b c", ""))
					if !formed {
						w.file(sshFile(lines, "a b", "c", ""))
					}
					killed := w.compete(rand.New(rand.NewPCG(seed, 1)))
					w.apply()
					w.unlocked(killed)
				})
			})
		}
	}
}

// compete lets three runs begin, kills one of them sometimes, and wants whoever is
// left last to have done all.
func (w *world) compete(r *rand.Rand) (killed bool) {
	w.Helper()
	b := &busy{steps: map[string]int{}}
	errs := make([]error, 3)
	var wg sync.WaitGroup
	for i := range errs {
		name := fmt.Sprint("run", i)
		p := w.process()
		p.watch = b.watch(name, p)
		begins := time.Duration(r.Int64N(int64(3 * time.Second)))
		var dies time.Duration
		if i == 0 && r.IntN(2) == 0 {
			begins, dies = 0, time.Duration(r.Int64N(int64(5*time.Second)))
		}
		wg.Go(func() {
			defer p.end()
			time.Sleep(begins)
			if dies > 0 {
				kill := time.AfterFunc(dies, p.kill)
				defer kill.Stop()
			}
			errs[i] = p.guarded(lock.Options{Run: lock.Run{ID: name, Holder: name}, Wait: 5 * time.Minute})
		})
	}
	wg.Wait()
	for _, s := range b.bad {
		w.Error(s)
	}
	for i, err := range errs {
		killed = killed || errors.Is(err, errKilled)
		if err != nil && !errors.Is(err, errKilled) {
			w.Errorf("run %d: %v", i, err)
		}
	}
	return killed
}

// unlocked wants no lock to be anywhere, but for that of a run that was killed: in
// the moment in which it made the swarm it leaves its file, which nobody looks at
// any more, and after its last step its record, which the next one that has
// something to do takes over.
func (w *world) unlocked(killed bool) {
	w.Helper()
	for name, labels := range w.net.Configs() {
		if !killed || labels["swarmup.lock.run"] != "run0" {
			w.Errorf("config object %s is left: %v", name, labels)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.machines {
		m.mu.Lock()
		if killed {
			delete(m.files, lockFile)
		}
		if got, ok := m.files[lockFile]; ok {
			w.Errorf("%s has a lock file: %s", m.name, got)
		}
		m.mu.Unlock()
	}
}

func TestARunThatDoesNotWaitNamesTheOther(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]")
		w.apply()
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		first, second := w.process(), w.process()
		defer first.end()
		defer second.end()
		done := make(chan error)
		go func() {
			done <- first.guarded(lock.Options{Run: lock.Run{ID: "1", Holder: "ann@laptop", Command: "swarmup apply"}})
		}()
		time.Sleep(5 * time.Second)
		err := second.guarded(lock.Options{Run: lock.Run{ID: "2"}})
		var held *lock.HeldError
		if !errors.As(err, &held) || held.By.Holder != "ann@laptop" {
			w.Errorf("got %v", err)
		}
		if err := <-done; err != nil {
			w.Error(err)
		}
		w.settled()
		w.unlocked(false)
	})
}

// A leader that dies takes no lock along: a new one is there before it falls.
func TestTheLockOutlastsADeadLeader(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}, {name: b}, {name: c}]")
		w.apply()
		p := w.process()
		defer p.end()
		p.see()
		l := lock.New(lock.Options{Run: lock.Run{ID: "1", Holder: "ann@laptop"}})
		if err := l.Take(p.ctx, p.LockPlace(lock.Name)); err != nil {
			t.Fatal(err)
		}
		l.While(p.ctx, func(ctx context.Context) {
			w.leader().engine.Kill()
			time.Sleep(5 * time.Minute)
			if ctx.Err() != nil {
				w.Error(context.Cause(ctx))
			}
		})
		if st, err := lock.Look(p.ctx, p.LockPlace(lock.Name)); err != nil || !st.Held || st.Stale {
			w.Errorf("%+v, %v", st, err)
		}
	})
}

func TestWhereTheLockStands(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]")
		p := w.process()
		p.see()
		if got := p.LockPlace(lock.Name); got != nil {
			w.Errorf("without a machine: %s", got.Where())
		}
		p.end()

		lines := w.existing("x")
		w.file(sshFile(lines, "x", "", ""))
		p = w.process()
		defer p.end()
		p.see()
		place := p.LockPlace(lock.Name)
		if got, want := place.Where(), "/run/swarmup/lock on x"; got != want {
			w.Fatalf("on bare hosts: got %s, want %s", got, want)
		}
		w.of("x").files[lockFile] = "A 1 1\nnot ours"
		record, _, err := place.Read(p.ctx)
		if err != nil || record.Labels != nil || record.ID != "A" {
			w.Errorf("a record of somebody else: %+v, %v", record, err)
		}
		delete(w.of("x").files, lockFile)
		if _, _, err := place.Read(p.ctx); !errors.Is(err, engine.ErrNotFound) {
			w.Errorf("got %v", err)
		}
		w.apply()
		p.see()
		if got := p.LockPlace(lock.Name).Where(); got != "the swarm" {
			w.Errorf("in a swarm: %s", got)
		}
	})
}
