package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/spec"
)

func from(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestWhereLoginKeysAreKept(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  map[string]string
		want string // "" for a refusal
	}{
		{"where SWARMUP_HOME says", map[string]string{"SWARMUP_HOME": "/keys", "XDG_STATE_HOME": "/state", "HOME": "/home/a"}, "/keys"},
		{"a relative SWARMUP_HOME is meant from here", map[string]string{"SWARMUP_HOME": "keys"}, filepath.Join(here, "keys")},
		{"else in the state home", map[string]string{"XDG_STATE_HOME": "/state", "HOME": "/home/a"}, "/state/swarmup"},
		{"a relative state home is none", map[string]string{"XDG_STATE_HOME": "state", "HOME": "/home/a"}, "/home/a/.local/state/swarmup"},
		{"else in the home directory", map[string]string{"HOME": "/home/a"}, "/home/a/.local/state/swarmup"},
		{"nowhere without any", nil, ""},
	}
	for _, tt := range tests {
		got, err := stateHome(from(tt.env))
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestHowHostsAreLoggedInTo(t *testing.T) {
	o := sshOptions(settings{acceptNew: true, secrets: env{lookup: os.LookupEnv}.secrets(), env: from(map[string]string{
		"HOME": "/home/a", "USER": "a", "SSH_AUTH_SOCK": "/agent", "SWARMUP_SSH_KEY": "PEM",
	})})
	if o.Home != "/home/a" || o.ConfigFile != "/home/a/.ssh/config" || o.LocalUser != "a" || o.Agent != "/agent" || !o.AcceptNew || string(o.Key.Reveal()) != "PEM" {
		t.Errorf("got %+v", o)
	}
	if o := sshOptions(settings{secrets: env{lookup: os.LookupEnv}.secrets(), env: from(nil)}); o.ConfigFile != "" || o.Key.Reveal() != nil || o.AcceptNew {
		t.Errorf("without an environment: got %+v", o)
	}
}

func TestProvidersOfAFile(t *testing.T) {
	cluster := &spec.Cluster{Name: "demo", Provider: spec.Provider{Name: "ssh"}, Nodes: []spec.Node{
		{Name: "mgr1", Address: "192.0.2.1", SSH: spec.SSH{User: "admin", Port: 2222, HostKey: "SHA256:x"}},
	}}
	p, err := providerOf(cluster)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.List(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	want := []provider.Machine{{
		ID: "demo-mgr1", Name: "demo-mgr1", Cluster: "demo", Node: "mgr1", State: provider.Running, Address: "192.0.2.1",
		SSH: provider.Endpoint{Host: "192.0.2.1", Port: 2222, User: "admin"}, HostKey: "SHA256:x",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("machines of provider ssh (-want +got):\n%s", diff)
	}
	for name, ok := range map[string]bool{"docker": true, "ssh": true, "hetzner": false, "": false} {
		cluster.Provider.Name = name
		if _, err := providerOf(cluster); (err == nil) != ok {
			t.Errorf("provider %q: %v", name, err)
		}
	}
}
