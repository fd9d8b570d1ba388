package swarmtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bench has three machines with engines, numbered from 1, and can break them.
// What is below passes on a bench of fakes and on one of real engines.
type bench interface {
	dial(k int) swarm.Dialer
	addr(k int) string
	hostname(k int) string
	kill(k int)
	revive(k int)
	cut(k int, on bool) // drops what others send to its port 2377
}

// A run is what has become of a bench so far.
type run struct {
	*testing.T
	bench
	api    [4]*swarm.Engine
	tokens engine.Swarm
	ids    [4]string
	keys   []string // unlock keys that were read
}

// A fact is one behaviour of engines: what is done, and what comes of it. The
// facts are in an order, each building on those before.
type fact struct {
	name string
	do   func(*run) error
	code int    // of the answer; 0 is success
	text string // in the engine's words
	then string // states of the three machines and the nodes that m1 lists, see view; "" is not looked at
	most time.Duration
	min  time.Duration
}

const second = time.Second

func facts() []fact {
	refused := func(r *run) error {
		return r.join(2, r.addr(1), "SWMTKN-1-"+strings.Repeat("3", 50)+"-"+strings.Repeat("1", 25))
	}
	return []fact{
		{name: "nobody is in a swarm", then: "inactive inactive inactive"},
		{name: "a leave of none", code: 503, text: "This node is not part of a swarm", do: func(r *run) error { return r.raw("POST", 1, "/swarm/leave", "") }},
		{name: "nodes of none", code: 503, text: `This node is not a swarm manager. Use "docker swarm init"`, do: func(r *run) error { return r.nodes(1) }},
		{name: "a token that is none", code: 500, text: "invalid join token", do: func(r *run) error { return r.join(2, r.addr(1), "x") }, then: "inactive inactive inactive"},
		{name: "a port where nobody listens", code: 503, text: "connection refused", min: 9 * second, most: 12 * second, do: refused, then: "inactive inactive inactive"},
		{name: "init", do: (*run).init, then: "active/manager inactive inactive | m1:ready:leader"},
		{name: "init again", code: 503, text: "This node is already part of a swarm", do: (*run).init},
		{name: "the settings of an init hold", do: func(r *run) error { return r.settings(3, 7*second) }},
		{name: "and change in one update", do: func(r *run) error {
			return errors.Join(r.api[1].UpdateSwarm(r.Context(), func(s *engine.SwarmSpec) { s.TaskHistory, s.Heartbeat = 5, 5*second }), r.settings(5, 5*second))
		}},
		{name: "a negative heartbeat", code: 400, text: "heartbeat time period cannot be a negative duration", do: func(r *run) error {
			return r.api[1].UpdateSwarm(r.Context(), func(s *engine.SwarmSpec) { s.Heartbeat = -second })
		}},
		{name: "a config object", do: func(r *run) error { return r.createConfig("1") }},
		{name: "a second one of that name", code: 409, text: "config lock already exists", do: func(r *run) error { return r.createConfig("2") }},
		{name: "its labels change, and its version", do: (*run).relabelConfig},
		{name: "an old version of it", code: 500, text: "update out of sequence", do: (*run).staleConfig},
		{name: "its content does not change", code: 400, text: "only updates to Labels are allowed", do: (*run).rewriteConfig},
		{name: "it was written just now, by the engine's own clock", do: (*run).ageConfig},
		{name: "it goes by its ID", do: (*run).removeConfig},
		{name: "and is gone", code: 404, text: "config lock not found", do: func(r *run) error { return r.raw("GET", 1, "/configs/lock", "") }},
		{name: "the ingress network is there", do: func(r *run) error {
			return r.mesh(func(i engine.Ingress) bool { return i.Ready && i.MTU == 0 && len(i.Subnets) == 1 })
		}},
		{name: "a second ingress network", do: func(r *run) error { return r.twice() }},
		{name: "a network that nobody has", code: 404, text: "network nosuch not found", do: func(r *run) error { return r.raw("DELETE", 1, "/networks/nosuch", "") }},
		{name: "the ingress network is removed, and is gone after a moment", do: func(r *run) error {
			i, err := r.api[1].Ingress(r.Context())
			return errors.Join(err, r.api[1].RemoveIngress(r.Context(), i.ID), r.mesh(func(i engine.Ingress) bool { return i.ID == "" }))
		}},
		{name: "it is made with what it was asked for", do: func(r *run) error {
			yes := true
			want := engine.IngressRequest{MTU: 1400, Subnet: "10.77.0.0/16", Encrypted: &yes}
			return errors.Join(r.api[1].CreateIngress(r.Context(), want), r.mesh(func(i engine.Ingress) bool { return i.Ready && want.Met(i) }))
		}},
		{name: "a wrong secret", code: 400, text: "A valid join token is necessary to join this cluster", min: 9 * second, most: 12 * second,
			do: func(r *run) error {
				t := r.tokens.Worker.Reveal()
				return r.join(2, r.addr(1), t[:strings.LastIndex(t, "-")+1]+strings.Repeat("1", 25))
			}, then: "active/manager inactive inactive | m1:ready:leader"},
		{name: "a token of another swarm", code: 500, text: "remote CA does not match fingerprint", min: 9 * second, most: 12 * second, do: refused},
		{name: "a worker", do: func(r *run) error { return r.join(2, r.addr(1), r.tokens.Worker.Reveal()) },
			then: "active/manager active inactive | m1:ready:leader m2:ready"},
		{name: "a second join", code: 503, text: "This node is already part of a swarm", do: func(r *run) error { return r.join(2, r.addr(1), r.tokens.Worker.Reveal()) }},
		{name: "nodes of a worker", code: 503, text: "Worker nodes can't be used to view or modify cluster state", do: func(r *run) error { return r.nodes(2) }},
		{name: "an old version", code: 500, text: "update out of sequence", do: func(r *run) error { return r.post(2, 1, `{"Role":"worker","Availability":"active"}`) }},
		{name: "no role", code: 400, text: `invalid Role: ""`, do: func(r *run) error { return r.post(2, 1, `{"Availability":"active"}`) }},
		{name: "an unknown node", code: 404, text: "node nosuch not found", do: func(r *run) error { return r.raw("DELETE", 1, "/nodes/nosuch", "") }},
		{name: "a living node", code: 400, text: "is not down and can't be removed", do: func(r *run) error { return r.raw("DELETE", 1, "/nodes/"+r.ids[2], "") }},
		{name: "the only manager", code: 400, text: "attempting to demote the last manager of the swarm", do: func(r *run) error { return r.role(1, "worker") }},
		{name: "a member of the raft group", code: 400, text: "It must be demoted to worker before removal", do: func(r *run) error { return r.api[1].RemoveNode(r.Context(), r.ids[1], true) }},
		{name: "the only manager leaves", code: 503, text: "Removing the last manager erases all current state of the swarm", do: func(r *run) error { return r.api[1].Leave(r.Context(), false) }},
		{name: "a worker leaves", do: func(r *run) error { return r.api[2].Leave(r.Context(), false) }, then: "active/manager inactive inactive | m1:ready:leader m2:ready"},
		{name: "and is down after three heartbeats", do: func(r *run) error { return r.until(25*second, "m2:down") }},
		{name: "what is down is removed", do: func(r *run) error { return r.api[1].RemoveNode(r.Context(), r.ids[2], false) }, then: "active/manager inactive inactive | m1:ready:leader"},
		{name: "packets are dropped", code: 503, text: "Timeout was reached before node joined. The attempt to join the swarm will continue in the background.",
			min: 19 * second, most: 22 * second,
			do: func(r *run) error {
				r.cut(1, true)
				return r.join(2, r.addr(1), r.tokens.Worker.Reveal())
			}, then: "active/manager pending inactive"},
		{name: "a join beside one under way", code: 503, text: "This node is already part of a swarm", do: func(r *run) error { return r.join(2, r.addr(1), r.tokens.Worker.Reveal()) }},
		{name: "the join ends in an error", do: func(r *run) error {
			err := r.settle(25*second, "active/manager error inactive")
			r.cut(1, false)
			return err
		}},
		{name: "which is left plainly", do: func(r *run) error { return r.api[2].Leave(r.Context(), false) }, then: "active/manager inactive inactive | m1:ready:leader"},
		{name: "managers", do: func(r *run) error {
			return errors.Join(r.join(2, r.addr(1), r.tokens.Manager.Reveal()), r.join(3, r.addr(1), r.tokens.Manager.Reveal()))
		}, then: "active/manager active/manager active/manager | m1:ready:leader m2:ready:reachable m3:ready:reachable"},
		{name: "one of three leaves", code: 503, text: "You are attempting to leave the swarm on a node that is participating as a manager. ", do: func(r *run) error { return r.api[3].Leave(r.Context(), false) }},
		{name: "a demotion", do: func(r *run) error { return r.role(3, "worker") }},
		{name: "is seen by both", do: func(r *run) error { return r.settle(10*second, "active/manager active/manager active") },
			then: "active/manager active/manager active | m1:ready:leader m2:ready:reachable m3:ready"},
		{name: "a living node is removed by force", do: func(r *run) error {
			r.pause(12 * second) // the demotion settles
			return r.api[1].RemoveNode(r.Context(), r.ids[3], true)
		}, then: "active/manager active/manager active | m1:ready:leader m2:ready:reachable"},
		{name: "and does not know", code: 503, text: "This node is already part of a swarm", do: func(r *run) error { return r.join(3, r.addr(1), r.tokens.Worker.Reveal()) }},
		{name: "it comes back after leaving", do: func(r *run) error {
			return errors.Join(r.api[3].Leave(r.Context(), false), r.join(3, r.addr(1), r.tokens.Manager.Reveal()))
		}, then: "active/manager active/manager active/manager | m1:ready:leader m2:ready:reachable m3:ready:reachable"},
		{name: "a manager dies", do: func(r *run) error {
			r.kill(3)
			return r.until(10*second, "m3:ready:unreachable")
		}},
		{name: "a demotion that costs the quorum", code: 400, text: "can't remove member from the raft: this would result in a loss of quorum", do: func(r *run) error { return r.role(2, "worker") }},
		{name: "the dead is demoted", do: func(r *run) error { return r.role(3, "worker") }},
		{name: "and removed", do: func(r *run) error {
			if err := r.until(10*second, "m3:ready"); err != nil {
				return err
			}
			return r.api[1].RemoveNode(r.Context(), r.ids[3], true)
		}},
		{name: "a removed manager comes back without a leader", do: func(r *run) error {
			r.revive(3)
			return r.settle(30*second, "active/manager active/manager pending/manager")
		}},
		{name: "it asks in vain", code: 500, text: "The swarm does not have a leader", do: func(r *run) error { return r.nodes(3) }},
		{name: "it does not leave plainly", code: 503, text: "participating as a manager", do: func(r *run) error { return r.api[3].Leave(r.Context(), false) }},
		{name: "but by force", do: func(r *run) error { return r.api[3].Leave(r.Context(), true) }, then: "active/manager active/manager inactive | m1:ready:leader m2:ready:reachable"},
		{name: "the quorum is lost", code: 500, text: "The swarm does not have a leader", do: func(r *run) error {
			r.kill(2)
			return r.lost()
		}, then: "active/manager - inactive"},
		{name: "a join without a quorum", code: 500, text: "The swarm does not have a leader", min: 9 * second, most: 12 * second,
			do: func(r *run) error { return r.join(3, r.addr(1), r.tokens.Worker.Reveal()) }, then: "active/manager - inactive"},
		{name: "it comes back with the manager", do: func(r *run) error {
			r.revive(2)
			return errors.Join(r.settle(60*second, "active/manager active/manager inactive"), r.until(60*second, "m2:ready:"))
		}},
	}
}

