package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/plan"
)

// slot is a place for one record.
type slot struct {
	where string
	fail  error // of every request

	mu     sync.Mutex
	record *engine.Config
	writes uint64
	made   int
}

func (s *slot) ask(do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	return do()
}

func (s *slot) Where() string { return s.where }

func (s *slot) Read(context.Context) (record engine.Config, now time.Time, err error) {
	err = s.ask(func() error {
		if s.record == nil {
			return engine.ErrNotFound
		}
		record = *s.record
		return nil
	})
	return record, time.Now(), err
}

func (s *slot) Create(_ context.Context, labels map[string]string) (record engine.Config, err error) {
	err = s.ask(func() error {
		if s.record != nil {
			return engine.ErrExists
		}
		s.made++
		s.record = &engine.Config{ID: "id", Labels: labels, Updated: time.Now()}
		record = *s.record
		return nil
	})
	return record, err
}

func (s *slot) Update(_ context.Context, was engine.Config, labels map[string]string) error {
	return s.ask(func() error {
		if s.record == nil || s.record.Version != was.Version {
			return engine.ErrOutdated
		}
		s.writes++
		s.record = &engine.Config{ID: "id", Labels: labels, Version: s.writes, Updated: time.Now()}
		return nil
	})
}

func (s *slot) Remove(context.Context, engine.Config) error {
	return s.ask(func() error { s.record = nil; return nil })
}

// held is a slot that somebody else has, for as long ago.
func held(t *testing.T, ago time.Duration) *slot {
	t.Helper()
	s := &slot{where: "the swarm"}
	bob := lock.Run{ID: "bob", Holder: "bob@runner", Process: 9, Command: "swarmup apply", Since: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)}
	if err := lock.New(lock.Options{Run: bob}).Take(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	s.record.Updated = time.Now().Add(-ago)
	return s
}

func TestApplyHoldsTheLockWhileItWorksAndLooksAgainWhereTheWorldMoved(t *testing.T) {
	for name, tt := range map[string]struct {
		moves bool
		did   string
		looks int
	}{
		"nobody came in between":       {false, "join/n1 join/n2", 1},
		"somebody has done half of it": {true, "join/n2", 2},
	} {
		s := &slot{where: "the swarm"}
		w := &world{place: s, moves: tt.moves, plans: []plan.Plan{steps("join/n1", "join/n2<join/n1"), steps("join/n2")}}
		w.do = func(context.Context, plan.Step) (string, error) {
			if st, err := lock.Look(t.Context(), s); err != nil || st.By.Holder != "ann@laptop" || st.By.Command != "swarmup apply" {
				t.Errorf("%s: while a step is done the lock is %+v, %v", name, st, err)
			}
			return "", nil
		}
		user{world: w}.run(t, "apply").wants(t, exitDone, []string{"demo: done"}, nil)
		if got := strings.Join(w.did, " "); got != tt.did || w.looks != tt.looks || s.made != 1 || s.record != nil {
			t.Errorf("%s: did %q after %d looks, took the lock %d times, left %+v", name, got, w.looks, s.made, s.record)
		}
	}
}

func TestNothingIsLockedWhereNothingIsDone(t *testing.T) {
	blocked := plan.Plan{Steps: []plan.Step{}, Blocked: []plan.Finding{{Node: "n1", Text: "is off"}}}
	for name, tt := range map[string]struct {
		plan plan.Plan
		args string
		code int
	}{
		"nothing to do":                      {plan: steps(), args: "apply"},
		"all is blocked":                     {plan: blocked, args: "apply", code: exitFailed},
		"a removal that nobody can be asked": {plan: steps("drain/n1", "leave/n1"), args: "apply", code: exitRefused},
		"more removals than --yes covers":    {plan: steps("leave/n1", "leave/n2", "leave/n3"), args: "apply --yes", code: exitRefused},
		"plan":                               {plan: steps("join/n1"), args: "plan"},
		"status":                             {plan: steps("join/n1"), args: "status"},
	} {
		s := &slot{where: "the swarm"}
		w := &world{place: s, plans: []plan.Plan{tt.plan}}
		user{world: w}.run(t, strings.Fields(tt.args)...).wants(t, tt.code, nil, nil)
		if s.made != 0 || w.looks != 1 || len(w.did) != 0 {
			t.Errorf("%s: locked %d times, %d looks, did %q", name, s.made, w.looks, w.did)
		}
	}
}

