package plan_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

func TestWantEnv(t *testing.T) {
	iface := func(link, cidr string) preflight.Address {
		return preflight.Address{Link: link, Prefix: netip.MustParsePrefix(cidr)}
	}
	places := map[string]plan.Place{
		"a": {Address: "192.0.2.1", Interfaces: []preflight.Address{iface("eth0", "192.0.2.1/24"), iface("eth1", "10.0.0.1/16")}},
		"b": {Interfaces: []preflight.Address{iface("eth1", "10.0.0.2/16")}},
	}
	tests := []struct {
		name string
		env  spec.Env
		a, b spec.Node
		want string // NO_PROXY
	}{
		{name: "no proxy needs no exceptions", env: spec.Env{"A": "b"}},
		{name: "an empty proxy is none", env: spec.Env{"HTTPS_PROXY": ""}},
		{name: "where nodes are reached", env: spec.Env{"https_proxy": "p"}, b: spec.Node{Address: "b.example"}, want: "192.0.2.1,b.example"},
		{name: "the user's own come first", env: spec.Env{"HTTP_PROXY": "p", "NO_PROXY": ".local, 10.9.0.0/16,"}, want: ".local,10.9.0.0/16,192.0.2.1"},
		{name: "what they advertise, by interface and by range", env: spec.Env{"HTTP_PROXY": "p"},
			a: spec.Node{Advertise: "eth1"}, b: spec.Node{Advertise: "10.0.0.0/16"}, want: "10.0.0.1,10.0.0.2,192.0.2.1"},
		{name: "what the file says before the machine is there", env: spec.Env{"HTTP_PROXY": "p"},
			b: spec.Node{Advertise: "10.0.0.9", DataPath: "10.1.0.9"}, want: "10.0.0.9,10.1.0.9,192.0.2.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.a.Name, tt.b.Name, tt.a.Engine.Env = "a", "b", tt.env
			got := plan.WantEnv(&spec.Cluster{Nodes: []spec.Node{tt.a, tt.b}}, tt.a, places)
			if got["NO_PROXY"] != tt.want || tt.want != "" && got["no_proxy"] != tt.want {
				t.Errorf("got %q, want %q", got["NO_PROXY"], tt.want)
			}
			for k, v := range tt.env {
				if k != "NO_PROXY" && got[k] != v {
					t.Errorf("%s is %q, want %q", k, got[k], v)
				}
			}
		})
	}
}

func TestNoPlanShowsAValueOfTheEnvironment(t *testing.T) {
	c := file("a:manager b:worker")
	for i := range c.Nodes {
		c.Nodes[i].Engine.Env = spec.Env{"HTTPS_PROXY": "http://u:hunter2@p"}
	}
	for _, w := range []string{"", "a=idle b=idle", "a=manager b=worker"} {
		p := plan.Diff(c, world(w).observe(), plan.Options{})
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%s %+v %+v", b, p, c); strings.Contains(text, "hunter2") {
			t.Errorf("%q: %s", w, text)
		}
	}
}

func TestEnginesBehindAProxyWaitUntilEveryNodeHasItsAddress(t *testing.T) {
	c := file("a:manager b:worker")
	for i := range c.Nodes {
		c.Nodes[i].Engine.Env = spec.Env{"HTTPS_PROXY": "http://p"}
	}
	var got []string
	for _, s := range plan.Diff(c, world("").observe(), plan.Options{}).Steps {
		if s.Action == plan.Configure {
			got = append(got, s.ID+"~"+strings.Join(s.Behind, ","))
		}
	}
	slices.Sort(got)
	want := []string{"configure/a~connect/a,connect/b", "configure/b~connect/a,connect/b"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
