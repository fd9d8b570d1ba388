package cluster_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

const five = three + "workers: [{name: w, count: 2}]\n"

// availabilities gives the nodes with theirs.
func (w *world) availabilities() string {
	var out []string
	for _, n := range w.net.Nodes() {
		out = append(out, n.Hostname+"="+n.Availability)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// begun gives the order in which steps of some actions began.
func (w *world) begun(change func(*cluster.Config), opt plan.Options, actions ...plan.Action) (order []string, err error) {
	w.Helper()
	p := w.process(change)
	defer p.end()
	p.watch = func(r apply.Result) {
		if r.Status == "" && slices.Contains(actions, r.Step.Action) {
			order = append(order, r.Step.ID)
		}
	}
	_, _, err = p.rounds(opt)
	return order, err
}

func asItIs(*cluster.Config) {}

func TestASettingThatNeedsARestartRolls(t *testing.T) {
	for _, tt := range []struct{ name, engine, action string }{
		{"of daemon.json", "engine: {daemon: {log-driver: local}}", "restart"},
		{"of daemon.json, with one that needs none", "engine: {labels: {x: one}, daemon: {log-driver: local, debug: true}}", "restart"},
		{"of the environment", "engine: {env: {HTTPS_PROXY: 'http://p:3128'}}", "restart"},
		{"a version", "engine: {version: '29.1'}", "upgrade"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file(five)
				w.apply()
				for _, m := range w.machines {
					m.offers = []string{"28.5.2", "29.1.0"}
				}
				w.net.Run(swarmtest.Service{Name: "web", Replicas: 2})
				w.update("w1", func(s *nodeSpec) { s.Availability = "pause" })
				w.update("m2", func(s *nodeSpec) { s.Availability = "drain" })
				time.Sleep(time.Minute)
				w.net.ResetMargin()
				before, leader := w.availabilities(), w.leader().name
				w.file(five + tt.engine)
				stopped := map[string]time.Time{}
				for _, m := range w.machines {
					m.onDown = func() { stopped[m.name] = time.Now() }
				}
				order, err := w.begun(asItIs, plan.Options{}, plan.Restart, plan.Upgrade)
				if err != nil {
					t.Fatal(err)
				}
				for _, pair := range [][2]string{{"m2", "m3"}, {"m3", "m1"}} {
					if apart := stopped[pair[1]].Sub(stopped[pair[0]]); apart < 10*time.Second {
						t.Errorf("%s stopped %s after %s", pair[1], apart, pair[0])
					}
				}
				if got := strings.Join(order[3:], " "); len(order) != 5 || order[2] != tt.action+"/"+leader || got != tt.action+"/w1 "+tt.action+"/w2" {
					t.Errorf("the order is %v, and the leader was %s", order, leader)
				}
				if got := w.availabilities(); got != before {
					t.Errorf("got  %s\nwant %s", got, before)
				}
				if low := w.net.Low("web"); low < 1 {
					t.Error("the service was away")
				}
				if got := w.net.Margin(); got < 0 {
					t.Errorf("the margin was %d", got)
				}
				for _, m := range w.machines {
					if tt.action == "upgrade" && m.runs != "29.1.0" || tt.action == "restart" && m.ran("engine restart") != 1 {
						t.Errorf("%s runs %s, and was restarted %d times", m.name, m.runs, m.ran("engine restart"))
					}
				}
				if got := w.steps(); got != "" {
					t.Errorf("a second plan: %s", got)
				}
			})
		})
	}
}

func TestALockedManagerIsUnlockedBeforeTheNextIsRestarted(t *testing.T) {
	in(t, func(w *world) {
		key := w.locked(three)
		w.apply()
		w.net.ResetMargin()
		w.file(three + "swarm: {autolock: {key_file: " + key + "}}\nengine: {daemon: {log-driver: local}}")
		w.apply()
		if got := w.net.Margin(); got < 0 {
			t.Errorf("the margin was %d: managers were away at once", got)
		}
	})
}

func TestManagersThatWouldStayLockedAreNotRestarted(t *testing.T) {
	in(t, func(w *world) {
		w.locked(three)
		w.apply()
		w.file(three + "engine: {daemon: {log-driver: local}}")
		next := w.next()
		if len(next.Blocked) != 1 || next.Blocked[0].Text != "managers that restart are locked, and the file does not say where their key is kept" || len(next.Steps) != 0 {
			t.Errorf("got %s", text(next))
		}
	})
}

