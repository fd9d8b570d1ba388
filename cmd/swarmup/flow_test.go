package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

const file = `name: demo
provider: docker
managers: [{name: mgr1}]
workers: [{name: n, count: 2, labels: {secret: "${SECRET:-none}"}}]
`

// world is a conductor for one run: each look at it reveals the next of its
// plans, and the last one again and again. Steps in it take no time and succeed
// unless do says otherwise.
type world struct {
	reacher

	plans []plan.Plan
	have  plan.State
	do    func(ctx context.Context, s plan.Step) (string, error)
	fail  error // of Observe

	mu      sync.Mutex
	patient time.Duration // of the last look
	looks   int
	did     []string
	closed  int
	asked   settings
	members []engine.Node
	rotated []engine.Rotation
	stored  int   // how often the unlock key was
	refuses error // what the swarm says to all that
	wish    plan.Options
	place   lock.Store
	folder  []byte // the tar of the swarm folder
	moves   bool   // others change it before the lock is taken
}

func (w *world) ForceNew(_ context.Context, node string) (string, error) {
	w.did = append(w.did, "force/"+node)
	return "ours", w.fail
}

func (w *world) SaveSwarm(_ context.Context, node string, read func(io.Reader) error) error {
	w.did = append(w.did, "save/"+node)
	return errors.Join(w.fail, read(bytes.NewReader(w.folder)))
}

func (w *world) RestoreSwarm(_ context.Context, node string, content io.Reader) (string, error) {
	w.did = append(w.did, "restore/"+node)
	got, err := io.ReadAll(content)
	w.folder = got
	return "ours", err
}

func (w *world) LockStore() lock.Store { return w.place }

func (w *world) Rotate(_ context.Context, what engine.Rotation) error {
	w.rotated = append(w.rotated, what)
	return w.refuses
}

func (w *world) Trust(context.Context) (engine.Swarm, []engine.Node, error) {
	return engine.Swarm{}, w.members, w.refuses
}

func (w *world) StoreKey(context.Context) (string, error) {
	w.stored++
	return "", w.refuses
}

func (w *world) Moved(context.Context) (bool, error) { return w.moves, nil }

func (w *world) connect(s settings) (conductor, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = s
	return w, nil
}

func (w *world) Observe(_ context.Context, patience time.Duration) (plan.State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	w.patient = patience
	return w.have, w.fail
}

func (w *world) diff(c *spec.Cluster, _ plan.State, opt plan.Options) plan.Plan {
	w.wish = opt
	if len(w.plans) == 0 {
		return plan.Plan{Cluster: c.Name, Steps: []plan.Step{}}
	}
	p := w.plans[min(w.looks, len(w.plans))-1]
	p.Cluster, p.Teardown = c.Name, opt.Teardown
	return p
}

func (w *world) Do(ctx context.Context, s plan.Step) (string, error) {
	w.mu.Lock()
	w.did = append(w.did, s.ID)
	w.mu.Unlock()
	if w.do == nil {
		return "", nil
	}
	return w.do(ctx, s)
}

func (w *world) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed++
	return nil
}

// user is who runs swarmup, with what they have around them.
type user struct {
	world    *world
	answers  string // typed on the terminal
	terminal bool
	env      map[string]string
	signals  chan os.Signal
	exit     func(int)
	file     string // cluster.yaml; "" is the constant above
	typed    string // on the terminal, where nothing is shown
}

// result is what they get.
type result struct {
	code     int
	out, err string
}

// run runs swarmup with a file that has the content of the constant above.
func (u user) run(t *testing.T, args ...string) result {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("cluster.yaml", []byte(cmp.Or(u.file, file)), 0o600); err != nil {
		t.Fatal(err)
	}
	if u.world == nil {
		u.world = &world{}
	}
	var out, stderr bytes.Buffer
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	code := run(t.Context(), args, env{
		in: strings.NewReader(u.answers), out: &out, err: &stderr, terminal: u.terminal,
		lookup: func(name string) (string, bool) { v, ok := u.env[name]; return v, ok },
		now:    func() time.Time { return clock }, signals: u.signals, exit: u.exit,
		connect: u.world.connect, diff: u.world.diff,
		who: func(command string) lock.Run {
			return lock.Run{ID: "us", Holder: "ann@laptop", Process: 7, Command: "swarmup " + command, Since: clock}
		},
		hidden: func(context.Context) (string, error) { return u.typed, nil },
	})
	for line := range strings.Lines(stderr.String()) {
		if !strings.HasPrefix(line, "swarmup: ") {
			t.Errorf("a line of standard error does not say who speaks: %q", line)
		}
	}
	return result{code: code, out: out.String(), err: stderr.String()}
}

