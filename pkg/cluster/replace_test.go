package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

// replace applies the file with new machines for some of its nodes.
func (w *world) replace(names ...string) error {
	w.Helper()
	p := w.process()
	defer p.end()
	_, _, err := p.rounds(plan.Options{Replace: names})
	return err
}

// ids are those of the members and of the machines, by node.
func (w *world) ids() map[string]string {
	w.Helper()
	out := map[string]string{}
	for _, e := range w.net.Nodes() {
		out[e.Hostname] = e.ID + " on " + w.listed(e.Hostname).Name
	}
	return out
}

func TestAMachineIsReplacedAndNobodyElseIsTouched(t *testing.T) {
	for _, tt := range []struct {
		name, file, replace string
		margin              int // of managers, in the worst moment
	}{
		{"a worker", "managers: [{name: a}]\nworkers: [{name: b}, {name: c, labels: {zone: x}, engine_labels: {disk: ssd}}]", "c", 0},
		{"a manager of three", three + "\nworkers: [{name: w}]", "m2", 1},
		{"the leader of three", three, "m1", 1},
		{"the only manager", "managers: [{name: a}]\nworkers: [{name: b}]", "a", 0},
		{"everybody", "managers: [{name: a}, {name: b}, {name: c}]\nworkers: [{name: d}, {name: e}]", "a b c d e", 1},
		{"a paused worker", "managers: [{name: a}]\nworkers: [{name: b, availability: pause}]", "b", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file(tt.file)
				w.apply()
				w.net.ResetMargin()
				for _, n := range strings.Fields(tt.replace) {
					w.update(n, func(s *nodeSpec) { s.Labels["theirs"] = n })
				}
				before := w.ids()
				if err := w.replace(strings.Fields(tt.replace)...); err != nil {
					t.Fatal(err)
				}
				w.settled()
				for n, id := range w.ids() {
					if asked := slices.Contains(strings.Fields(tt.replace), n); asked == (before[n] == id) {
						t.Errorf("%s was %s and is %s, asked for: %t", n, before[n], id, asked)
					}
				}
				for _, e := range w.net.Nodes() {
					if want := map[bool]string{true: e.Hostname}[slices.Contains(strings.Fields(tt.replace), e.Hostname)]; e.Labels["theirs"] != want {
						t.Errorf("%s has the labels %v", e.Hostname, e.Labels)
					}
				}
				if got := w.net.Margin(); got < tt.margin {
					t.Errorf("on the way the margin was %d, want at least %d", got, tt.margin)
				}
				if c := w.net.Clusters(); len(c) != 1 {
					t.Errorf("%d swarms", len(c))
				}
			})
		})
	}
}

// The first machine is out of the swarm before the second is marked.
func TestMachinesAreReplacedOneAtATime(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b}, {name: c}]")
		w.apply()
		p := w.process()
		defer p.end()
		var began []string
		p.watch = func(r apply.Result) {
			if r.Status == "" && (r.Step.Action == plan.Mark || r.Step.Action == plan.Delete) {
				began = append(began, string(r.Step.Action)+" "+r.Step.Node)
			}
		}
		if _, _, err := p.rounds(plan.Options{Replace: []string{"c", "b"}}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"mark b", "delete b", "mark c", "delete c"}, began); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// Killed or interrupted anywhere, an apply without --replace ends it.
func TestAReplacementThatIsCutShortIsEndedByAPlainApply(t *testing.T) {
	for moment := 1; moment <= 29; moment += 2 {
		t.Run(fmt.Sprint(moment), func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: a}, {name: b}, {name: c}]\nworkers: [{name: d}]")
				w.apply()
				w.net.Run(swarmtest.Service{Name: "web", Replicas: 3})
				before := w.ids()
				p := w.process()
				seen, marked := 0, false
				p.watch = func(r apply.Result) {
					marked = marked || r.Step.Action == plan.Mark && r.Status == apply.Done
					if seen++; seen == moment && moment%4 == 1 {
						p.stop(errInterrupted)
					} else if seen == moment {
						p.kill()
					}
				}
				_, _, _ = p.rounds(plan.Options{Replace: []string{"b"}})
				p.end()
				time.Sleep(time.Minute)
				w.apply()
				if after := w.ids(); marked && after["b"] == before["b"] {
					t.Errorf("b is still %s", after["b"])
				}
			})
		})
	}
}