func check(t *testing.T, b bench, facts []fact) {
	t.Helper()
	r := &run{T: t, bench: b}
	for k := 1; k <= 3; k++ {
		api, err := swarm.New(b.dial(k))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = api.Close() })
		r.api[k] = api
	}
	for _, f := range facts {
		start := time.Now()
		var err error
		if f.do != nil {
			err = f.do(r)
		}
		took := time.Since(start)
		code, words := answer(err)
		if code != f.code || !strings.Contains(words, f.text) || err == nil && f.code != 0 {
			t.Fatalf("%s: got %d %q after %s, want %d %q", f.name, code, words, took, f.code, f.text)
		}
		if took < f.min || f.most > 0 && took > f.most {
			t.Errorf("%s: took %s, want %s to %s", f.name, took, f.min, f.most)
		}
		r.know()
		if f.then == "" {
			continue
		}
		if err := r.settle(2*second, f.then); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
	}
}

// answer gives the code and the words of an engine; -1 is for other errors.
func answer(err error) (int, string) {
	var e *swarm.Error
	switch {
	case err == nil:
		return 0, ""
	case errors.As(err, &e):
		return e.Code, e.Text
	}
	return -1, err.Error()
}

func TestFakesBehaveAsTheTableSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := swarmtest.New()
		defer w.Close()
		check(t, &fakes{w, []*swarmtest.Engine{nil, w.Engine("10.0.0.1", "m1"), w.Engine("10.0.0.2", "m2"), w.Engine("10.0.0.3", "m3")}}, facts())
	})
}

