package spec

import (
	"bytes"
	stdcmp "cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/daemon"
)

var update = flag.Bool("update", false, "write the generated files anew")

func TestGeneratedFilesAreCurrent(t *testing.T) {
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{
		"../../schema/cluster.schema.json": schema,
		"../../docs/cluster-yaml.md":       Reference(),
		"../../docs/engine-config.md":      engineConfig(t),
	} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not current: go test ./pkg/spec -update\n%s", filepath.Base(path), cmp.Diff(string(got), string(want)))
		}
	}
}

// engineConfig is the page with the table of the keys of daemon.json made anew.
func engineConfig(t *testing.T) []byte {
	t.Helper()
	page := string(read(t, "../../docs/engine-config.md"))
	before, rest, begun := strings.Cut(page, "-update -->\n")
	_, after, ended := strings.Cut(rest, "<!-- end of keys -->")
	if !begun || !ended {
		t.Fatal("engine-config.md has no place for the table")
	}
	var b strings.Builder
	b.WriteString("| Key | A change takes | Engines | Remark | Source |\n| --- | --- | --- | --- | --- |\n")
	for _, k := range daemon.Keys() {
		remark := k.Why
		if k.Set == daemon.Reload && k.Unset == daemon.Restart {
			remark = "going back to the default takes a restart"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", k.Name, k.Set, stdcmp.Or(k.Engines, "all"), remark, k.Source)
	}
	return []byte(before + "-update -->\n" + b.String() + "<!-- end of keys -->" + after)
}

func TestStartersParse(t *testing.T) {
	tests := []struct {
		provider string
		nodes    int
	}{{"docker", 3}, {"ssh", 3}}
	for _, tt := range tests {
		text, err := Starter(tt.provider)
		if err != nil {
			t.Fatal(err)
		}
		c := parse(t, string(text))
		if c.Provider.Name != tt.provider || len(c.Nodes) != tt.nodes || len(c.Managers()) != 1 || len(c.Warnings) != 0 {
			t.Errorf("%s: got %+v", tt.provider, c)
		}
	}
}

func TestStarterRefusesOtherProviders(t *testing.T) {
	for provider, want := range map[string]string{
		"dokcer":       `unknown provider "dokcer" (did you mean "docker"?)`,
		"../ssh":       `unknown provider "../ssh" (known: docker, ssh)`,
		"hetzner-test": `unknown provider "hetzner-test" (known: docker, ssh)`,
	} {
		if _, err := Starter(provider); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestTheExampleIsTheTutorialsCluster(t *testing.T) {
	c := parse(t, string(read(t, "../../examples/cluster.yaml")))
	var got [][3]string
	for _, n := range c.Nodes {
		got = append(got, [3]string{n.Name, string(n.Role), n.Engine.Labels["role"]})
	}
	want := [][3]string{{"mgr1", "manager", "mgr"}, {"n1", "worker", "node"}, {"n2", "worker", "node"}}
	if diff := cmp.Diff(want, got); diff != "" || c.Name != "demo" || c.Provider.Name != "docker" {
		t.Errorf("%s, %s: want-, got+:\n%s", c.Name, c.Provider.Name, diff)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