// wants compares a result: the exit code, and what the outputs must hold.
func (r result) wants(t *testing.T, code int, out, stderr []string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, s := range out {
		if !strings.Contains(r.out, s) {
			t.Errorf("standard output lacks %q", s)
		}
	}
	for _, s := range stderr {
		if !strings.Contains(r.err, s) {
			t.Errorf("standard error lacks %q", s)
		}
	}
	if t.Failed() {
		t.Logf("standard output:\n%s\nstandard error:\n%s", r.out, r.err)
	}
}

// steps makes a plan of steps ID[<AFTER], each about a node: "join/n1<create/n1".
func steps(ids ...string) plan.Plan {
	p := plan.Plan{Steps: []plan.Step{}}
	for _, id := range ids {
		id, after, _ := strings.Cut(id, "<")
		action, node, _ := strings.Cut(id, "/")
		s := plan.Step{ID: id, Action: plan.Action(action), Node: node, Role: spec.Worker}
		if after != "" {
			s.After = []string{after}
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

func partial(p plan.Plan) plan.Plan { p.Partial = true; return p }

// failing fails the steps of that ID.
func failing(id, text string) func(context.Context, plan.Step) (string, error) {
	return func(_ context.Context, s plan.Step) (string, error) {
		if s.ID == id {
			return "", errors.New(text)
		}
		return "", nil
	}
}

func TestApply(t *testing.T) {
	refused := plan.Plan{Refused: []plan.Finding{{Text: "two swarms", Hint: "decide which"}}}
	blocked := steps("join/n1")
	blocked.Blocked = []plan.Finding{{Node: "n2", Text: "did not answer", Hint: "bring it back"}}
	tests := []struct {
		name     string
		world    *world
		args     string
		code     int
		out, err []string
		did      string
	}{
		{name: "does nothing where there is nothing to do", world: &world{}, out: []string{"demo: nothing to do\n"}},
		{name: "does the steps of the plan", world: &world{plans: []plan.Plan{steps("create/n1", "join/n1<create/n1")}},
			out: []string{"demo: 2 steps, 1 node to add\n", "demo: done: 1 node, 2 steps, 0.0 s\n"},
			err: []string{"n1: create machine ...\n", "n1: create machine: done", "n1: join as worker: done"}, did: "create/n1 join/n1"},
		{name: "tells the ID of a new swarm", world: &world{plans: []plan.Plan{steps("init/mgr1")}, do: func(context.Context, plan.Step) (string, error) { return "swarm 53x1z42e", nil }},
			out: []string{"demo: new swarm 53x1z42e; the file may pin it as swarm.id\ndemo: done"}, did: "init/mgr1"},
		{name: "goes on after a failure, says what was held back, and exits with 1",
			world: &world{plans: []plan.Plan{steps("create/n1", "join/n1<create/n1", "label/n1<join/n1", "create/n2")}, do: failing("create/n1", "no room")},
			code:  exitFailed, out: []string{"demo: failed: 2 nodes, 4 steps (1 failed, 2 held back), 0.0 s\n"},
			err: []string{"swarmup: n1: create machine: no room\n", "swarmup: n1: held back: join as worker and label\n", "run swarmup apply again"}, did: "create/n1 create/n2"},
		{name: "does what can be done where something is blocked, and exits with 1", world: &world{plans: []plan.Plan{blocked}},
			code: exitFailed, out: []string{"demo: blocked:"}, err: []string{"swarmup: blocked: n2: did not answer\nswarmup: hint: bring it back\n"}, did: "join/n1"},
		{name: "touches nothing when it is refused", world: &world{plans: []plan.Plan{refused}},
			code: exitRefused, out: []string{"demo: refused\n"}, err: []string{"swarmup: refused: two swarms\nswarmup: hint: decide which\n"}},
		{name: "looks again after a plan that hides something",
			world: &world{plans: []plan.Plan{partial(steps("start/n1")), steps("join/n1")}},
			out:   []string{"demo: 1 step, 1 node to change\n", "demo: done: 1 node, 2 steps"}, did: "join/n1 start/n1"},
		{name: "is done when the second look shows that nothing is left",
			world: &world{plans: []plan.Plan{partial(steps("start/n1")), steps()}}, did: "start/n1"},
		{name: "gives up after three rounds", world: &world{plans: []plan.Plan{partial(steps("start/n1"))}},
			code: exitFailed, err: []string{"demo is not settled after 3 rounds"}, did: "start/n1 start/n1 start/n1"},
		{name: "does not try a second time what would fail again",
			world: &world{plans: []plan.Plan{partial(steps("unlock/n1"))}, do: func(context.Context, plan.Step) (string, error) { return "", errors.New("a wrong key") }},
			code:  exitFailed, err: []string{"n1: unlock manager: a wrong key\n"}, did: "unlock/n1"},
		{name: "fails, rather than refuses, when a later round is refused", world: &world{plans: []plan.Plan{partial(steps("start/n1")), refused}},
			code: exitFailed, err: []string{"refused: two swarms"}, did: "start/n1"},
		{name: "fails when the world cannot be observed", world: &world{fail: errors.New("no daemon")},
			code: exitFailed, err: []string{"swarmup: observe demo: no daemon\n"}},
		{name: "needs a limit for the steps at once", args: "--parallel 0", code: exitRefused, err: []string{"--parallel is 0"}},
		{name: "needs time to connect", args: "--connect-timeout 0s", code: exitRefused, err: []string{"--connect-timeout is 0s"}},
		{name: "needs time to drain", args: "--drain-timeout -1s", code: exitRefused, err: []string{"--drain-timeout is -1s"}},
		{name: "needs a form that it knows", args: "-o yaml", code: exitRefused, err: []string{`unknown output form "yaml" for apply (known: text, json)`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			if tt.world == nil {
				tt.world = &world{}
			}
			got := user{world: tt.world}.run(t, append([]string{"apply"}, strings.Fields(tt.args)...)...)
			got.wants(t, tt.code, tt.out, tt.err)
			slices.Sort(tt.world.did)
			if got := strings.Join(tt.world.did, " "); got != tt.did {
				t.Errorf("did %q, want %q", got, tt.did)
			}
			if tt.world.looks > 0 && tt.world.closed != 1 {
				t.Errorf("closed %d times", tt.world.closed)
			}
		})
	}
}

func TestApplyPassesItsFlagsOn(t *testing.T) {
	w := &world{}
	user{world: w, env: map[string]string{"SWARMUP_HOME": "/h"}}.run(t, "apply", "cluster.yaml", "--prune", "--accept-new-host-keys",
		"--connect-timeout", "3s", "--drain-timeout=4s", "--force-drain").wants(t, exitDone, nil, nil)
	got := w.asked
	if !w.wish.Prune || w.wish.Teardown || !got.acceptNew || !got.forceDrain || got.connectTimeout != 3*time.Second || got.drainTimeout != 4*time.Second {
		t.Errorf("got %+v with %+v", got, w.wish)
	}
	if got.cluster.Name != "demo" || got.env("SWARMUP_HOME") != "/h" {
		t.Errorf("cluster %q, home %q", got.cluster.Name, got.env("SWARMUP_HOME"))
	}
}

func TestPatienceIsNoLongerThanTheTimeToConnect(t *testing.T) {
	for args, want := range map[string]time.Duration{
		"apply": applyPatience, "apply --connect-timeout 3s": 3 * time.Second, "plan": lookPatience, "status": lookPatience,
		"destroy": lookPatience, "destroy --connect-timeout 3s": 3 * time.Second,
	} {
		w := &world{}
		user{world: w}.run(t, strings.Fields(args)...)
		if w.patient != want {
			t.Errorf("%s: %s, want %s", args, w.patient, want)
		}
	}
}

func TestDestroy(t *testing.T) {
	gone := steps("leave/n1", "delete/n1<leave/n1", "clean")
	tests := []struct {
		name     string
		user     user
		args     string
		code     int
		out, err []string
		did      int
	}{
		{name: "takes all down after a yes", user: user{world: &world{plans: []plan.Plan{gone}}, terminal: true, answers: "y\n"},
			out: []string{"demo: 3 steps, 1 node to remove\n", "demo: done"}, err: []string{"this takes demo down: n1\n", "go on? [y/N]"}, did: 3},
		{name: "touches nothing without a yes", user: user{world: &world{plans: []plan.Plan{gone}}, terminal: true, answers: "\n"},
			code: exitRefused, err: []string{"not confirmed"}},
		{name: "refuses to ask where there is no terminal", user: user{world: &world{plans: []plan.Plan{gone}}, answers: "y\n"},
			code: exitRefused, err: []string{"this takes demo down: n1, and there is no terminal to ask on", "swarmup destroy --yes"}},
		{name: "does not ask with --yes, whatever is removed", args: "--yes", user: user{world: &world{plans: []plan.Plan{steps("delete/n1", "delete/n2", "delete/n3")}}}, did: 3},
		{name: "does not ask where there is nothing", user: user{world: &world{}}, out: []string{"demo: nothing to do"}},
		{name: "finds a cluster by its name", args: "--name other --provider docker --yes", user: user{world: &world{plans: []plan.Plan{gone}}}, out: []string{"other: done"}, did: 3},
		{name: "has no list of the machines of provider ssh", args: "--name other --provider ssh", code: exitRefused, err: []string{"only the file has one"}},
		{name: "knows the providers that keep a list", args: "--name other --provider dockr", code: exitRefused, err: []string{`unknown provider "dockr" (did you mean "docker"?)`}},
		{name: "takes no path for a name", args: "--name ../other --provider docker --yes", code: exitRefused, err: []string{`--name "../other"`}},
		{name: "needs both, name and provider", args: "--name other", code: exitRefused, err: []string{"--name goes with --provider"}},
		{name: "needs both, provider and name", args: "--provider docker", code: exitRefused, err: []string{"--provider goes with --name"}},
		{name: "takes a file or a name", args: "--name other --provider docker cluster.yaml", code: exitRefused, err: []string{"not both"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.user.world == nil {
				tt.user.world = &world{}
			}
			got := tt.user.run(t, append([]string{"destroy"}, strings.Fields(tt.args)...)...)
			got.wants(t, tt.code, tt.out, tt.err)
			if len(tt.user.world.did) != tt.did {
				t.Errorf("did %q, want %d steps", tt.user.world.did, tt.did)
			}
			if tt.user.world.looks > 0 && !tt.user.world.wish.Teardown {
				t.Error("planned no teardown")
			}
		})
	}
}

func TestPlanExitCodes(t *testing.T) {
	changes := steps("join/n1")
	blocked := plan.Plan{Steps: []plan.Step{}, Blocked: []plan.Finding{{Node: "n1", Text: "is off"}, {Node: "n2", Text: "is off"}}}
	refused := plan.Plan{Steps: []plan.Step{}, Refused: []plan.Finding{{Text: "two swarms"}}}
	tests := []struct {
		name     string
		plan     plan.Plan
		args     string
		code     int
		out, err []string
	}{
		{name: "0 for changes", plan: changes, out: []string{"+ n1  join as worker"}},
		{name: "2 for changes where it was asked for", plan: changes, args: "--detailed-exitcode", code: exitChanges},
		{name: "0 for nothing to do", plan: steps(), args: "--detailed-exitcode", out: []string{"nothing to do"}},
		{name: "1 for what is blocked", plan: blocked, args: "--detailed-exitcode", code: exitFailed,
			out: []string{"Blocked:\n  n1: is off\n"}, err: []string{"swarmup: demo is blocked: n1 and n2\n"}},
		{name: "3 for what is refused", plan: refused, code: exitRefused, out: []string{"demo: refused"}, err: []string{"swarmup: refused: two swarms\n"}},
		{name: "also in JSON", plan: refused, args: "-o json", code: exitRefused, out: []string{`"text": "two swarms"`}},
		{name: "also in Markdown", plan: changes, args: "-o markdown --detailed-exitcode", code: exitChanges, out: []string{"### swarmup plan: demo"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{plans: []plan.Plan{tt.plan}}
			user{world: w}.run(t, append([]string{"plan"}, strings.Fields(tt.args)...)...).wants(t, tt.code, tt.out, tt.err)
			if len(w.did) > 0 {
				t.Errorf("did %q", w.did)
			}
		})
	}
}

func TestStatusFailsWhereAMachineIsUnknown(t *testing.T) {
	host := plan.Host{Node: "n1", Answer: plan.Silent, Why: "connection refused"}
	got := user{world: &world{have: plan.State{Hosts: []plan.Host{host}}}}.run(t, "status")
	got.wants(t, exitFailed, []string{"n1", "silent", "could not be asked; connection refused"}, nil)
	host.Answer = plan.Off
	user{world: &world{have: plan.State{Hosts: []plan.Host{host}}}}.run(t, "status", "-o", "json").wants(t, exitDone, []string{`"state": "off"`}, nil)
}