type fakes struct {
	w *swarmtest.World
	e []*swarmtest.Engine
}

func (f *fakes) dial(k int) swarm.Dialer { return f.e[k].Dial }
func (f *fakes) addr(k int) string       { return f.e[k].Addr() }
func (f *fakes) hostname(k int) string   { return f.e[k].Hostname() }
func (f *fakes) kill(k int)              { f.e[k].Kill() }
func (f *fakes) revive(k int)            { f.e[k].Revive() }
func (f *fakes) cut(k int, on bool)      { f.e[k].SetHidden(on) }

func (r *run) init() error {
	history := 3
	id, err := r.api[1].Init(r.Context(), engine.InitRequest{Advertise: r.addr(1), TaskHistory: &history, Heartbeat: 7 * second})
	if err != nil {
		return err
	}
	r.ids[1] = id
	r.tokens, err = r.api[1].Swarm(r.Context())
	return err
}

// settings compares some of the swarm's.
func (r *run) settings(history int, heartbeat time.Duration) error {
	s, err := r.api[1].Swarm(r.Context())
	if err == nil && (s.TaskHistory != history || s.Heartbeat != heartbeat) {
		err = fmt.Errorf("got %d and %s", s.TaskHistory, s.Heartbeat)
	}
	return err
}

// mesh waits for the ingress network to be so.
func (r *run) mesh(is func(engine.Ingress) bool) error {
	var i engine.Ingress
	for start := time.Now(); time.Since(start) < 5*second; r.pause(50 * time.Millisecond) {
		var err error
		if i, err = r.api[1].Ingress(r.Context()); err != nil || is(i) {
			return err
		}
	}
	return fmt.Errorf("got %+v", i)
}

