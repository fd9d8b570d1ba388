package spec

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

// fullFile holds every key that is honoured on docker.
const fullFile = `
x-base: &base
  availability: drain
  labels: {zone: a, rack: 012, spot: true, note: ""}
name: demo
provider:
  docker: {image: "registry.local/node:1", subnet: 172.30.0.0/24}
ssh: {user: admin, port: 2222, identity_file: ~/.ssh/id, known_hosts: ./known_hosts}
engine:
  install: docker
  version: "28.5"
  repository: {url: "https://mirror.local/docker/", key: keys/docker.asc}
  labels: {env: prod, role: any}
  insecure_registries: [registry.local:5000, 10.0.0.0/8]
  registry_mirrors: ["https://m.local", "http://n.local/path/"]
  env: {HTTPS_PROXY: "http://p:3128", LEVEL: 1}
  daemon: {log-driver: local, log-opts: {max-file: "3"}, debug: true, mtu: 1400, cpu-rt-period: 1.5, dns: [10.0.0.2]}
  open_ports: true
swarm:
  id: 53x1z42eir65p7gvw1nc5utuy
  advertise: 10.0.0.0/16
  default_addr_pool: [172.24.0.0/13]
  subnet_size: 25
  data_path_port: 4790
  node_cert_expiry: 720h
  autolock: {store_command: [bin/keep, demo], load_command: [vault, read]}
  task_history: 0
  snapshot_interval: 5000
  keep_old_snapshots: 2
  log_entries_for_slow_followers: 900
  heartbeat: 10s
  ingress: {mtu: 1400, subnet: 10.255.0.0/16, encrypted: false}
managers:
  - name: mgr1
    engine_labels: {role: mgr}
    ssh: {user: root, port: 22, identity_file: keys/mgr1}
workers:
  - <<: *base
    name: n
    count: 2
    machine: {cpus: 1.5, memory: 2g, image: "other:1"}
    engine:
      install: ./install.sh
      version: "28"
      labels: {env: test}
      insecure_registries: []
      daemon: {log-driver: journald}
      open_ports: false
      env: {LEVEL: 2, EMPTY: ""}
    advertise: eth1
    data_path: 192.168.0.0/24
protect: true
`