func TestASecondRunNamesTheFirst(t *testing.T) {
	for _, args := range []string{"apply", "destroy --yes", "apply --lock-timeout 1ms"} {
		s := held(t, 12*time.Second)
		w := &world{place: s, plans: []plan.Plan{steps("join/n1")}}
		user{world: w}.run(t, strings.Fields(args)...).wants(t, exitFailed, nil, []string{
			"swarmup: change demo: it is locked by bob@runner (swarmup apply, process 9) since 2026-01-02 03:00:00 UTC, last renewed 12s ago\n",
			"swarmup: hint: wait for it with --lock-timeout 10m; if it is dead, its lock falls 1m0s after the last sign of life; see: swarmup lock status\n",
		})
		if len(w.did) != 0 || s.record == nil {
			t.Errorf("%s: did %q, left %+v", args, w.did, s.record)
		}
	}
}

func TestASecondRunThatWaitsFindsWhatTheFirstHasDone(t *testing.T) {
	s := held(t, 0)
	w := &world{place: s, plans: []plan.Plan{steps("join/n1"), steps()}}
	given := time.AfterFunc(50*time.Millisecond, func() { _ = s.Remove(context.Background(), engine.Config{}) })
	defer given.Stop()
	user{world: w}.run(t, "apply", "--lock-timeout", "1m").wants(t, exitDone,
		[]string{"demo: nothing to do\n"}, []string{"wait at most 1m0s for the lock: it is locked by bob@runner"})
	if len(w.did) != 0 || s.record != nil {
		t.Errorf("did %q, left %+v", w.did, s.record)
	}
}

func TestTheLockMovesIntoANewSwarm(t *testing.T) {
	file, swarm := &slot{where: "a file"}, &slot{where: "the swarm"}
	w := &world{place: file, plans: []plan.Plan{steps("init/mgr1", "join/n1<init/mgr1")}}
	w.do = func(_ context.Context, s plan.Step) (string, error) {
		if s.Action == plan.Init {
			w.place = swarm
		} else if file.record != nil || swarm.record == nil {
			t.Errorf("at %s: file %+v, swarm %+v", s.ID, file.record, swarm.record)
		}
		return "", nil
	}
	user{world: w}.run(t, "apply").wants(t, exitDone, nil, nil)
	if file.made != 1 || swarm.made != 1 || file.record != nil || swarm.record != nil {
		t.Errorf("file %+v, swarm %+v", file, swarm)
	}

	w = &world{place: &slot{where: "a file"}, plans: []plan.Plan{steps("init/mgr1", "join/n1<init/mgr1")}}
	w.do = func(context.Context, plan.Step) (string, error) { w.place = held(t, 0); return "", nil }
	user{world: w}.run(t, "apply").wants(t, exitFailed, nil, []string{
		"mgr1: init swarm: change demo: move the lock from a file to the swarm: it is locked by bob@runner"})
	if got := strings.Join(w.did, " "); got != "init/mgr1" {
		t.Errorf("did %q", got)
	}
}

func TestALostLockBeginsNoFurtherStep(t *testing.T) {
	s := &slot{where: "the swarm"}
	w := &world{place: s, plans: []plan.Plan{steps("join/n1", "label/n1<join/n1")}}
	w.do = func(ctx context.Context, _ plan.Step) (string, error) {
		if err := s.Update(ctx, *s.record, map[string]string{"swarmup.lock.run": "bob", "swarmup.lock.holder": "bob@runner"}); err != nil {
			t.Error(err)
		}
		<-ctx.Done() // the next renewal comes within a quarter of a second
		return "", nil
	}
	user{world: w}.run(t, "apply", "--lock-ttl", "1s").wants(t, exitFailed, []string{"demo: failed"}, []string{
		"swarmup: the lock of this run is lost: bob@runner (, process 0) has it now\n", "run again to go on"})
	if got := strings.Join(w.did, " "); got != "join/n1" || s.record == nil {
		t.Errorf("did %q, left %+v", got, s.record)
	}
}

