package cluster_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// A dial that goes on must not hold up those who look which hosts there are.
func TestAMachineWhoseSSHDIsLateDelaysOnlyItself(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w, count: 2}]")
		w.cloud.onBoot = func(m *machine) {
			if m.name == "w2" {
				m.sshd.Misbehave(sshtest.Fault{Refuse: true})
				time.AfterFunc(4*time.Minute, func() { m.heal() })
			}
		}
		p := w.process(func(c *cluster.Config) { c.ConnectTimeout = 5 * time.Minute })
		defer p.end()
		began, ends := time.Now(), map[string]time.Duration{}
		p.watch = func(r apply.Result) { ends[r.Step.ID] = time.Since(began) }
		if _, _, err := p.rounds(plan.Options{}); err != nil {
			w.Fatal(err)
		}
		if ends["init/m1"] > time.Minute || ends["label/w1"] > time.Minute || ends["label/m3"] > time.Minute {
			t.Errorf("init ended after %s, w1 after %s, m3 after %s", ends["init/m1"], ends["label/w1"], ends["label/m3"])
		}
		if ends["connect/w2"] < 3*time.Minute {
			t.Errorf("w2 was not late: %s", ends["connect/w2"])
		}
		w.settled()
	})
}

func TestAMachineThatNeverAnswersIsTheOnlyOneThatIsMissing(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: m}]\nworkers: [{name: w, count: 2}]")
		w.cloud.onBoot = func(m *machine) {
			if m.name == "w2" {
				m.sshd.Misbehave(sshtest.Fault{Silent: true})
			}
		}
		err := w.try()
		if want := "connect w2: dial w2 (10.0.0.3:22): connected, but no SSH banner: no answer within 10s for 30s"; err == nil || cmp.Diff(want, sorted(err)) != "" {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if got := len(w.net.Nodes()); got != 2 {
			t.Errorf("%d nodes, want the manager and one worker", got)
		}
		w.of("w2").heal()
		w.apply()
	})
}

// sorted is an error's text; machines get their addresses as they come.
func sorted(err error) string {
	text := err.Error()
	for _, addr := range []string{"10.0.0.1:", "10.0.0.2:"} {
		text = strings.ReplaceAll(text, addr, "10.0.0.3:")
	}
	return text
}

// What a host says, or does not, decides what is known of it.
func TestWhatIsKnownOfAHost(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wrong  func(*world, *machine)
		answer plan.Answer
		why    string
	}{
		{"all is well", func(*world, *machine) {}, plan.Answered, ""},
		{"nobody listens", func(_ *world, m *machine) { m.sshd.Misbehave(sshtest.Fault{Refuse: true}) }, plan.Silent,
			"dial a (10.0.0.1:22): connection refused for 20s"},
		{"no banner comes", func(_ *world, m *machine) { m.sshd.Misbehave(sshtest.Fault{Silent: true}) }, plan.Silent,
			"dial a (10.0.0.1:22): connected, but no SSH banner: no answer within 10s for 20s"},
		{"no command is run", func(_ *world, m *machine) { m.sshd.Misbehave(sshtest.Fault{RefuseExec: true}) }, plan.Silent,
			"on a: the host does not run commands"},
		{"the login is refused", func(_ *world, m *machine) { clear(m.keys) }, plan.Barred, "log in to a (10.0.0.1:22) as root: it refused "},
		{"the host key is another", func(w *world, m *machine) { w.spec.Nodes[0].SSH.HostKey = "SHA256:" + strings.Repeat("A", 43) }, plan.Barred,
			"verify a (10.0.0.1:22): host key is SHA256:"},
		{"the host key is unknown", func(w *world, m *machine) { w.spec.Nodes[0].SSH.HostKey = "" }, plan.Barred,
			"verify a (10.0.0.1:22): unknown host key SHA256:"},
		{"nobody may act as root", func(w *world, m *machine) { m.noSudo, w.spec.Nodes[0].SSH.User = true, "admin" }, plan.Barred,
			"on a as admin: sudo does not let the login user act as root: sudo: a password is required"},
		{"the engine hangs", func(_ *world, m *machine) { m.engine.SetSilent(true) }, plan.Silent,
			"wait for its engine to answer: not within 26s: read info: no answer within 25s"},
		{"the engine's socket is closed", func(_ *world, m *machine) { m.engine.SetDialError(errors.New("refused")) }, plan.Silent,
			"wait for its engine to answer: not within 26s: read info: "},
		{"the engine is stopped", func(_ *world, m *machine) { m.halt() }, plan.Answered, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a")
				w.file("provider: ssh\nmanagers: [" + lines["a"] + "]")
				w.apply()
				tt.wrong(w, w.of("a"))
				p := w.process()
				defer p.end()
				a := p.see().Hosts[0]
				if a.Answer != tt.answer || !strings.Contains(a.Why, tt.why) || (a.Why == "") != (tt.why == "") {
					t.Errorf("got  %s: %s\nwant %s: %s", a.Answer, a.Why, tt.answer, tt.why)
				}
				if a.Answer != plan.Answered && a.Info.State != "" {
					t.Errorf("its state is said to be %s", a.Info.State)
				}
				if (a.Err == nil) != (tt.why == "") {
					t.Errorf("its error is %v", a.Err)
				}
			})
		})
	}
}

