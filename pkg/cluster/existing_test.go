package cluster_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// ssh makes a file of provider ssh: managers, then workers.
func sshFile(lines map[string]string, managers, workers, more string) string {
	list := func(names string) string {
		var out []string
		for _, n := range strings.Fields(names) {
			out = append(out, lines[n])
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	return fmt.Sprintf("provider: ssh\nmanagers: %s\nworkers: %s\n%s", list(managers), list(workers), more)
}

func TestHostsThatExistBecomeACluster(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b", "c")
		w.file(sshFile(lines, "a b", "c", "engine: {labels: {env: prod}}"))
		w.apply()
	})
}

// A line that leaves the file leaves no address behind but the node's marks.
func TestALineThatLeavesTheFileIsFollowedByItsMarksAndRemovedGracefully(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b", "c", "d")
		w.of("d").files[daemonFile] = "{\"debug\": true, \"labels\": [\"theirs=1\"]}\n"
		w.file(sshFile(lines, "a b c", "d", "engine: {labels: {env: prod}}"))
		w.apply()
		w.net.ResetMargin()
		w.file(sshFile(lines, "a", "", "engine: {labels: {env: prod}}"))
		if got, want := w.steps(), "demote/b demote/c drain/b drain/c drain/d forget/b forget/c forget/d leave/b leave/c leave/d unconfigure/b unconfigure/c unconfigure/d"; got != want {
			t.Errorf("steps\n got %s\nwant %s", got, want)
		}
		w.apply()
		for _, n := range []string{"b", "c", "d"} {
			m := w.of(n)
			if m.read(ownedFile) != "" || !m.running {
				t.Errorf("%s keeps %q, its engine runs: %t", n, m.read(ownedFile), m.running)
			}
		}
		if got, want := w.of("d").read(daemonFile), "{\"debug\": true, \"labels\": [\"theirs=1\"]}\n"; parse[any](got) == nil || cmp.Diff(parse[any](want), parse[any](got)) != "" {
			t.Errorf("d was left with %q, want %q", got, want)
		}
	})
}

func TestAMarkThatLeadsNowhereIsNoReasonToDestroy(t *testing.T) {
	for name, wrong := range map[string]func(w *world){
		"the host does not answer": func(w *world) { w.of("b").sshd.Misbehave(sshtest.Fault{Refuse: true}) },
		"the host has another key": func(w *world) {
			w.update("b", func(s *nodeSpec) { s.Labels[plan.MarkHostKey] = "SHA256:" + strings.Repeat("A", 43) })
		},
		"the mark was scribbled over": func(w *world) { w.update("b", func(s *nodeSpec) { s.Labels[plan.MarkSSH] = "nobody knows" }) },
		"the mark is gone":            func(w *world) { w.update("b", func(s *nodeSpec) { delete(s.Labels, plan.MarkSSH) }) },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b")
				w.file(sshFile(lines, "a", "b", ""))
				w.apply()
				wrong(w)
				w.file(sshFile(lines, "a", "", ""))
				if err := w.try(); err == nil || !strings.Contains(err.Error(), "b is to go, and cannot be asked: ") {
					t.Errorf("got %v", err)
				}
				if got := len(w.net.Nodes()); got != 2 {
					t.Errorf("%d nodes, want b to be still there", got)
				}
			})
		})
	}
}