func TestABrokenMachineIsReplacedOnceTheSwarmCallsItDown(t *testing.T) {
	for _, tt := range []struct {
		name, replace string
		breaks        func(*world, *machine)
		refused       string // what stands in the way; "" for nothing
	}{
		{"a manager that is off", "b", func(w *world, m *machine) { w.stop(m) }, ""},
		{"a worker that is off", "d", func(w *world, m *machine) { w.stop(m) }, ""},
		{"a manager that died without a word", "b", func(_ *world, m *machine) {
			m.halt()
			m.sshd.Misbehave(sshtest.Fault{Refuse: true})
			m.sshd.Kick()
		}, ""},
		{"a worker that is only silent to us", "d", func(_ *world, m *machine) { m.sshd.Misbehave(sshtest.Fault{Refuse: true}) },
			"d is to be replaced, cannot be asked to leave ("},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: a}, {name: b}, {name: c}]\nworkers: [{name: d}]")
				w.apply()
				before := w.ids()
				tt.breaks(w, w.of(tt.replace))
				time.Sleep(time.Minute) // the swarm calls down what does not report
				err := w.replace(tt.replace)
				if tt.refused != "" {
					if err == nil || !strings.Contains(err.Error(), tt.refused) || !strings.Contains(err.Error(), ", and is ready to the swarm") {
						t.Errorf("got %v", err)
					}
					if got := w.ids(); got[tt.replace] != before[tt.replace] {
						t.Error("it was replaced all the same")
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				w.settled()
				if got := w.ids(); got[tt.replace] == before[tt.replace] {
					t.Errorf("%s is still %s", tt.replace, got[tt.replace])
				}
			})
		})
	}
}

func TestMachinesThatDifferAreShownAndReplacedOnlyWhenAsked(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b}, {name: c}]")
		w.apply()
		w.file("managers: [{name: a}]\nworkers: [{name: b, machine: {memory: 1g}}, {name: c, machine: {image: bare, cpus: 2}}]")
		look := func() (texts []string) {
			p := w.process()
			defer p.end()
			next := plan.Diff(w.spec, p.see(), plan.Options{})
			if !next.Empty() {
				t.Errorf("there is something to do: %s", text(next))
			}
			for _, f := range next.Drift {
				texts = append(texts, f.Text+"; "+f.Hint)
			}
			return texts
		}
		if diff := cmp.Diff([]string{
			"b's machine differs (memory: the default -> 1g); --replace b replaces it",
			"c's machine differs (cpus: the default -> 2, image: the default -> bare); --replace c replaces it",
		}, look()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		w.apply()
		if err := w.replace("b", "c"); err != nil {
			t.Fatal(err)
		}
		w.settled()
		if got := look(); got != nil {
			t.Errorf("after the replacement: %q", got)
		}
	})
}

// A machine that swarmup did not make gives way to the one at another address.
func TestAnAddressThatChangesMovesTheNode(t *testing.T) {
	for _, role := range []string{"worker", "manager"} {
		t.Run(role, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b", "c", "d")
				moved := func(d string) string {
					lines["d"] = d
					if role == "manager" {
						return sshFile(lines, "a b d", "c", "")
					}
					return sshFile(lines, "a b c", "d", "")
				}
				old := strings.TrimSuffix(lines["d"], "}") + ", engine_labels: {disk: ssd}}"
				w.file(moved(old))
				w.apply()
				was := w.of("d")
				w.net.ResetMargin()
				w.file(moved(w.existing("d")["d"]))
				if err := w.replace("d"); err == nil || !strings.Contains(err.Error(), "d is on a machine that swarmup did not make, and cannot make anew") {
					t.Errorf("--replace: %v", err)
				}
				w.apply()
				if swarm, _, _ := was.engine.Certificate(); w.of("d") == was || swarm != "" || was.read(ownedFile) != "" {
					t.Errorf("the old host is in %q, with %q", swarm, was.read(ownedFile))
				}
				if role == "manager" && w.net.Margin() < 1 {
					t.Errorf("the margin was %d", w.net.Margin())
				}
			})
		})
	}
}

