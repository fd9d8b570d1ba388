package plan_test

import (
	"net/netip"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
)

// leaderless is a host whose engine is a manager without a leader.
func leaderless(node, addr string, remotes ...string) plan.Host {
	return plan.Host{
		Node: node, Answer: plan.Answered, Engine: plan.EngineRunning, Machine: plan.Machine{Address: addr},
		Info: engine.Info{State: engine.Active, Manager: true, NodeID: "id-" + node, NodeAddr: addr, Remotes: remotes},
	}
}

func TestLostSaysWhoIsMissedAndWhatHelps(t *testing.T) {
	three := []string{"10.0.0.1:2377", "10.0.0.2:2377", "10.0.0.3:2377"}
	silent := plan.Host{Node: "b", Answer: plan.Silent, Why: "no route to host", Machine: plan.Machine{Address: "10.0.0.2"}}
	stopped := plan.Host{Node: "c", Answer: plan.Answered, Engine: plan.EngineStopped,
		Addresses: []preflight.Address{{Link: "eth0", Prefix: netip.MustParsePrefix("10.0.0.3/24")}}}
	off := plan.Host{Node: "c", Answer: plan.Off, Machine: plan.Machine{Address: "10.0.0.3"}}
	locked := leaderless("c", "")
	locked.Info, locked.Machine.Address = engine.Info{State: engine.Locked}, "10.0.0.3"
	pending := leaderless("a", "10.0.0.1", three...)
	pending.Info.State = engine.Pending
	for name, tt := range map[string]struct {
		have       plan.State
		text, hint string
	}{
		"two of three are missing": {plan.State{Hosts: []plan.Host{leaderless("a", "10.0.0.1", three...), silent, stopped}},
			"the swarm lost its quorum: 1 of its 3 managers work, 2 are needed; missing: b (10.0.0.2: no route to host), c (10.0.0.3: its engine is stopped)",
			"bring back one of the missing ones; where that cannot be done: swarmup recover --manager a"},
		"one was restarted": {plan.State{Hosts: []plan.Host{pending, off}},
			"the swarm lost its quorum: 1 of its 3 managers work, 2 are needed; missing: 10.0.0.2, c (10.0.0.3: it is switched off)",
			"bring back one of the missing ones; where that cannot be done: swarmup recover --manager a"},
		"one is locked": {plan.State{Hosts: []plan.Host{leaderless("a", "10.0.0.1", three...), locked, silent}},
			"the swarm lost its quorum: 1 of its 3 managers work, 2 are needed; missing: b (10.0.0.2: no route to host), c (10.0.0.3: its engine is locked)",
			"bring back one of the missing ones; where that cannot be done: swarmup recover --manager a"},
		"three of five are missing": {plan.State{Hosts: []plan.Host{
			leaderless("a", "10.0.0.1", append(three, "10.0.0.4:2377", "10.0.0.5:2377")...), leaderless("d", "10.0.0.4", three...)}},
			"the swarm lost its quorum: 2 of its 5 managers work, 3 are needed; missing: 10.0.0.2, 10.0.0.3, 10.0.0.5",
			"bring back one of the missing ones; where that cannot be done: swarmup recover --manager a"},
		"four of five are missing": {plan.State{Hosts: []plan.Host{leaderless("a", "10.0.0.1", append(three, "10.0.0.4:2377", "10.0.0.5:2377")...)}},
			"the swarm lost its quorum: 1 of its 5 managers work, 3 are needed; missing: 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5",
			"bring back 2 of the missing ones; where that cannot be done: swarmup recover --manager a"},
		"they choose a leader": {plan.State{Hosts: []plan.Host{leaderless("a", "10.0.0.1", three...), leaderless("b", "10.0.0.2", three...)}},
			"the swarm has no leader right now: 2 of its 3 managers work, and choose one", "run again in a moment"},
	} {
		t.Run(name, func(t *testing.T) {
			q, lost := plan.Lost(tt.have)
			if !lost || q.Text() != tt.text || q.Hint() != tt.hint {
				t.Errorf("got %t\n%s\n%s\nwant\n%s\n%s", lost, q.Text(), q.Hint(), tt.text, tt.hint)
			}
		})
	}
	led := leaderless("a", "10.0.0.1", three...)
	led.Info.ClusterID = "ours"
	for name, have := range map[string]plan.State{
		"a leader":           {Hosts: []plan.Host{led, silent}},
		"a swarm that works": {Hosts: []plan.Host{leaderless("a", "10.0.0.1")}, Swarm: &plan.View{ID: "ours"}},
		"nobody answers":     {Hosts: []plan.Host{silent}},
	} {
		if q, lost := plan.Lost(have); lost || q.Managers != 0 {
			t.Errorf("%s: got %+v", name, q)
		}
	}
}