func TestEveryKeyHasItsPlaceInTheCluster(t *testing.T) {
	daemon := map[string]any{
		"log-driver": "local", "log-opts": map[string]any{"max-file": "3"},
		"debug": true, "mtu": 1400, "cpu-rt-period": 1.5, "dns": []any{"10.0.0.2"},
	}
	ownDaemon := maps.Clone(daemon)
	ownDaemon["log-driver"] = "journald"
	mirrors := []string{"https://m.local/", "http://n.local/path/"}
	repository := Repository{URL: "https://mirror.local/docker", Key: "/srv/swarm/keys/docker.asc"}
	worker := Node{
		Role:         Worker,
		Advertise:    "eth1",
		DataPath:     "192.168.0.0/24",
		Labels:       map[string]string{"zone": "a", "rack": "012", "spot": "true", "note": ""},
		Availability: Drain,
		SSH:          SSH{User: "admin", Port: 2222, IdentityFile: "/home/ann/.ssh/id", KnownHosts: "/srv/swarm/known_hosts"},
		Engine: Engine{
			Install: InstallScript, Script: "/srv/swarm/install.sh", Version: "28", Repository: repository,
			Labels:             map[string]string{"env": "test", "role": "any"},
			InsecureRegistries: []string{}, RegistryMirrors: mirrors, Daemon: ownDaemon,
			Env: Env{"HTTPS_PROXY": "http://p:3128", "LEVEL": "2", "EMPTY": ""},
		},
		Machine: Machine{CPUs: 1.5, Memory: 2 << 30, Image: "other:1"},
		Pos:     Pos{"cluster.yaml", 37, 5},
	}
	n1, n2 := worker, worker
	none, two, no := 0, 2, false
	n1.Name, n2.Name = "n1", "n2"
	want := &Cluster{
		Name:     "demo",
		Provider: Provider{Name: "docker", Docker: DockerSettings{Image: "registry.local/node:1", Subnet: "172.30.0.0/24"}},
		SSH:      worker.SSH,
		Swarm: Swarm{
			ID: "53x1z42eir65p7gvw1nc5utuy", Advertise: "10.0.0.0/16", DefaultAddrPool: []string{"172.24.0.0/13"},
			SubnetSize: 25, DataPathPort: 4790, NodeCertExpiry: 720 * time.Hour, TaskHistory: &none, Heartbeat: 10 * time.Second,
			SnapshotInterval: 5000, SlowFollowers: 900, OldSnapshots: &two,
			Ingress:  Ingress{MTU: 1400, Subnet: "10.255.0.0/16", Encrypted: &no},
			Autolock: &Autolock{On: true, StoreCommand: []string{"/srv/swarm/bin/keep", "demo"}, LoadCommand: []string{"vault", "read"}, Dir: "/srv/swarm"},
		},
		Protect: true,
		Nodes: []Node{{
			Name: "mgr1", Role: Manager, Advertise: "10.0.0.0/16",
			SSH: SSH{User: "root", Port: 22, IdentityFile: "/srv/swarm/keys/mgr1", KnownHosts: "/srv/swarm/known_hosts"},
			Engine: Engine{
				Install: InstallDocker, Version: "28.5", Repository: repository,
				Labels:             map[string]string{"env": "prod", "role": "mgr"},
				InsecureRegistries: []string{"registry.local:5000", "10.0.0.0/8"}, RegistryMirrors: mirrors, Daemon: daemon, OpenPorts: true,
				Env: Env{"HTTPS_PROXY": "http://p:3128", "LEVEL": "1"},
			},
			Pos: Pos{"cluster.yaml", 33, 5},
		}, n1, n2},
	}
	if diff := cmp.Diff(want, parse(t, fullFile), ignoreEnv()); diff != "" {
		t.Errorf("want-, got+:\n%s", diff)
	}
}

func TestTheShortestFileGetsDefaults(t *testing.T) {
	got := parse(t, "{name: demo, provider: docker, managers: [{name: m}]}")
	want := &Cluster{
		Name:     "demo",
		Provider: Provider{Name: "docker"},
		Nodes:    []Node{{Name: "m", Role: Manager, Pos: Pos{"cluster.yaml", 1, 43}}},
	}
	if diff := cmp.Diff(want, got, ignoreEnv()); diff != "" {
		t.Errorf("want-, got+:\n%s", diff)
	}
}