// Only the host itself can say that it is not the one at the old address.
func TestAnAddressThatDoesNotAnswerMovesNobody(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "d")
		w.file(sshFile(lines, "a", "d", ""))
		w.apply()
		lines["d"] = w.existing("d")["d"]
		w.of("d").sshd.Misbehave(sshtest.Fault{Refuse: true})
		w.file(sshFile(lines, "a", "d", ""))
		if err := w.try(); err == nil || !strings.Contains(err.Error(), "d stays at its old address until it answers at the new one: ") {
			t.Errorf("got %v", err)
		}
		if got := len(w.net.Nodes()); got != 2 {
			t.Errorf("%d nodes, want both still", got)
		}
		w.of("d").heal()
		w.apply()
	})
}

// The old host may be gone for good: that is for the user to say.
func TestAnOldAddressThatDoesNotAnswerIsGivenUpOnlyWhenAsked(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b", "d")
		w.file(sshFile(lines, "a b d", "", ""))
		w.apply()
		w.of("d").halt()
		w.of("d").sshd.Misbehave(sshtest.Fault{Refuse: true})
		time.Sleep(time.Minute)
		lines["d"] = w.existing("d")["d"]
		w.file(sshFile(lines, "a b d", "", ""))
		if err := w.try(); err == nil || !strings.Contains(err.Error(), "d@10.0.0.3 is to go, and cannot be asked: ") {
			t.Errorf("got %v", err)
		}
		if got := len(w.net.Nodes()); got != 3 {
			t.Errorf("%d nodes, want all three still", got)
		}
		p := w.process()
		defer p.end()
		if _, _, err := p.rounds(plan.Options{Prune: true}); err != nil {
			t.Fatal(err)
		}
		w.settled()
	})
}

func TestANodeWithAnotherNameIsOnlyLabelledAnew(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b", "c")
		w.file(sshFile(lines, "a", "b c", ""))
		w.apply()
		was := w.net.Nodes()
		for _, swap := range []struct{ old, new string }{{"name: b,", "name: x,"}, {"name: c,", "name: b,"}} {
			for n := range lines {
				lines[n] = strings.Replace(lines[n], swap.old, swap.new, 1)
			}
		}
		w.file(sshFile(lines, "a", "b c", ""))
		p := w.process()
		next := plan.Diff(w.spec, p.see(), plan.Options{})
		p.end()
		var why []string
		for _, s := range next.Steps {
			if s.Action != plan.Verify {
				why = append(why, s.ID+": "+s.Why)
			}
		}
		if diff := cmp.Diff([]string{"label/x: was b", "label/b: was c"}, why); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if err := w.try(); err != nil {
			t.Fatal(err)
		}
		for i, n := range w.net.Nodes() {
			if n.ID != was[i].ID {
				t.Errorf("%s is another member than before", n.Hostname)
			}
		}
		if err := w.try(); err != nil {
			t.Fatal(err)
		}
	})
}

// Members that somebody else made are taken over by marks alone, and followed by
// them from then on.
func TestASwarmThatIsThereIsAdopted(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b", "c")
		w.foreign(w.of("a"), w.of("b"), w.of("c"))
		time.Sleep(time.Minute) // the managers have heard from all
		was := w.net.Nodes()
		w.file(sshFile(lines, "a", "b c", ""))
		p := w.process()
		next := plan.Diff(w.spec, p.see(), plan.Options{})
		p.end()
		var adopts []string
		for _, s := range next.Adopt {
			adopts = append(adopts, s.ID)
		}
		if diff := cmp.Diff([]string{"label/a", "label/b", "label/c"}, adopts); diff != "" || !next.Empty() {
			t.Errorf("adopted (-want +got)\n%s\nsteps %s", diff, text(next))
		}
		w.apply()
		for i, n := range w.net.Nodes() {
			if n.ID != was[i].ID || n.Labels[plan.MarkNode] != n.Hostname {
				t.Errorf("%s is %s with %v, and was %s", n.Hostname, n.ID, n.Labels, was[i].ID)
			}
			if m := w.of(n.Hostname); m.ran("engine restart")+m.ran("engine reload") != 0 {
				t.Errorf("the engine of %s was touched", n.Hostname)
			}
		}
		w.file(sshFile(lines, "a", "b", ""))
		w.apply()
	})
}
