package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
)

func TestRotate(t *testing.T) {
	swarm := &plan.View{ID: "swarm"}
	both := engine.Rotation{WorkerToken: true, ManagerToken: true}
	tests := []struct {
		name     string
		file     string
		args     string
		world    *world
		code     int
		out, err []string
		rotated  []engine.Rotation
		stored   int
	}{
		{name: "tokens of both roles", args: "tokens", out: []string{"The join tokens of workers and managers are new"}, rotated: []engine.Rotation{both}},
		{name: "tokens of one role", args: "tokens --role worker cluster.yaml", out: []string{"The join tokens of workers are new"}, rotated: []engine.Rotation{{WorkerToken: true}}},
		{name: "tokens of no role", args: "tokens --role boss", code: exitRefused, err: []string{`unknown role "boss" (known: worker, manager)`}},
		{name: "tokens that the swarm refuses", args: "tokens", world: &world{refuses: errors.New("no")}, code: exitFailed, err: []string{"rotate tokens: no"}, rotated: []engine.Rotation{both}},
		{name: "the root CA", args: "ca", rotated: []engine.Rotation{{CA: true}},
			out: []string{"All nodes have certificates of a new root CA. The join tokens are new as well."},
			err: []string{"the join tokens change when the rotation ends"}},
		{name: "the root CA, with a node that is down", args: "ca", world: &world{members: []engine.Node{{Hostname: "n1", State: "down"}}}, code: exitFailed,
			err: []string{"rotate the root CA: a rotation would wait for nodes that are down: n1", "hint: bring them back, or remove them"}},
		{name: "the root CA in no time", args: "ca --timeout 0s", code: exitRefused, err: []string{"--timeout is 0s"}},
		{name: "the unlock key", args: "unlock-key", file: storedFile, out: []string{"The unlock key is new and stored. Keep the old one for some minutes"},
			rotated: []engine.Rotation{{UnlockKey: true}}, stored: 2},
		{name: "the unlock key, which nobody would keep", args: "unlock-key", code: exitRefused, err: []string{"the file does not say where the unlock key is kept", "hint: say it in swarm.autolock"}},
		{name: "nothing", code: exitRefused, err: []string{"rotate needs tokens, ca or unlock-key"}},
		{name: "what there is not", args: "token", code: exitRefused, err: []string{`did you mean "tokens"?`}},
		{name: "a swarm that does not answer", args: "tokens", world: &world{fail: errors.New("no daemon")}, code: exitFailed, err: []string{"observe demo: no daemon"}},
		{name: "a swarm that is not this file's", args: "tokens", code: exitRefused, err: []string{"refused: two swarms"},
			world: &world{plans: []plan.Plan{{Refused: []plan.Finding{{Text: "two swarms"}}}}}},
		{name: "a swarm without a quorum", args: "tokens", code: exitFailed, err: []string{"no manager of demo can be asked that has a quorum", "blocked: no leader"},
			world: &world{have: plan.State{Leftovers: []string{"x"}}, plans: []plan.Plan{{Blocked: []plan.Finding{{Text: "no leader"}}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.world == nil {
				tt.world = &world{}
			}
			if tt.world.have.Leftovers == nil {
				tt.world.have.Swarm = swarm
			}
			tt.world.place = &slot{where: "the swarm"}
			got := user{world: tt.world, file: tt.file}.run(t, append([]string{"rotate"}, strings.Fields(tt.args)...)...)
			got.wants(t, tt.code, tt.out, tt.err)
			if diff := cmp.Diff(tt.rotated, tt.world.rotated); diff != "" || tt.world.stored != tt.stored {
				t.Errorf("stored %d times, want %d; want-, got+:\n%s", tt.world.stored, tt.stored, diff)
			}
		})
	}
}

func TestNothingIsRotatedWhileSomebodyElseIsAtWork(t *testing.T) {
	w := &world{have: plan.State{Swarm: &plan.View{ID: "swarm"}}, place: held(t, 0)}
	user{world: w}.run(t, "rotate", "tokens").wants(t, exitFailed, nil, []string{"change demo: it is locked by bob@runner"})
	if len(w.rotated) > 0 {
		t.Errorf("asked for %+v", w.rotated)
	}
}
