package plan_test

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

var (
	noLock   *spec.Autolock
	lockOff  = &spec.Autolock{}
	lockKept = &spec.Autolock{On: true, KeyFile: "/key"}
)

func TestLocksAndTheirKey(t *testing.T) {
	const three = "a:manager b:manager c:manager"
	all := "a=manager b=manager c=manager"
	current := plan.StoredKey{Loadable: true, Current: true}
	for _, tt := range []struct {
		name, file, world string
		lock              *spec.Autolock
		locks             bool     // the swarm does
		locked            []string // nodes
		key               plan.StoredKey
		want              []string
	}{
		{name: "the stored key is that of now", lock: lockKept, locks: true, key: current},
		{name: "nothing was asked for", lock: noLock, locks: true},
		{name: "it is off and stays so", lock: lockOff},
		{name: "it is switched on", lock: lockKept, want: []string{"settings autolock false true"}},
		{name: "it is switched off", lock: lockOff, locks: true, want: []string{"settings autolock true false"}},
		{name: "a new swarm is locked at once", world: "a=idle b=idle c=idle", lock: lockKept, want: []string{
			"init/a", "label/a<init/a", "join/b<init/a", "label/b<join/b", "join/c<init/a", "label/c<join/c", "settings autolock false true<init/a",
		}},
		{name: "no key is stored", lock: lockKept, locks: true, want: []string{"store-key"}},
		{name: "an old one is stored", lock: lockKept, locks: true, key: plan.StoredKey{Loadable: true}, want: []string{"store-key"}},
		{name: "the place is taken", lock: lockKept, locks: true, key: plan.StoredKey{Taken: "/key is another's"},
			want: []string{"blocked: the unlock key cannot be stored: /key is another's"}},
		{name: "the place is taken before it is switched on", lock: lockKept, key: plan.StoredKey{Taken: "/key is another's"},
			want: []string{"blocked: the unlock key cannot be stored: /key is another's"}},
		{name: "the store does not answer", lock: lockKept, locks: true, key: plan.StoredKey{Why: "no vault"},
			want: []string{"blocked: nobody knows whether the unlock key is stored: no vault"}},
		{name: "the store does not answer before it is switched on", lock: lockKept, key: plan.StoredKey{Why: "no vault"},
			want: []string{"blocked: managers are not locked while the store of their key cannot be asked: no vault"}},
		{name: "a manager is locked", lock: lockKept, locks: true, locked: []string{"b"}, key: current, want: []string{"unlock/b", "partial"}},
		{name: "a manager is locked, and its key was never stored", lock: lockKept, locks: true, locked: []string{"b"},
			want: []string{"store-key", "unlock/b~store-key", "partial"}},
		{name: "a manager is locked, and nobody has its key", lock: noLock, locks: true, locked: []string{"b"}, want: []string{"blocked: b is a manager and locked"}},
		{name: "a manager is locked, and the store does not answer", lock: lockKept, locks: true, locked: []string{"b"}, key: plan.StoredKey{Why: "no vault"}, want: []string{
			"blocked: nobody knows whether the unlock key is stored: no vault", "blocked: b is a manager and locked, and its key cannot be loaded: no vault",
		}},
		{name: "all are locked", lock: lockKept, locks: true, locked: []string{"a", "b", "c"}, key: current, want: []string{"unlock/a", "unlock/b", "unlock/c", "partial"}},
		{name: "all are locked, and nobody has the key", lock: noLock, locks: true, locked: []string{"a", "b", "c"},
			want: []string{"blocked: a is a manager and locked", "blocked: b is a manager and locked", "blocked: c is a manager and locked"}},
		{name: "one that is to go is locked", file: "a:manager b:manager", lock: lockKept, locks: true, locked: []string{"c"}, key: current, want: []string{"unlock/c", "partial"}},
		{name: "one that becomes a worker is locked", file: "a:manager b:manager c:worker", lock: lockKept, locks: true, locked: []string{"c"}, key: current, want: []string{"unlock/c", "partial"}},
		{name: "one is locked for good, and another would come", file: three + " d:manager", world: all + " d=idle", lock: noLock, locks: true, locked: []string{"b"}, want: []string{
			"blocked: b is a manager and locked", "blocked: d does not become a manager while others are missing: b",
		}},
		{name: "one is unlocked before another comes", file: three + " d:manager", world: all + " d=idle", lock: lockKept, locks: true, locked: []string{"b"}, key: current, want: []string{
			"unlock/b", "join/d<unlock/b~unlock/b", "label/d<join/d", "partial",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want, m := file(or(tt.file, three)), world(or(tt.world, all))
			want.Swarm.Autolock = tt.lock
			if tt.locks {
				m.swarms["swarm0"].key = 1
			}
			for _, n := range tt.locked {
				m.of(plan.Step{Node: n}).locked = true
			}
			have := m.observe()
			have.Key = tt.key
			got := short(plan.Diff(want, have, plan.Options{}))
			for _, change := range []string{"false true", "true false"} {
				from, to, _ := strings.Cut(change, " ")
				for _, s := range plan.Diff(want, have, plan.Options{}).Steps {
					if len(s.Changes) == 1 && s.Changes[0] == (plan.Change{What: "autolock", From: from, To: to}) {
						got = strings.Replace(got, "settings", "settings autolock "+change, 1)
					}
				}
			}
			if want := strings.Join(tt.want, "\n"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func TestNobodyJoinsWhileTheRootIsRotated(t *testing.T) {
	m := world("a=manager b=idle c=off-worker/existing")
	m.swarms["swarm0"].rotating = true
	p := plan.Diff(file("a:manager b:worker c:worker"), m.observe(), plan.Options{})
	if len(p.Blocked) != 1 || p.Blocked[0].Text != "b joins once the rotation of the root CA has ended, which is in progress" ||
		!strings.Contains(p.Blocked[0].Hint, "nodes that are down (c)") {
		t.Errorf("got %s and hints %+v", short(p), p.Blocked)
	}
	for _, s := range p.Steps {
		if s.Action == plan.Join {
			t.Errorf("%s joins", s.Node)
		}
	}
}

func TestWhoRestartsAManagerNeedsItsKey(t *testing.T) {
	locks := &plan.View{AutoLock: true}
	for _, tt := range []struct {
		name string
		lock *spec.Autolock
		have plan.State
		want string
	}{
		{"managers are not locked", noLock, plan.State{Swarm: &plan.View{}}, ""},
		{"there is no swarm", lockOff, plan.State{}, ""},
		{"the key is stored", lockKept, plan.State{Swarm: locks, Key: plan.StoredKey{Loadable: true, Current: true}}, ""},
		{"the key will be stored", lockKept, plan.State{Swarm: locks}, ""},
		{"managers will be locked, and the key stored", lockKept, plan.State{Swarm: &plan.View{}}, ""},
		{"the file has no store", noLock, plan.State{Swarm: locks}, "the file does not say where their key is kept"},
		{"they will not be locked any more", lockOff, plan.State{Swarm: locks}, ""},
		{"the store does not answer", lockKept, plan.State{Swarm: locks, Key: plan.StoredKey{Why: "no vault"}}, "their key cannot be loaded: no vault"},
		{"another's key is in the way", lockKept, plan.State{Swarm: locks, Key: plan.StoredKey{Taken: "/key is another's"}}, "cannot be stored: /key is another's"},
	} {
		f := plan.KeepsOut(&spec.Cluster{Swarm: spec.Swarm{Autolock: tt.lock}}, tt.have)
		if f == nil && tt.want == "" {
			continue
		}
		if f == nil || tt.want == "" || !strings.Contains(f.Text, tt.want) || f.Hint == "" {
			t.Errorf("%s: got %+v, want %q", tt.name, f, tt.want)
		}
	}
}

// A node that is in the wrong swarm is never given our key.
func TestAForeignManagerIsNotUnlocked(t *testing.T) {
	m := world("a=manager b=manager/foreign")
	m.of(plan.Step{Node: "b"}).locked = true
	want := file("a:manager b:manager")
	want.Swarm.Autolock = lockKept
	p := plan.Diff(want, m.observe(), plan.Options{})
	if len(p.Steps) != 0 || len(p.Refused) != 1 || m.of(plan.Step{Node: "b"}).swarm != "other" {
		t.Errorf("got %s", short(p))
	}
}