// Whenever a roll is cut off, the next apply finishes it, and nodes have what they
// had before.
func TestARollThatWasCutShortIsFinishedByTheNext(t *testing.T) {
	for moment := 1; moment <= 26; moment += 5 {
		for _, settings := range []string{"engine: {daemon: {log-driver: local}}", "engine: {version: '29.1'}"} {
			t.Run(fmt.Sprintf("%s, moment %d", settings, moment), func(t *testing.T) {
				in(t, func(w *world) {
					w.file(five)
					w.apply()
					for _, m := range w.machines {
						m.offers = []string{"28.5.2", "29.1.0"}
					}
					w.update("w1", func(s *nodeSpec) { s.Availability = "pause" })
					before := w.availabilities()
					w.file(five + settings)
					w.cutShort(moment)
					if err := w.try(); err != nil {
						t.Fatal(err)
					}
					if got := w.availabilities(); got != before {
						t.Errorf("got  %s\nwant %s", got, before)
					}
					if got := w.steps(); got != "" {
						t.Errorf("a third run: %s", got)
					}
				})
			})
		}
	}
}

// A manager is not restarted while another one is away.
func TestARollStopsWhereAManagerDoesNotComeBack(t *testing.T) {
	in(t, func(w *world) {
		w.file(five)
		w.apply()
		w.file(five + "engine: {daemon: {log-driver: local}}")
		p := w.process()
		defer p.end()
		var order []string
		p.watch = func(r apply.Result) {
			if r.Status == "" && r.Step.Action == plan.Restart {
				order = append(order, r.Step.Node)
			}
			if r.Step.Action == plan.Restore && r.Status == apply.Done && len(order) == 1 {
				w.of(order[0]).halt() // and is away again
			}
		}
		if _, _, err := p.rounds(plan.Options{}); err == nil || !strings.Contains(err.Error(), "the other managers do not reach "+order[0]) {
			t.Errorf("got %v", err)
		}
		if len(order) != 1 {
			t.Errorf("restarted: %v", order)
		}
		w.of(order[0]).bring("")
		time.Sleep(time.Minute)
		w.apply()
	})
}

// What an engine does not take is taken back, the node has its availability again,
// and nobody else is touched.
func TestASettingThatIsRefusedStopsTheRoll(t *testing.T) {
	in(t, func(w *world) {
		w.file(five)
		w.apply()
		before := w.availabilities()
		w.of("m2").broken = "error initializing graphdriver: driver not supported"
		w.file(five + "engine: {daemon: {log-driver: local}}")
		order, err := w.begun(func(*cluster.Config) { time.AfterFunc(25*time.Second, func() { w.of("m2").broken = "" }) }, plan.Options{}, plan.Restart)
		if err == nil || len(order) > 2 {
			t.Errorf("restarted %v: %v", order, err)
		}
		w.of("m2").broken = ""
		if err := w.try(); err != nil {
			t.Fatal(err)
		}
		if got := w.availabilities(); got != before {
			t.Errorf("got  %s\nwant %s", got, before)
		}
	})
}

func TestAServiceThatCannotMoveIsToldAndNotWaitedForWithoutEnd(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: m}]\nworkers: [{name: w}]\n")
		w.apply()
		w.net.Run(swarmtest.Service{Name: "db", Replicas: 2, Bound: true})
		w.file("managers: [{name: m}]\nworkers: [{name: w, engine: {daemon: {log-driver: local}}}]\n")
		p := w.process()
		defer p.end()
		began := time.Now()
		if _, _, err := p.rounds(plan.Options{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it took %s", took)
		}
		if !slices.Contains(p.lines, "w: no other node suits: db has 1 of 2 tasks elsewhere") {
			t.Errorf("progress: %q", p.lines)
		}
	})
}

func TestAnOlderEngineIsPutInPlaceOnDemandOnly(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: m}]\n")
		w.apply()
		w.of("m").offers = []string{"28.5.2", "27.5.1"}
		w.file("managers: [{name: m}]\nengine: {version: '27.5'}")
		const want = "m has engine 28.5.2, and engine.version says 27.5: Docker does not support older engines on what newer ones left"
		if next := w.next(); len(next.Refused) != 1 || next.Refused[0].Text != want {
			t.Errorf("got %s", text(next))
		}
		if _, err := w.begun(asItIs, plan.Options{AllowDowngrade: true}); err != nil {
			t.Fatal(err)
		}
		if got := w.of("m").runs; got != "27.5.1" {
			t.Errorf("it runs %s", got)
		}
	})
}

// A machine whose image has another engine gets the right one before it joins.
func TestANewMachinesEngineIsChangedBeforeItJoins(t *testing.T) {
	in(t, func(w *world) {
		w.offers = []string{"28.5.2", "29.1.0"}
		w.cloud.onBoot = func(m *machine) { m.bring("") }
		w.file("managers: [{name: m}]\nworkers: [{name: w}]\nengine: {version: '29'}")
		w.apply()
		for _, n := range w.net.Nodes() {
			if n.Version != "29.1.0" {
				t.Errorf("%s has engine %s", n.Hostname, n.Version)
			}
		}
	})
}
