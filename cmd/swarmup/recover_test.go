package main

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
)

func TestRecover(t *testing.T) {
	leaderless := plan.Host{
		Node: "mgr1", Answer: plan.Answered, Engine: plan.EngineRunning, Machine: plan.Machine{Address: "10.0.0.1"},
		Info: engine.Info{State: engine.Active, Manager: true, NodeAddr: "10.0.0.1", Remotes: []string{"10.0.0.1:2377", "10.0.0.2:2377"}},
	}
	lost := plan.State{Hosts: []plan.Host{leaderless}}
	works := plan.State{Hosts: []plan.Host{leaderless}, Swarm: &plan.View{ID: "ours"}}
	const does = "to be done: docker swarm init --force-new-cluster on mgr1"
	for _, tt := range []struct {
		args     string
		have     plan.State
		typed    string
		terminal bool
		code     int
		out, err []string
		did      string
	}{
		{args: "--manager mgr1 --yes --confirm-name demo", have: lost, did: "force/mgr1",
			out: []string{"demo: mgr1 leads the swarm ours; swarmup apply brings the other managers back\n"}, err: []string{does, "1 of its 2 managers work, 2 are needed; missing: 10.0.0.2"}},
		{args: "--manager mgr1", have: lost, terminal: true, typed: "demo\n", did: "force/mgr1", err: []string{does, "type the name of the cluster"}},
		{args: "--manager mgr1", have: lost, terminal: true, typed: "y\n", code: exitRefused, err: []string{"not confirmed, nothing was done"}},
		{args: "--manager mgr1", have: lost, code: exitRefused, err: []string{does, "there is no terminal to ask on", "--yes --confirm-name demo"}},
		{args: "--manager mgr1 --yes", have: lost, code: exitRefused, err: []string{`--confirm-name is ""`}},
		{args: "--manager mgr1 --yes --confirm-name prod", have: lost, code: exitRefused, err: []string{`--confirm-name is "prod"`}},
		{args: "--manager mgr1 --confirm-name demo", have: lost, terminal: true, typed: "demo\n", code: exitRefused, err: []string{"it goes with --yes"}},
		{args: "--yes --confirm-name demo", have: lost, code: exitRefused, err: []string{"which manager shall go on alone? There are mgr1", "hint: --manager mgr1"}},
		{args: "--manager mgr1 --yes --confirm-name demo", have: works, code: exitRefused, err: []string{"the swarm ours has a leader"}},
	} {
		t.Run(tt.args, func(t *testing.T) {
			w := &world{have: tt.have}
			user{world: w, terminal: tt.terminal, answers: tt.typed}.run(t, append([]string{"recover"}, strings.Fields(tt.args)...)...).wants(t, tt.code, tt.out, tt.err)
			if got := strings.Join(w.did, " "); got != tt.did {
				t.Errorf("did %q, want %q", got, tt.did)
			}
		})
	}
}