// goodFiles are files without a mistake; want is what matters about each.
func goodFiles() []struct {
	name, file string
	want       func(*Cluster) bool
} {
	const key = "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDoW+JuwUIJzOEJ/yg"
	return []struct {
		name, file string
		want       func(*Cluster) bool
	}{
		{"every key", fullFile, func(c *Cluster) bool { return len(c.Nodes) == 3 }},
		{"provider ssh", "workers: [{name: n, address: n.local, ssh: {host_key: '" + key + "'}}]" + onSSH, func(c *Cluster) bool {
			return c.Nodes[0].Address == "192.0.2.1" && c.Nodes[1].Address == "n.local" && c.Nodes[1].SSH.HostKey == key
		}},
		{"provider ssh in a map", "provider: {ssh: {}}\nname: a\nmanagers: [{name: m, address: 'fe80::1%eth0'}]", func(c *Cluster) bool {
			return c.Provider.Name == "ssh"
		}},
		{"provider in a map without settings", "provider: {docker: }\nname: a\nmanagers: [{name: m}]", func(c *Cluster) bool {
			return c.Provider == Provider{Name: "docker"}
		}},
		{"an absolute path", "ssh: {identity_file: /a/../b}" + onDocker, func(c *Cluster) bool {
			return c.SSH.IdentityFile == "/b"
		}},
		{"a count of zero", "workers: [{name: n, count: 0}]" + onDocker, func(c *Cluster) bool { return len(c.Nodes) == 1 }},
		{"a count of one", "workers: [{name: n, count: 1}]" + onDocker, func(c *Cluster) bool { return c.Nodes[1].Name == "n1" }},
		{"no count", "workers: [{name: n}]" + onDocker, func(c *Cluster) bool { return c.Nodes[1].Name == "n" }},
		{"a count of managers", "managers: [{name: m-, count: 3}]\nname: a\nprovider: docker", func(c *Cluster) bool {
			return len(c.Managers()) == 3 && c.Nodes[2].Name == "m-3"
		}},
		{"sections without a value", "workers:\nengine:\nssh:\nswarm:" + onDocker, func(c *Cluster) bool { return len(c.Nodes) == 1 }},
		{"jump hosts, and a node with others, and one with none", "name: demo\nprovider: ssh\nssh: {jump: [bastion, \"ops@[2001:db8::1]:2222\", \"2001:db8::2\"]}\n" +
			"managers: [{name: a, address: a}, {name: b, address: b, ssh: {jump: [root@c:22]}}, {name: c, address: c, ssh: {jump: []}}]", func(c *Cluster) bool {
			all := []string{"bastion", "ops@[2001:db8::1]:2222", "2001:db8::2"}
			return cmp.Equal(c.SSH.Jump, all) && cmp.Equal(c.Nodes[0].SSH.Jump, all) && cmp.Equal(c.Nodes[1].SSH.Jump, []string{"root@c:22"}) && cmp.Equal(c.Nodes[2].SSH.Jump, []string{})
		}},
		{"no jump hosts for docker", "ssh: {jump: []}" + onDocker, func(c *Cluster) bool { return cmp.Equal(c.SSH.Jump, []string{}) }},
		{"keys for anchors", "x-anything: {a: [\"${NOBODY}\", !tag b]}" + onDocker, func(c *Cluster) bool { return c.Name == "demo" }},
		{"a merge that is overridden", "x-a: &a {user: a, port: 1}\nx-b: &b {user: b, known_hosts: /k}\nssh:\n  user: c\n  <<: [*a, *b]" + onDocker, func(c *Cluster) bool {
			return cmp.Equal(c.SSH, SSH{User: "c", Port: 1, KnownHosts: "/k"})
		}},
		{"a merge of a merge", "x-a: &a {user: a}\nx-b: &b {<<: *a, port: 2}\nssh: {<<: *b}" + onDocker, func(c *Cluster) bool {
			return cmp.Equal(c.SSH, SSH{User: "a", Port: 2})
		}},
		{"a merge at the top", "x-a: &a {protect: true}\n<<: *a" + onDocker, func(c *Cluster) bool { return c.Protect }},
		{"a merge of the first", "x-a: &a {user: a}\nx-b: &b {user: b}\nssh: {<<: [*a, *b]}" + onDocker, func(c *Cluster) bool {
			return c.SSH.User == "a"
		}},
		{"variables", "protect: ${YES}\nworkers:\n- name: n\n  count: ${THREE}\n  labels: {a: \"x-${NAME}$$\"}\n  availability: ${UNSET:-pause}" + onDocker, func(c *Cluster) bool {
			n := c.Nodes[3]
			return c.Protect && n.Name == "n3" && n.Labels["a"] == "x-demo$" && n.Availability == Pause
		}},
		{"a variable in quotes where a number is wanted", "workers: [{name: n, count: \"${THREE}\", machine: {cpus: \"${THREE}\"}}]" + onDocker, func(c *Cluster) bool {
			return len(c.Nodes) == 4
		}},
		{"a number out of a variable where text is wanted", "ssh:\n  user: ${THREE}" + onDocker, func(c *Cluster) bool { return c.SSH.User == "3" }},
		{"variables in daemon.json", "engine:\n  daemon:\n    mtu: ${THREE}\n    debug: ${YES}\n    group: \"${THREE}\"" + onDocker, func(c *Cluster) bool {
			d := c.Nodes[0].Engine.Daemon
			return d["mtu"] == 3 && d["debug"] == true && d["group"] == "3"
		}},
		{"a variable without a value in a label", "workers: [{name: n, labels: {a: \"${EMPTY}\"}}]" + onDocker, func(c *Cluster) bool {
			v, ok := c.Nodes[1].Labels["a"]
			return ok && v == ""
		}},
		{"nested defaults", "ssh: {user: \"${A:-${B:-c}}\"}" + onDocker, func(c *Cluster) bool { return c.SSH.User == "c" }},
		{"dollar signs that are none", "workers: [{name: n, labels: {a: \"$$NAME $$${NAME} $5 $\"}}]" + onDocker, func(c *Cluster) bool {
			return c.Nodes[1].Labels["a"] == "$NAME $demo $5 $"
		}},
		{"a byte order mark", "\uFEFF{provider: docker, name: a, managers: [{name: m}]}", func(c *Cluster) bool {
			return c.Nodes[0].Pos.Col == 40
		}},
		{"carriage returns", strings.ReplaceAll(onDocker, "\n", "\r\n"), func(c *Cluster) bool { return c.Nodes[0].Pos.Line == 4 }},
		{"a document's marks", "---" + onDocker + "...\n", func(c *Cluster) bool { return c.Name == "demo" }},
		{"JSON", `{"name": "demo", "provider": "docker", "managers": [{"name": "m", "count": 1}]}`, func(c *Cluster) bool { return c.Nodes[0].Name == "m1" }},
		{"a date in daemon.json", "engine: {daemon: {a: 2020-01-01}}" + onDocker, func(c *Cluster) bool {
			return c.Nodes[0].Engine.Daemon["a"] == "2020-01-01"
		}},
		{"data-root and other back ends", "engine: {daemon: {data-root: /d, firewall-backend: iptables}}" + onDocker, func(c *Cluster) bool {
			return c.Nodes[0].Engine.Daemon["data-root"] == "/d"
		}},
		{"registries of every kind", "engine: {insecure_registries: [a, a.b:1, 10.1.2.3, '10.1.2.3:80', '[fd00::1]:5000', 'fd00::/8']}" + onDocker, func(c *Cluster) bool {
			return len(c.Nodes[0].Engine.InsecureRegistries) == 6
		}},
		{"the largest cluster", "workers: [{name: n, count: 999}]" + onDocker, func(c *Cluster) bool { return c.Nodes[999].Name == "n999" }},
		{"pools side by side", "swarm: {default_addr_pool: [10.1.0.0/16, 10.0.0.0/16, 10.2.0.0/24]}" + onDocker, func(c *Cluster) bool {
			return slices.Equal(c.Swarm.DefaultAddrPool, []string{"10.1.0.0/16", "10.0.0.0/16", "10.2.0.0/24"})
		}},
		{"the same engine label twice, with one value", "workers: [{name: n, engine: {labels: {a: b}}, engine_labels: {a: b}}]" + onDocker, func(c *Cluster) bool {
			return c.Nodes[1].Engine.Labels["a"] == "b"
		}},
	}
}

