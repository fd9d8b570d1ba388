package recovery_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/recovery"
	"github.com/swarmup/swarmup/pkg/spec"
)

// manager is a host whose engine is a manager without a leader.
func manager(node, addr string) plan.Host {
	return plan.Host{
		Node: node, Answer: plan.Answered, Engine: plan.EngineRunning, Machine: plan.Machine{Address: addr},
		Info: engine.Info{State: engine.Active, Manager: true, NodeAddr: addr, Remotes: []string{"10.0.0.1:2377", "10.0.0.2:2377", "10.0.0.3:2377"}},
	}
}

func file() *spec.Cluster {
	c := &spec.Cluster{Name: "demo"}
	for _, n := range []string{"a", "b", "c"} {
		c.Nodes = append(c.Nodes, spec.Node{Name: n, Role: spec.Manager})
	}
	return c
}

func TestARecoveryIsRefusedWhereItIsNotTheLastResort(t *testing.T) {
	b := plan.Host{Node: "b", Answer: plan.Silent, Why: "no route to host", Machine: plan.Machine{Address: "10.0.0.2"}}
	led := manager("a", "10.0.0.1")
	led.Info.ClusterID = "ours"
	for _, tt := range []struct {
		name, manager string
		have          plan.State
		text, hint    string // "" means that it may be done
	}{
		{"the quorum is lost", "a", plan.State{Hosts: []plan.Host{manager("a", "10.0.0.1"), b}}, "", ""},
		{"there is a leader", "a", plan.State{Hosts: []plan.Host{led, b}, Swarm: &plan.View{ID: "ours"}}, "the swarm ours has a leader: there is nothing to recover", "swarmup apply"},
		{"enough of them work", "a", plan.State{Hosts: []plan.Host{manager("a", "10.0.0.1"), manager("c", "10.0.0.3"), b}}, "2 of its 3 managers work, and choose one", "run again in a moment"},
		{"nobody answers", "a", plan.State{Hosts: []plan.Host{b}}, "no manager of a swarm without a leader answered (b: no route to host)", "restore a backup"},
		{"nobody is named", "", plan.State{Hosts: []plan.Host{manager("a", "10.0.0.1"), b}}, "which manager shall go on alone? There are a", "--manager a"},
		{"one is named that does not answer", "b", plan.State{Hosts: []plan.Host{manager("a", "10.0.0.1"), b}}, `"b" is no manager that answered and waits for a leader (those are a)`, "--manager a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := recovery.Look(file(), tt.have, tt.manager)
			var refused *recovery.RefusedError
			switch {
			case tt.text == "" && err != nil:
				t.Error(err)
			case tt.text != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), tt.text) || !strings.Contains(refused.Hint, tt.hint)):
				t.Errorf("got %v (%+v)", err, refused)
			}
		})
	}
}

type forced struct {
	node string
	err  error
}

func (f *forced) ForceNew(_ context.Context, node string) (string, error) {
	f.node = node
	return "ours", f.err
}

func TestACaseSaysWhatItCostsAndIsDoneOnTheManagerThatWasNamed(t *testing.T) {
	c, err := recovery.Look(file(), plan.State{Hosts: []plan.Host{manager("a", "10.0.0.1")}}, "a")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"the swarm lost its quorum: 1 of its 3 managers work, 2 are needed; missing: 10.0.0.2, 10.0.0.3\n",
		"to be done: docker swarm init --force-new-cluster on a,", "no part of it any more: 10.0.0.2, 10.0.0.3;",
	} {
		if !strings.Contains(c.Text(), want) {
			t.Errorf("%q is not in\n%s", want, c.Text())
		}
	}
	var f forced
	if id, err := c.Run(t.Context(), &f); err != nil || id != "ours" || f.node != "a" {
		t.Errorf("got %s on %q, %v", id, f.node, err)
	}
	f.err = errors.New("no answer")
	if _, err := c.Run(t.Context(), &f); err == nil || err.Error() != "recover demo: no answer" {
		t.Errorf("got %v", err)
	}
}
