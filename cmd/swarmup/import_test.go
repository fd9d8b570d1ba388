package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// someone is a manager of a swarm that is there.
type someone struct {
	info   engine.Info
	nodes  []engine.Node
	closed bool
}

func (m *someone) Info(context.Context) (engine.Info, error) { return m.info, nil }
func (m *someone) Swarm(context.Context) (engine.Swarm, error) {
	return engine.Swarm{ID: "53x1z42eir65p7gvw1nc5utuy", TaskHistory: 5}, nil
}
func (m *someone) Nodes(context.Context) ([]engine.Node, error)    { return m.nodes, nil }
func (m *someone) Ingress(context.Context) (engine.Ingress, error) { return engine.Ingress{}, nil }
func (m *someone) Close() error                                    { m.closed = true; return nil }

func swarmOfTwo() *someone {
	return &someone{
		info: engine.Info{Hostname: "a", State: engine.Active, Manager: true, NodeID: "n1"},
		nodes: []engine.Node{
			{ID: "n1", Hostname: "a", Addr: "192.0.2.1", Role: "manager", State: "ready", Manager: &engine.ManagerStatus{}},
			{ID: "n2", Hostname: "b", Addr: "192.0.2.2", Role: "worker", State: "ready"},
			{ID: "n3", Hostname: "c", Role: "worker", State: "down"},
		},
	}
}

// importing runs import against a manager, and says who was asked.
func importing(t *testing.T, m *someone, args ...string) (got result, at reach) {
	t.Helper()
	t.Chdir(t.TempDir())
	var out, stderr bytes.Buffer
	code := run(t.Context(), append([]string{"import"}, args...), env{
		in: strings.NewReader(""), out: &out, err: &stderr, lookup: func(string) (string, bool) { return "", false },
		manager: func(_ context.Context, _ env, r reach) (asked, error) {
			at = r
			if m == nil {
				return nil, errors.New("nobody answers")
			}
			return m, nil
		},
	})
	return result{code: code, out: out.String(), err: stderr.String()}, at
}

const imported = `name: swarm
provider: ssh
ssh: {user: root, port: 2222}
swarm:
  id: 53x1z42eir65p7gvw1nc5utuy
managers:
  - {name: a, address: "192.0.2.1"}
workers:
  - {name: b, address: "192.0.2.2"}
`

func TestImportWritesTheFileOfASwarm(t *testing.T) {
	m := swarmOfTwo()
	got, at := importing(t, m, "--ssh", "root@192.0.2.1:2222", "--accept-new-host-keys")
	got.wants(t, exitDone, []string{imported}, []string{"left out: c (n3), which is down\n"})
	if want := (reach{target: ssh.Target{Name: "192.0.2.1", Host: "192.0.2.1", Port: 2222, User: "root"}, accept: true}); at != want {
		t.Errorf("asked %+v, want %+v", at, want)
	}
	if !m.closed {
		t.Error("the connection was left open")
	}
}

func TestImportWritesToAFileThatIsNotThere(t *testing.T) {
	got, _ := importing(t, swarmOfTwo(), "--ssh", "root@192.0.2.1:2222", "--out", "c.yaml")
	got.wants(t, exitDone, []string{"c.yaml is written (2 nodes); next: swarmup plan c.yaml\n"}, nil)
	text, err := os.ReadFile("c.yaml")
	if err != nil || !strings.HasSuffix(string(text), imported) {
		t.Errorf("wrote %s (%v)", text, err)
	}
	path, _ := filepath.Abs("c.yaml")
	again, _ := importing(t, swarmOfTwo(), "--out", path)
	again.wants(t, exitRefused, nil, []string{"exists already, and is left as it is"})
	if now, _ := os.ReadFile(path); !bytes.Equal(now, text) {
		t.Error("it was written over")
	}
}

func TestWhatImportRefuses(t *testing.T) {
	worker := swarmOfTwo()
	worker.info.Manager = false
	for args, tt := range map[string]struct {
		m    *someone
		code int
		err  string
	}{
		"--ssh @x":                  {swarmOfTwo(), exitRefused, `--ssh "@x" is not [USER@]HOST[:PORT]`},
		"--ssh root@":               {swarmOfTwo(), exitRefused, `--ssh "root@" is not [USER@]HOST[:PORT]`},
		"--ssh a:0":                 {swarmOfTwo(), exitRefused, `"0" is no port`},
		"--identity-file k":         {swarmOfTwo(), exitRefused, "--identity-file goes with --ssh"},
		"--ssh a":                   {worker, exitRefused, "import: a: it is no manager of a swarm"},
		"--ssh b":                   {nil, exitFailed, "nobody answers"},
		"--ssh a --name Not-A-Name": {swarmOfTwo(), exitFailed, "name: "},
		"--ssh a --name Not-A-Name --out c2.yaml": {swarmOfTwo(), exitFailed, "name: "},
	} {
		got, _ := importing(t, tt.m, strings.Fields(args)...)
		got.wants(t, tt.code, nil, []string{tt.err})
		if _, err := os.Stat("c2.yaml"); err == nil {
			t.Errorf("%s: a file that is none was written", args)
		}
	}
}
