package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
)

// lived is a cluster of a manager, a worker and one that does not answer.
func lived() *world {
	host := func(node, id, address string) plan.Host {
		return plan.Host{
			Node: node, Answer: plan.Answered, Engine: plan.EngineRunning, SSH: "root@" + address + ":22",
			Machine: plan.Machine{Name: "demo-" + node + "-a1b2", Address: address},
			Info:    engine.Info{State: engine.Active, NodeID: id, Version: "28.5.2"},
		}
	}
	silent := host("n2", "", "10.0.0.3")
	silent.Answer, silent.Why, silent.SSH, silent.Info = plan.Silent, "dial n2 (10.0.0.3:22): no answer within 10s", "", engine.Info{}
	return &world{have: plan.State{
		Hosts: []plan.Host{host("mgr1", "id1", "10.0.0.1"), host("n1", "id2", "10.0.0.2"), silent},
		Swarm: &plan.View{ID: "c1", Via: "mgr1", Nodes: []engine.Node{
			{ID: "id1", Hostname: "mgr1", Role: "manager", Availability: "drain", State: "ready", Manager: &engine.ManagerStatus{Leader: true, Reachability: "reachable"}},
			{ID: "id2", Hostname: "n1", Role: "worker", Availability: "active", State: "ready", Labels: map[string]string{"zone": "a", "ssd": "", "swarmup.cluster": "demo"}},
		}},
	}}
}

func TestLs(t *testing.T) {
	tests := []struct {
		name, env string
		args      []string
		code      int
		out, err  string
	}{
		{name: "is a table", env: "tcp://10.0.0.1:2376", out: `NAME  ACTIVE  ROLE     STATUS  AVAILABILITY  ENGINE  ADDRESS   PROVIDER  LABELS      ERRORS
mgr1  *       manager  ready   drain         28.5.2  10.0.0.1  docker    -
n1    -       worker   ready   active        28.5.2  10.0.0.2  docker    ssd,zone=a
n2    -       worker   silent  -             -       10.0.0.3  docker    secret=none  dial n2 (10.0.0.3:22): no answer within 10s
`},
		{name: "prints names", args: []string{"-q"}, out: "mgr1\nn1\nn2\n"},
		{name: "filters by role", args: []string{"-q", "--filter", "role=worker"}, out: "n1\nn2\n"},
		{name: "filters by status", args: []string{"-q", "--filter", "status=Ready"}, out: "mgr1\nn1\n"},
		{name: "filters by a label that is there", args: []string{"-q", "--filter", "label=ssd"}, out: "n1\n"},
		{name: "filters by a label's value", args: []string{"-q", "--filter", "label=zone=b"}, out: ""},
		{name: "filters by provider", args: []string{"-q", "--filter", "provider=ssh"}, out: ""},
		{name: "widens within one kind and narrows between kinds", args: []string{"-q", "--filter", "name=^mgr", "--filter", "name=1$", "--filter", "role=worker"}, out: "n1\n"},
		{name: "takes a template", args: []string{"--format", `{{.Name}} {{.Label "zone"}} {{.Leader}}`, "--filter", "status=ready"}, out: "mgr1  true\nn1 a false\n"},
		{name: "takes a template with a heading", args: []string{"--format", `table {{.Name}}\t{{.Label "zone"}}`, "--filter", "name=n1"}, out: "NAME  ZONE\nn1    a\n"},
		{name: "has lists of several files", args: []string{"cluster.yaml", "cluster.yaml", "--format", "{{.Cluster}}/{{.Name}}", "--filter", "name=n1"}, out: "demo/n1\ndemo/n1\n"},
		{name: "names the cluster where there are several", args: []string{"cluster.yaml", "cluster.yaml", "--filter", "name=^x"},
			out: "CLUSTER  NAME  ACTIVE  ROLE  STATUS  AVAILABILITY  ENGINE  ADDRESS  PROVIDER  LABELS  ERRORS\n"},
		{name: "is an empty list in JSON", args: []string{"--format", "json", "--filter", "name=^x"}, out: "[]\n"},
		{name: "knows its fields", args: []string{"--format", "{{.Nmae}}"}, code: exitRefused, err: "can't evaluate field Nmae"},
		{name: "knows its filters", args: []string{"--filter", "rol=worker"}, code: exitRefused, err: `unknown filter "rol" (did you mean "role"?)`},
		{name: "wants values of filters", args: []string{"--filter", "role"}, code: exitRefused, err: `--filter "role" is not KEY=VALUE`},
		{name: "wants regular expressions", args: []string{"--filter", "name=("}, code: exitRefused, err: "no regular expression"},
		{name: "is either short or formatted", args: []string{"-q", "--format", "json"}, code: exitRefused, err: "contradict each other"},
		{name: "waits for something", args: []string{"--timeout", "0s"}, code: exitRefused, err: "--timeout is 0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := lived()
			got := user{world: w, env: map[string]string{"DOCKER_HOST": tt.env}}.run(t, append([]string{"ls"}, tt.args...)...)
			got.wants(t, tt.code, nil, []string{tt.err})
			if got.code == exitDone && got.out != tt.out && !sameButBlanks(got.out, tt.out) {
				t.Errorf("got\n%s\nwant\n%s", got.out, tt.out)
			}
		})
	}
}

