package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
)

const (
	lockedFile = `name: demo
provider: docker
managers: [{name: m, count: 3}]
workers: [{name: n}]
`
	storedFile = lockedFile + "swarm: {autolock: {key_file: ./unlock.key}}\n"
)

// oneKey is some unlock key.
var oneKey = "SWMKEY-1-" + strings.Repeat("k", 43)

// rebooted is a world in which m1 works, m2 and m3 are locked, and n is a worker.
func rebooted() *world {
	host := func(node string, state engine.State) plan.Host {
		return plan.Host{Node: node, Machine: plan.Machine{Name: "demo-" + node}, Answer: plan.Answered, Engine: plan.EngineRunning, Info: engine.Info{State: state}}
	}
	return &world{have: plan.State{Hosts: []plan.Host{host("m1", engine.Active), host("m2", engine.Locked), host("m3", engine.Locked), host("n", engine.Active)}}}
}

func TestUnlock(t *testing.T) {
	silent := rebooted()
	silent.have.Hosts[1] = plan.Host{Node: "m2", Answer: plan.Silent, Why: "no route to host"}
	wrong := rebooted()
	wrong.do = func(_ context.Context, s plan.Step) (string, error) {
		if s.Node == "m2" {
			return "", &cluster.WrongKeyError{Store: "unlock.key"}
		}
		return "it took the key, and waits for other managers", nil
	}
	tests := []struct {
		name     string
		user     user
		args     string
		code     int
		out, err []string
		did      string
	}{
		{name: "unlocks all managers that are locked", user: user{file: storedFile},
			out: []string{"m1  not locked\nm2  unlocked\nm3  unlocked\n"}, did: "unlock/m2 unlock/m3"},
		{name: "unlocks those that are named", user: user{file: storedFile}, args: "m3 m1", out: []string{"m3  unlocked\nm1  not locked\n"}, did: "unlock/m3"},
		{name: "takes a file before them", user: user{file: storedFile}, args: "./cluster.yaml m2", out: []string{"m2  unlocked\n"}, did: "unlock/m2"},
		{name: "says what else a node is", user: user{file: storedFile}, args: "n", out: []string{"n  worker: workers are never locked\n"}},
		{name: "knows the nodes of the file", user: user{file: storedFile}, args: "m4", code: exitRefused, err: []string{`no node "m4" in the file`}},
		{name: "tells of a key that is wrong", user: user{file: storedFile, world: wrong}, code: exitFailed, did: "unlock/m2 unlock/m3",
			out: []string{"m2  failed: the key from unlock.key does not unlock it\nm3  unlocked: it took the key, and waits for other managers\n"},
			err: []string{"swarmup: unlock m2: the key from unlock.key does not unlock it\n", "hint: is it the key of this swarm?"}},
		{name: "tells of a node that does not answer", user: user{file: storedFile, world: silent}, code: exitFailed, did: "unlock/m3",
			out: []string{"m2  silent: no route to host\n"}, err: []string{"m2 cannot be asked: no route to host"}},
		{name: "speaks JSON", user: user{file: storedFile}, args: "-o json m2", did: "unlock/m2",
			out: []string{"\"nodes\": [\n    {\n      \"node\": \"m2\",\n      \"result\": \"unlocked\"\n    }\n  ]"}},
		{name: "takes a key from standard input", user: user{file: lockedFile, answers: oneKey + "\n"}, args: "m2", did: "unlock/m2"},
		{name: "wants one there", user: user{file: lockedFile}, code: exitRefused, err: []string{"read the unlock key from standard input: it is no unlock key"}},
		{name: "wants one in the file that is named", user: user{file: storedFile}, args: "--key-file cluster.yaml", code: exitRefused,
			err: []string{"read the unlock key from cluster.yaml: it is no unlock key"}},
		{name: "wants that file", user: user{file: storedFile}, args: "--key-file nosuch", code: exitRefused, err: []string{`read key file "nosuch": no such file`}},
		{name: "does not read both from standard input", user: user{answers: lockedFile}, args: "-", code: exitRefused, err: []string{"standard input holds the file already"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.user.world == nil {
				tt.user.world = rebooted()
			}
			got := tt.user.run(t, append([]string{"unlock"}, strings.Fields(tt.args)...)...)
			got.wants(t, tt.code, tt.out, tt.err)
			slices.Sort(tt.user.world.did)
			if did := strings.Join(tt.user.world.did, " "); did != tt.did {
				t.Errorf("did %q, want %q", did, tt.did)
			}
			if strings.Contains(got.out+got.err, oneKey) {
				t.Error("the key is shown")
			}
		})
	}
}

func TestAGivenKeyGoesBeforeTheStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(oneKey+"\n# more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		user user
		args []string
		from string
	}{
		{"a file", user{file: storedFile}, []string{"--key-file", path}, path},
		{"standard input", user{file: storedFile, answers: oneKey}, []string{"--key-file", "-"}, "standard input"},
		{"a terminal", user{file: lockedFile, terminal: true, typed: oneKey + " "}, nil, "the terminal"},
		{"the store", user{file: storedFile, terminal: true}, nil, ""},
	} {
		w := rebooted()
		tt.user.world = w
		tt.user.run(t, append([]string{"unlock"}, tt.args...)...).wants(t, exitDone, nil, nil)
		if tt.from == "" {
			if w.asked.key != nil {
				t.Errorf("%s: another key was given", tt.name)
			}
			continue
		}
		key, from, err := w.asked.key(t.Context())
		if err != nil || key.Reveal() != oneKey || from != tt.from || !w.asked.keyUnasked {
			t.Errorf("%s: got a key from %q, %v", tt.name, from, err)
		}
	}
}

func TestAKeyIsTypedOnceForAll(t *testing.T) {
	var asked int
	e := env{err: &strings.Builder{}, terminal: true, hidden: func(context.Context) (string, error) {
		asked++
		return oneKey, nil
	}}
	source := e.typedKey()
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if key, _, err := source(t.Context()); err != nil || key.Reveal() != oneKey {
				t.Errorf("got %v, %v", key, err)
			}
		})
	}
	wg.Wait()
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	e.hidden = func(context.Context) (string, error) { return "hello", nil }
	if _, _, err := e.typedKey()(t.Context()); err == nil || strings.Contains(err.Error(), "hello") {
		t.Errorf("got %v", err)
	}
	e.hidden = func(context.Context) (string, error) { return "", errInterrupted }
	if _, _, err := e.typedKey()(t.Context()); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v", err)
	}
}

func TestStatusLeavesTheStoreOfTheKeyAlone(t *testing.T) {
	for command, want := range map[string]bool{"status": true, "plan": false, "apply": false} {
		w := &world{}
		user{world: w, file: storedFile}.run(t, command)
		if w.asked.keyUnasked != want {
			t.Errorf("%s: got %t", command, w.asked.keyUnasked)
		}
	}
}