func TestGoodFilesMeanWhatTheySay(t *testing.T) {
	for _, f := range goodFiles() {
		t.Run(f.name, func(t *testing.T) {
			if c := parse(t, f.file); !f.want(c) {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestRemarksAboutTheNumberOfManagers(t *testing.T) {
	tests := []struct {
		count int
		want  []string
	}{
		{1, nil},
		{2, []string{"c.yaml:1:11: managers: 2 managers survive no more failures than 1 do"}},
		{7, nil},
		{8, []string{
			"c.yaml:1:11: managers: more than 7 managers make every change slower",
			"c.yaml:1:11: managers: 8 managers survive no more failures than 7 do",
		}},
		{9, []string{"c.yaml:1:11: managers: more than 7 managers make every change slower"}},
	}
	for _, tt := range tests {
		c, err := Parse(Source{Name: "c.yaml", Data: []byte("managers: [{name: m, count: " + strconv.Itoa(tt.count) + "}]\nname: a\nprovider: docker\n")})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range c.Warnings {
			got = append(got, w.String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%d managers: want-, got+:\n%s", tt.count, diff)
		}
	}
}

func TestPathsNeedAFolderToStartFrom(t *testing.T) {
	_, err := Parse(Source{Data: []byte("ssh: {identity_file: a, known_hosts: ~/b}" + onDocker)})
	const want = `cluster.yaml:1:22: ssh.identity_file: "a" is relative, and this file has no folder
cluster.yaml:1:38: ssh.known_hosts: "~/b" needs a home directory, and there is none`
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// A group of n with a count gives n1, n2, ...; one without gives n. Roles and
// the order of the file are kept, whatever the counts.
func TestGroupsExpandInTheOrderOfTheFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var file strings.Builder
		var want []string
		file.WriteString("name: a\nprovider: docker\nmanagers:\n- name: first\n")
		want = append(want, "manager first")
		for i, role := range []Role{Manager, Worker} {
			if role == Worker {
				file.WriteString("workers:\n")
			}
			for g := range rapid.IntRange(0, 5).Draw(t, "groups") {
				name := string(rune('a'+5*i+g)) + "-"
				count := rapid.IntRange(-1, 4).Draw(t, "count")
				if count < 0 {
					name = strings.TrimSuffix(name, "-")
					want = append(want, string(role)+" "+name)
				}
				file.WriteString("- name: " + name + "\n")
				if count >= 0 {
					file.WriteString("  count: " + strconv.Itoa(count) + "\n")
				}
				for n := 1; n <= count; n++ {
					want = append(want, string(role)+" "+name+strconv.Itoa(n))
				}
			}
		}
		c, err := Parse(Source{Data: []byte(file.String())})
		if err != nil {
			t.Fatalf("%v\n%s", err, file.String())
		}
		var got []string
		for _, n := range c.Nodes {
			got = append(got, string(n.Role)+" "+n.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want-, got+:\n%s\n%s", diff, file.String())
		}
	})
}

// An unknown key is found wherever it stands: it is put into each map of the
// full file in turn.
func TestAnUnknownKeyIsFoundEverywhere(t *testing.T) {
	var full yaml.Node
	if err := yaml.Unmarshal([]byte(fullFile), &full); err != nil {
		t.Fatal(err)
	}
	free := []string{"x-base", "labels", "engine_labels", "daemon", "env"}
	tried := 0
	for _, m := range mapsOf(full.Content[0], free) {
		junk := []*yaml.Node{{Kind: yaml.ScalarNode, Value: "zzzzzz"}, {Kind: yaml.ScalarNode, Value: "1"}}
		kept := m.Content
		m.Content = append(slices.Clone(kept), junk...)
		text, err := yaml.Marshal(&full)
		m.Content = kept
		if err != nil {
			t.Fatal(err)
		}
		tried++
		_, err = Parse(source(string(text)))
		var errs *Errors
		if !errors.As(err, &errs) || len(errs.Problems) != 1 {
			t.Errorf("got %v, want one mistake in\n%s", err, text)
			continue
		}
		p := errs.Problems[0]
		line := strings.Split(string(text), "\n")[p.Pos.Line-1]
		if !strings.HasPrefix(line[p.Pos.Col-1:], "zzzzzz") || !strings.Contains(p.Text, `"zzzzzz"`) {
			t.Errorf("got %v at %q", p, line)
		}
	}
	if tried < 10 {
		t.Errorf("only %d maps were tried", tried)
	}
}

// mapsOf gives all maps below n but those under the keys free and the provider,
// whose map holds one name.
func mapsOf(n *yaml.Node, free []string) []*yaml.Node {
	var out []*yaml.Node
	if n.Kind == yaml.MappingNode {
		out = append(out, n)
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			switch {
			case key == "provider":
				out = append(out, mapsOf(value, free)[1:]...)
			case !slices.Contains(free, key):
				out = append(out, mapsOf(value, free)...)
			}
		}
	}
	if n.Kind == yaml.SequenceNode {
		for _, c := range n.Content {
			out = append(out, mapsOf(c, free)...)
		}
	}
	return out
}

func parse(t *testing.T, file string) *Cluster {
	t.Helper()
	c, err := Parse(source(file))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func ignoreEnv() cmp.Option { return cmpopts.IgnoreUnexported(Cluster{}) }