// Without its only manager nothing is known of a swarm, and none is made.
func TestNoSwarmIsMadeWhileAManagerDoesNotAnswer(t *testing.T) {
	for name, wrong := range map[string]func(*machine){
		"its sshd is gone":     func(m *machine) { m.sshd.Misbehave(sshtest.Fault{Refuse: true}); m.sshd.Kick() },
		"its engine hangs":     func(m *machine) { m.engine.SetSilent(true) },
		"its login is refused": func(m *machine) { clear(m.keys) },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b")
				w.file("provider: ssh\nmanagers: [" + lines["a"] + "]")
				w.apply()
				wrong(w.of("a"))
				w.file("provider: ssh\nmanagers: [" + lines["b"] + ", " + lines["a"] + "]")
				if err := w.try(); err == nil {
					t.Error("nothing was wrong")
				}
				if got := len(w.net.Clusters()); got != 1 {
					t.Errorf("%d swarms, want 1", got)
				}
			})
		})
	}
}

func TestASecondLookReusesConnectionsAndRedialsDeadOnes(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		w.apply()
		p := w.process()
		defer p.end()
		p.see()
		counts := func() [2]int { return [2]int{w.of("a").sshd.Connections(), w.of("b").sshd.Connections()} }
		before := counts()
		p.see()
		if got := counts(); got != before {
			t.Errorf("%v connections after the second look, %v before it", got, before)
		}
		w.of("a").sshd.Kick()
		w.of("b").sshd.Misbehave(muted()) // as a cable that was pulled out
		time.Sleep(time.Second)
		time.AfterFunc(5*time.Second, func() { w.of("b").sshd.Kick(); w.of("b").heal() })
		for _, h := range p.see().Hosts {
			if h.Answer != plan.Answered {
				t.Errorf("%s is %s: %s", h.Node, h.Answer, h.Why)
			}
		}
	})
}

func TestALostLoginKeyIsReplaced(t *testing.T) {
	for name, lose := range map[string]func(w *world){
		"it is gone":    func(w *world) { _ = os.Remove(filepath.Join(w.home, "id_ed25519")) },
		"it is another": func(w *world) { w.newKey() },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: a}]\nworkers: [{name: b}]")
				w.apply()
				lose(w)

				p := w.process(func(c *cluster.Config) { c.ReadOnly = true })
				defer p.end()
				for _, h := range p.see().Hosts {
					if h.Answer != plan.Silent || h.Why != "it does not know the login key: apply makes it known" {
						t.Errorf("read only: %s is %s: %s", h.Node, h.Answer, h.Why)
					}
				}
				w.apply()
				if got := len(w.of("a").keys); w.of("a").keys[got-1] == "" && w.of("a").keys[1] == "" {
					t.Errorf("a was given no key: %q", w.of("a").keys)
				}
			})
		})
	}
}

// A run that was killed between the making of a key and the giving of it must
// not lock anybody out, nor may one machine that does not take it.
func TestAMachineThatCannotBeGivenTheKeyIsSilent(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\nworkers: [{name: b}]")
		w.apply()
		w.newKey()
		w.cloud.onAuthorize = func(m *machine) error {
			if m.name == "b" {
				return errors.New("no such container")
			}
			return nil
		}
		p := w.process()
		defer p.end()
		var got []string
		for _, h := range p.see().Hosts {
			got = append(got, h.Node+" "+string(h.Answer)+" "+h.Why)
		}
		if diff := cmp.Diff([]string{"a answered ", "b silent it does not know the login key: no such container"}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// newKey puts another key where swarmup keeps the cluster's.
func (w *world) newKey() {
	w.Helper()
	path := filepath.Join(w.home, "id_ed25519")
	_ = os.Remove(path)
	if _, _, _, err := ssh.LoadOrCreateKey(path); err != nil {
		w.Fatal(err)
	}
}

func TestReadOnlyWritesNothing(t *testing.T) {
	readOnly := func(c *cluster.Config) { c.ReadOnly = true }
	in(t, func(w *world) {
		w.file("managers: [{name: a, engine_labels: {x: one}}]\nworkers: [{name: b}]")
		look := func() string {
			p := w.process(readOnly)
			defer p.end()
			p.see()
			out := ""
			for _, m := range w.machines {
				out += m.state()
			}
			_ = filepath.WalkDir(filepath.Dir(w.home), func(path string, _ fs.DirEntry, err error) error {
				out += path + "\n"
				return err
			})
			for _, call := range []string{"POST /swarm/init", "POST /swarm/join", "POST /nodes/{id}/update", "DELETE /nodes/{id}", "POST /swarm/update"} {
				out += call + strings.Repeat(" x", w.net.Calls(call)) + "\n"
			}
			return out
		}
		look()
		if _, err := os.Stat(w.home); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("before there is anything: %s is there (%v)", w.home, err)
		}
		w.apply()
		before := look()
		w.file("managers: [{name: a, engine_labels: {x: two}}]")
		if diff := cmp.Diff(before, look()); diff != "" {
			t.Errorf("a look changes the world (-before +after)\n%s", diff)
		}
	})
}

func TestAStoppedMachineIsSwitchedOn(t *testing.T) {
	in(t, func(w *world) {
		w.file(three)
		w.apply()
		for _, n := range []string{"m1", "m2"} {
			if err := w.cloud.Stop(context.Background(), w.listed(n)); err != nil {
				w.Fatal(err)
			}
		}
		p := w.process()
		defer p.end()
		for _, h := range p.see().Hosts {
			if off := h.Node != "m3"; off != (h.Answer == plan.Off) || off && h.Why != "it is switched off" {
				t.Errorf("%s is %s: %s", h.Node, h.Answer, h.Why)
			}
		}
		w.net.ResetMargin()
		w.apply()
	})
}

// authorize lets a key in.
func (m *machine) authorize(keys []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range keys {
		if free := slices.Index(m.keys, ""); free >= 0 && !slices.Contains(m.keys, k) {
			m.keys[free] = k
		}
	}
}