func TestDestroyNeedsNoLock(t *testing.T) {
	s := &slot{where: "the swarm", fail: engine.ErrNoLeader}
	w := &world{place: s, plans: []plan.Plan{steps("leave/n1")}}
	user{world: w}.run(t, "destroy", "--yes").wants(t, exitDone, nil, []string{"goes on without the lock in the swarm: the swarm has no leader"})
	if len(w.did) != 1 {
		t.Errorf("did %q", w.did)
	}
	w = &world{place: s, plans: []plan.Plan{steps("join/n1")}}
	user{world: w}.run(t, "apply").wants(t, exitFailed, nil, []string{"change demo: the swarm has no leader"})
	if len(w.did) != 0 {
		t.Errorf("apply did %q without a lock", w.did)
	}
}

func TestALockThatCannotBeGivenBackIsNoFailure(t *testing.T) {
	s := &slot{where: "the swarm"}
	w := &world{place: s, plans: []plan.Plan{steps("join/n1")}}
	w.do = func(context.Context, plan.Step) (string, error) { s.fail = errors.New("no route"); return "", nil }
	user{world: w}.run(t, "apply").wants(t, exitDone, nil, []string{"swarmup: give back the lock in the swarm: no route; it falls by itself\n"})
}

func TestLock(t *testing.T) {
	broken := &slot{where: "the swarm", fail: errors.New("no route")}
	for _, tt := range []struct {
		args     string
		slot     *slot
		code     int
		out, err []string
		left     bool
	}{
		{args: "lock status", slot: &slot{}, out: []string{"demo: not locked\n"}},
		{args: "lock status -o json", slot: &slot{}, out: []string{`"held": false`}},
		{args: "lock status", slot: held(t, 4*time.Second), left: true, out: []string{
			"demo: it is locked by bob@runner (swarmup apply, process 9) since 2026-01-02 03:00:00 UTC, last renewed 4s ago (the swarm)\n"}},
		{args: "lock status", slot: held(t, time.Hour), left: true, out: []string{"The lock is stale: the next run"}},
		{args: "lock status cluster.yaml -o json", slot: held(t, time.Hour), left: true, out: []string{
			`"holder": "bob@runner"`, `"stale": true`, `"where": "the swarm"`, `"renewed_seconds_ago": 360`}},
		{args: "lock status", slot: broken, code: exitFailed, err: []string{"swarmup: no route"}},
		{args: "lock release", slot: &slot{}, out: []string{"demo: not locked\n"}},
		{args: "lock release", slot: held(t, 4*time.Second), left: true, code: exitFailed, err: []string{"release the lock of demo: it is locked by bob@runner"}},
		{args: "lock release --force", slot: held(t, 4*time.Second), out: []string{"demo: released the lock of bob@runner (swarmup apply, process 9)\n"}},
		{args: "lock", code: exitRefused, err: []string{"lock needs status or release"}},
		{args: "lock staus", code: exitRefused, err: []string{`unknown word "staus" after lock (did you mean "status"?)`}},
		{args: "lock status --force", code: exitRefused, err: []string{`unknown flag "--force" for status`}},
		{args: "apply --lock-timeout -1s", code: exitRefused, err: []string{"--lock-timeout is -1s"}},
		{args: "apply --lock-ttl 1ms", code: exitRefused, err: []string{"--lock-ttl is 1ms"}},
	} {
		w := &world{}
		if tt.slot != nil {
			w.place = tt.slot
		}
		user{world: w}.run(t, strings.Fields(tt.args)...).wants(t, tt.code, tt.out, tt.err)
		if tt.slot != nil && tt.slot != broken && (tt.slot.record != nil) != tt.left {
			t.Errorf("%s left %+v", tt.args, tt.slot.record)
		}
	}
	user{world: &world{}}.run(t, "lock", "status").wants(t, exitFailed, nil, []string{"look for the lock of demo: no manager can be asked"})
}