func TestAHostInAnotherSwarmIsLeftAlone(t *testing.T) {
	for _, tt := range []struct {
		name, managers, workers string
		late                    bool   // y lets us in only after the plan was made
		want                    string // the error, or a part of it
	}{
		{name: "a worker, and no swarm of ours yet", managers: "b", workers: "y", want: "y is in a swarm whose managers (10.0.0.3:2377) are not in the file: a second swarm would be born"},
		{name: "a worker beside our swarm", managers: "a", workers: "y", want: "y is in another swarm ("},
		{name: "a manager beside our swarm", managers: "a", workers: "x", want: "x is in another swarm ("},
		{name: "a worker that is found out late", managers: "a", workers: "y", late: true, want: "join y: it is in another swarm, "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b", "x", "y")
				w.foreign(w.of("x"), w.of("y"))
				w.file(sshFile(lines, "a", "", ""))
				if tt.managers == "a" {
					if err := w.try(); err != nil {
						w.Fatal(err)
					}
				}
				if tt.late {
					w.of("y").sshd.Misbehave(sshtest.Fault{Refuse: true})
					time.AfterFunc(10*time.Second, func() { w.of("y").heal() })
				}
				swarms := len(w.net.Clusters())
				w.file(sshFile(lines, tt.managers, tt.workers, ""))
				if err := w.try(); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got  %v\nwant %s", err, tt.want)
				}
				if got := len(w.net.Clusters()); got != swarms {
					t.Errorf("%d swarms, want %d", got, swarms)
				}
				for _, n := range []string{"x", "y"} {
					if c, _, _ := w.of(n).engine.Certificate(); c != w.net.Clusters()[0] {
						t.Errorf("%s was taken out of its swarm", n)
					}
				}
			})
		})
	}
}

// foreign makes a swarm as somebody else would, without marks.
func (w *world) foreign(manager *machine, workers ...*machine) {
	w.Helper()
	m := w.api(manager.addr)
	if _, err := m.Init(w.Context(), engine.InitRequest{Advertise: manager.addr}); err != nil {
		w.Fatal(err)
	}
	s, err := m.Swarm(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	for _, x := range workers {
		if err := w.api(x.addr).Join(w.Context(), engine.JoinRequest{Remote: manager.addr + ":2377", Token: s.Worker}); err != nil {
			w.Fatal(err)
		}
	}
}

func TestATeardownLeavesExistingHostsAsTheyWere(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b", "c", "d")
		const theirs = "{\"debug\": true}\n"
		for _, n := range []string{"a", "b", "c"} {
			w.of(n).files[daemonFile] = theirs
		}
		w.file(sshFile(lines, "a b c", "d", "engine: {labels: {env: prod}, daemon: {log-driver: local}}"))
		w.apply()
		w.of("b").sshd.Misbehave(sshtest.Fault{Refuse: true})
		w.of("b").sshd.Kick()

		if err := w.destroy(); err == nil || !strings.Contains(err.Error(), "b cannot be asked: dial b") {
			t.Errorf("with a host that does not answer: got %v", err)
		}
		w.of("b").heal()
		if err := w.destroy(); err != nil {
			t.Errorf("got %v", err)
		}
		for _, n := range []string{"a", "b", "c", "d"} {
			m := w.of(n)
			if c, _, _ := m.engine.Certificate(); c != "" || !m.running {
				t.Errorf("%s is in swarm %q, its engine runs: %t", n, c, m.running)
			}
			if m.read(ownedFile) != "" || n != "d" && cmp.Diff(parse[any](theirs), parse[any](m.read(daemonFile))) != "" {
				t.Errorf("%s is left with %s: %q and %q", n, daemonFile, m.read(daemonFile), m.read(ownedFile))
			}
		}
	})
}

func TestATeardownLeavesNothingOfMachinesThatWereMade(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w}]")
		w.apply()
		for _, n := range []string{"m1", "m2"} {
			w.of(n).halt() // a quorum is not needed
		}
		if err := w.destroy(); err != nil {
			w.Fatal(err)
		}
		p := w.process()
		defer p.end()
		if st := p.see(); len(st.Hosts) > 0 || len(st.Leftovers) > 0 {
			t.Errorf("left: %v %v", st.Hosts, st.Leftovers)
		}
		if err := w.destroy(); err != nil {
			t.Errorf("once more: %v", err)
		}
	})
}

// destroy does what the command of that name does.
func (w *world) destroy() error {
	w.Helper()
	p := w.process()
	defer p.end()
	_, _, err := p.rounds(plan.Options{Teardown: true})
	return err
}