// sameButBlanks compares tables.
func sameButBlanks(a, b string) bool {
	return strings.Join(strings.Fields(a), " ") == strings.Join(strings.Fields(b), " ")
}

func TestLsTellsOfAClusterThatCannotBeLookedAtAndExitsWith1(t *testing.T) {
	w := lived()
	w.fail = errors.New("no daemon")
	user{world: w}.run(t, "ls", "-q").wants(t, exitFailed, nil, []string{"observe demo: no daemon"})
	if w.asked.lookTimeout != 10*time.Second || !w.asked.readOnly {
		t.Errorf("asked for %+v", w.asked)
	}
}

func TestActiveIsTheNodeThatDockerHostLeadsTo(t *testing.T) {
	const login = "root@127.0.0.1:40022 via bastion"
	for dockerHost, want := range map[string]bool{
		"": false, "unix:///var/run/docker.sock": false, "tcp://10.0.0.1:2376": true, "tcp://10.0.0.10:2376": false, "tcp://127.0.0.1:2375": true,
		"ssh://root@127.0.0.1:40022": true, "ssh://127.0.0.1": false, "ssh://mgr1": true, "ssh://mgr": false, "://": false,
	} {
		if got := pointsTo(dockerHost, "mgr1", "10.0.0.1", login); got != want {
			t.Errorf("DOCKER_HOST=%s: %t, want %t", dockerHost, got, want)
		}
	}
	if !pointsTo("ssh://10.0.0.1", "mgr1", "10.0.0.1", "") {
		t.Error("a host that did not answer is not told by its address")
	}
}

func TestIP(t *testing.T) {
	machines := fleet{{Node: "mgr1", Name: "demo-mgr1-aaaa", State: provider.Stopped, Address: "10.0.0.9"},
		{Node: "mgr1", Name: "demo-mgr1-bbbb", State: provider.Running, Address: "10.0.0.1"},
		{Node: "old", Name: "demo-old-cccc", State: provider.Running, SSH: provider.Endpoint{Host: "192.0.2.7"}}}
	tests := []struct {
		name     string
		args     string
		code     int
		out, err string
	}{
		{name: "prints one address a line, in the order of the names", args: "ip old mgr1", out: "192.0.2.7\n10.0.0.1\n"},
		{name: "tells of a node without a machine, and exits with 1", args: "ip n1 mgr1", code: exitFailed, out: "10.0.0.1\n", err: "n1 has no address"},
		{name: "knows the nodes", args: "ip mgr2", code: exitRefused, err: `no node "mgr2" in demo (did you mean "mgr1"?)`},
		{name: "needs a name", args: "ip", code: exitRefused, err: "ip needs the name of a node"},
		{name: "takes a file as a flag", args: "ip -f nosuch.yaml mgr1", code: exitRefused, err: `read "nosuch.yaml"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := user{world: &world{reacher: machines}}.run(t, strings.Fields(tt.args)...)
			got.wants(t, tt.code, nil, []string{tt.err})
			if got.out != tt.out {
				t.Errorf("got %q, want %q", got.out, tt.out)
			}
		})
	}
}