// twice wants a second ingress network to be refused; 20.10 and later do so with
// different codes.
func (r *run) twice() error {
	err := r.api[1].CreateIngress(r.Context(), engine.IngressRequest{})
	if errors.Is(err, engine.ErrExists) {
		return nil
	}
	return fmt.Errorf("got %v, want %w", err, engine.ErrExists)
}

func (r *run) join(k int, remote, token string) error {
	return r.api[k].Join(r.Context(), engine.JoinRequest{Remote: remote + ":2377", Token: engine.NewToken(token), Advertise: r.addr(k)})
}

func (r *run) nodes(k int) error {
	_, err := r.api[k].Nodes(r.Context())
	return err
}

func (r *run) role(k int, role string) error {
	return r.api[1].UpdateNode(r.Context(), r.ids[k], func(s *engine.NodeSpec) { s.Role = role })
}

// know keeps the IDs that the machines have now.
func (r *run) know() {
	for k := 1; k <= 3; k++ {
		ctx, cancel := context.WithTimeout(r.Context(), second)
		if i, err := r.api[k].Info(ctx); err == nil && i.NodeID != "" {
			r.ids[k] = i.NodeID
		}
		cancel()
	}
}

// view is "active/manager inactive - | m1:ready:leader", with - for an engine
// that does not run; the nodes are those that machine 1 lists.
func (r *run) view(nodes bool) string {
	var states []string
	for k := 1; k <= 3; k++ {
		i, err := r.api[k].Info(r.Context())
		s := string(i.State)
		if err != nil {
			s = "-"
		} else if i.Manager {
			s += "/manager"
		}
		states = append(states, s)
	}
	if !nodes {
		return strings.Join(states, " ")
	}
	list, err := r.api[1].Nodes(r.Context())
	if err != nil {
		return strings.Join(states, " ") + " | " + err.Error()
	}
	var lines []string
	for _, n := range list {
		lines = append(lines, r.line(n))
	}
	slices.Sort(lines)
	return strings.Join(states, " ") + " | " + strings.Join(lines, " ")
}

func (r *run) line(n engine.Node) string {
	name := n.Hostname
	for k := 1; k <= 3; k++ {
		if name == r.hostname(k) {
			name = fmt.Sprint("m", k)
		}
	}
	switch {
	case n.Manager == nil:
		return name + ":" + n.State
	case n.Manager.Leader:
		return name + ":" + n.State + ":leader"
	}
	return name + ":" + n.State + ":" + n.Manager.Reachability
}

// settle waits until the view is as wanted.
func (r *run) settle(limit time.Duration, want string) error {
	got := ""
	for start := time.Now(); time.Since(start) < limit; r.pause(100 * time.Millisecond) {
		if got = r.view(strings.Contains(want, "|")); got == want {
			return nil
		}
	}
	return fmt.Errorf("got %s, want %s", got, want)
}

// until waits until machine 1 lists a node whose line begins so.
func (r *run) until(limit time.Duration, want string) error {
	got := ""
	for start := time.Now(); time.Since(start) < limit; r.pause(100 * time.Millisecond) {
		got = r.view(true)
		if _, list, ok := strings.Cut(got, " | "); ok && strings.Contains(" "+list+" ", " "+want) && (strings.HasSuffix(want, ":") || strings.Contains(" "+list+" ", " "+want+" ")) {
			return nil
		}
	}
	return fmt.Errorf("got %s, want %s in it", got, want)
}

// lost asks machine 1 for nodes until it refuses in the end.
func (r *run) lost() error {
	for range 100 {
		if err := r.nodes(1); err != nil && !strings.Contains(err.Error(), "deadline exceeded") {
			return err
		}
		r.pause(second)
	}
	return nil
}

func (r *run) pause(d time.Duration) { time.Sleep(d) }
