package swarmtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// secretFacts are about the managers' log, unlock keys, tokens and the root CA, in
// a swarm of three managers.
func secretFacts() []fact {
	const (
		all       = "active/manager active/manager active/manager"
		wrong     = "swarm could not be unlocked: invalid key provided"
		encrypted = "Swarm is encrypted and needs to be unlocked before it can be used."
	)
	return []fact{
		{name: "init", do: (*run).init},
		{name: "the managers' log is as engines have it", do: func(r *run) error { return r.log(engine.Log{SnapshotInterval: 10000, SlowFollowers: 500}) }},
		{name: "and changes with the settings", do: func(r *run) error {
			want := engine.Log{SnapshotInterval: 5000, SlowFollowers: 900, OldSnapshots: 2}
			return errors.Join(r.api[1].UpdateSwarm(r.Context(), func(s *engine.SwarmSpec) { s.Log = want }), r.log(want))
		}},
		{name: "managers", do: func(r *run) error {
			return errors.Join(r.join(2, r.addr(1), r.tokens.Manager.Reveal()), r.join(3, r.addr(1), r.tokens.Manager.Reveal()))
		}, then: all + " | m1:ready:leader m2:ready:reachable m3:ready:reachable"},
		{name: "a swarm that is not locked has no key", do: func(r *run) error { return r.key(func(k string) bool { return k == "" }) }},
		{name: "what is not locked is not unlocked", code: 409, text: "swarm is not locked", do: func(r *run) error { return r.unlock(1, "x") }},
		{name: "locked from now on, the key is there at once", do: func(r *run) error {
			return errors.Join(r.autolock(true), r.key(func(k string) bool { return strings.HasPrefix(k, "SWMKEY-1-") }))
		}},
		{name: "a follower tells the same", do: func(r *run) error {
			k, err := r.api[2].UnlockKey(r.Context())
			if err == nil && k.Reveal() != r.keys[0] {
				err = errors.New("it tells another")
			}
			return err
		}},
		{name: "a manager that restarts is locked", do: func(r *run) error {
			r.pause(second)
			return r.restart(2)
		}, then: "active/manager locked active/manager"},
		{name: "it does not say who it is", do: func(r *run) error {
			i, err := r.api[2].Info(r.Context())
			if err == nil && (i.NodeID != "" || i.Manager) {
				err = fmt.Errorf("got %+v", i)
			}
			return err
		}},
		{name: "it tells nothing", code: 503, text: encrypted, do: func(r *run) error { return r.nodes(2) }},
		{name: "nor its key", code: 503, text: encrypted, do: func(r *run) error { return r.raw("GET", 2, "/swarm/unlockkey", "") }},
		{name: "a leave of it", code: 503, text: "Swarm is encrypted and locked. Please unlock it first", do: func(r *run) error { return r.raw("POST", 2, "/swarm/leave", "") }},
		{name: "a join of it", code: 503, text: "This node is already part of a swarm", do: func(r *run) error { return r.join(2, r.addr(1), r.tokens.Manager.Reveal()) }},
		{name: "a text that is no key", code: 400, text: "invalid key string", do: func(r *run) error { return r.unlock(2, "x") }},
		{name: "a wrong key", code: 401, text: wrong, do: func(r *run) error { return r.unlock(2, "SWMKEY-1-"+strings.Repeat("A", 43)) }, then: "active/manager locked active/manager"},
		{name: "the right one", most: 5 * second, do: func(r *run) error { return r.unlock(2, r.keys[0]) }, then: all},
		{name: "a new key", do: func(r *run) error {
			return errors.Join(r.rotate(engine.Rotation{UnlockKey: true}), r.key(func(k string) bool { return k != r.keys[len(r.keys)-1] }))
		}},
		{name: "after which the old one opens nothing", code: 401, text: wrong, do: func(r *run) error {
			r.pause(second)
			return errors.Join(r.restart(3), r.unlock(3, r.keys[0]))
		}},
		{name: "but the new one does", do: func(r *run) error { return r.unlock(3, r.keys[1]) }, then: all},
		{name: "a manager that is off when the key is changed", code: 401, text: wrong, do: func(r *run) error {
			r.kill(3)
			err := errors.Join(r.rotate(engine.Rotation{UnlockKey: true}), r.key(func(k string) bool { return k != r.keys[len(r.keys)-1] }))
			r.revive(3)
			return errors.Join(err, r.unlock(3, r.keys[2]))
		}},
		{name: "wants the key before", do: func(r *run) error { return r.unlock(3, r.keys[1]) }, then: all},
		{name: "and takes the new one by itself", do: func(r *run) error {
			r.pause(2 * second)
			return errors.Join(r.restart(3), r.unlock(3, r.keys[2]))
		}, then: all},
		{name: "all restart", do: func(r *run) error { return errors.Join(r.restart(1), r.restart(2), r.restart(3)) }, then: "locked locked locked"},
		{name: "the first that is unlocked waits for others", do: func(r *run) error {
			ctx, cancel := context.WithTimeout(r.Context(), 5*second)
			defer cancel()
			if err := r.api[1].Unlock(ctx, engine.NewKey(r.keys[2])); !errors.Is(err, engine.ErrNoAnswer) {
				return fmt.Errorf("got %v", err)
			}
			return r.settle(5*second, "pending/manager locked locked")
		}},
		{name: "and works with the second", most: 30 * second, do: func(r *run) error {
			return errors.Join(r.unlock(2, r.keys[2]), r.settle(25*second, "active/manager active/manager locked"))
		}},
		{name: "with the third as well", do: func(r *run) error { return r.unlock(3, r.keys[2]) }, then: all},
		{name: "not locked any more", do: func(r *run) error {
			return errors.Join(r.ready(), r.autolock(false), r.key(func(k string) bool { return k == "" }))
		}},
		{name: "a manager comes back by itself", do: func(r *run) error {
			r.pause(second)
			return errors.Join(r.restart(2), r.settle(20*second, all), r.ready())
		}},
		{name: "new tokens for workers", do: func(r *run) error {
			was := r.tokens
			return errors.Join(r.rotate(engine.Rotation{WorkerToken: true}), r.read(func(now engine.Swarm) bool {
				return now.Worker.Reveal() != was.Worker.Reveal() && now.Manager.Reveal() == was.Manager.Reveal() && digest(now) == digest(was)
			}))
		}},
		{name: "a new root CA", do: func(r *run) error {
			was := r.tokens
			return errors.Join(r.rotate(engine.Rotation{CA: true}), r.read(func(now engine.Swarm) bool {
				return now.Rotating && digest(now) == digest(was) && now.Issuer != was.Issuer
			}))
		}},
		{name: "reaches all nodes, and then the tokens", most: 60 * second, do: func(r *run) error {
			was := r.tokens
			return errors.Join(r.rotated(60*second), r.read(func(now engine.Swarm) bool { return digest(now) != digest(was) }), r.signed(3), r.ready())
		}},
		{name: "a node that is down keeps the next one from ending", do: func(r *run) error {
			r.kill(3)
			err := errors.Join(r.until(30*second, "m3:down:unreachable"), r.rotate(engine.Rotation{CA: true}))
			r.pause(20 * second)
			return errors.Join(err, r.read(func(now engine.Swarm) bool { return now.Rotating }), r.signed(2))
		}},
		{name: "until it is back", do: func(r *run) error {
			r.revive(3)
			return errors.Join(r.rotated(60*second), r.signed(3))
		}},
	}
}

func TestFakesKeepSecretsAsTheTableSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := swarmtest.New()
		defer w.Close()
		check(t, &fakes{w, []*swarmtest.Engine{nil, w.Engine("10.0.0.1", "m1"), w.Engine("10.0.0.2", "m2"), w.Engine("10.0.0.3", "m3")}}, secretFacts())
	})
}

// log wants the settings of the managers' log to be so.
func (r *run) log(want engine.Log) error {
	s, err := r.api[1].Swarm(r.Context())
	if err == nil && s.Log != want {
		err = fmt.Errorf("got %+v, want %+v", s.Log, want)
	}
	return err
}

// key reads the unlock key, which is to be so, and keeps it with those before.
func (r *run) key(is func(string) bool) error {
	k, err := r.api[1].UnlockKey(r.Context())
	if err == nil && !is(k.Reveal()) {
		err = errors.New("it is another key")
	}
	if k.Reveal() != "" {
		r.keys = append(r.keys, k.Reveal())
	}
	return err
}

// unlock asks without the client, which takes some refusals for success.
func (r *run) unlock(k int, key string) error {
	return r.raw("POST", k, "/swarm/unlock", fmt.Sprintf(`{"UnlockKey": %q}`, key))
}

func (r *run) autolock(on bool) error {
	return r.api[1].UpdateSwarm(r.Context(), func(s *engine.SwarmSpec) { s.Autolock = on })
}

func (r *run) rotate(what engine.Rotation) error { return r.api[1].Rotate(r.Context(), what) }

// restart kills an engine and starts it again. A leader is given time to be
// replaced.
func (r *run) restart(k int) error {
	r.kill(k)
	r.revive(k)
	return nil
}

// read reads the swarm's record, which is to be so, and keeps it.
func (r *run) read(is func(engine.Swarm) bool) error {
	now, err := r.api[1].Swarm(r.Context())
	if err == nil && !is(now) {
		err = fmt.Errorf("got %+v", now)
	}
	r.tokens = now
	return err
}

// digest is the part of tokens that is of the root CA.
func digest(s engine.Swarm) string { return strings.Split(s.Worker.Reveal(), "-")[2] }

// rotated waits until no rotation of the root CA is in progress.
func (r *run) rotated(limit time.Duration) error {
	for start := time.Now(); time.Since(start) < limit; r.pause(200 * time.Millisecond) {
		if s, err := r.api[1].Swarm(r.Context()); err == nil && !s.Rotating {
			return nil
		}
	}
	return errors.New("it is still in progress")
}

// signed wants so many nodes to have a certificate of the CA that signs now.
func (r *run) signed(want int) error {
	s, err := r.api[1].Swarm(r.Context())
	if err != nil {
		return err
	}
	nodes, err := r.api[1].Nodes(r.Context())
	got := 0
	for _, n := range nodes {
		if n.Issuer == s.Issuer {
			got++
		}
	}
	if err == nil && got != want {
		err = fmt.Errorf("%d nodes have new certificates, want %d", got, want)
	}
	return err
}

// ready waits until all nodes are, for the leader may be a new one.
func (r *run) ready() error {
	err := errors.New("never asked")
	for start := time.Now(); time.Since(start) < 30*second; r.pause(200 * time.Millisecond) {
		var nodes []engine.Node
		if nodes, err = r.api[1].Nodes(r.Context()); err != nil {
			continue
		}
		for _, n := range nodes {
			if n.State != "ready" || n.Manager == nil || n.Manager.Reachability != "reachable" {
				err = fmt.Errorf("%s is %s", n.Hostname, n.State)
			}
		}
		if err == nil {
			return nil
		}
	}
	return err
}
