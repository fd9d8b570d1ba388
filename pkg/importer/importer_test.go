package importer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/importer"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// manager is one that says what it was told to say.
type manager struct {
	info    engine.Info
	swarm   engine.Swarm
	nodes   []engine.Node
	ingress engine.Ingress
	fail    error
}

func (m manager) Info(context.Context) (engine.Info, error)       { return m.info, nil }
func (m manager) Swarm(context.Context) (engine.Swarm, error)     { return m.swarm, m.fail }
func (m manager) Nodes(context.Context) ([]engine.Node, error)    { return m.nodes, nil }
func (m manager) Ingress(context.Context) (engine.Ingress, error) { return m.ingress, nil }

const id = "53x1z42eir65p7gvw1nc5utuy"

// small is a swarm as docker swarm init and join make it.
func small() manager {
	return manager{
		info: engine.Info{Hostname: "a", State: engine.Active, Manager: true, NodeID: "n1", ClusterID: id},
		swarm: engine.Swarm{
			ID: id, Pool: []string{"10.0.0.0/8"}, SubnetSize: 24, DataPathPort: 4789,
			NodeCertExpiry: 2160 * time.Hour, TaskHistory: 5, Heartbeat: 5 * time.Second,
		},
		nodes: []engine.Node{
			{ID: "n2", Hostname: "b", Addr: "192.0.2.2", Role: "worker", Availability: "active", State: "ready"},
			{ID: "n1", Hostname: "a", Addr: "0.0.0.0", Role: "manager", Availability: "active", State: "ready",
				Manager: &engine.ManagerStatus{Leader: true, Addr: "192.0.2.1:2377"}},
		},
		ingress: engine.Ingress{ID: "i", Subnets: []string{"10.0.0.0/24"}},
	}
}

const head = "# Written by swarmup import. The machines are as somebody else has made them.\n"

func TestTheFileOfASwarm(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*manager)
		o      importer.Options
		want   string
		left   []string
	}{
		{"as docker makes it", func(*manager) {}, importer.Options{}, `name: swarm
provider: ssh
swarm:
  id: 53x1z42eir65p7gvw1nc5utuy
managers:
  - {name: a, address: "192.0.2.1"}
workers:
  - {name: b, address: "192.0.2.2"}
`, nil},
		{"of an engine that does not tell its own choice", func(m *manager) { m.swarm.Pool, m.swarm.SubnetSize, m.swarm.DataPathPort = nil, 0, 0 }, importer.Options{}, `name: swarm
provider: ssh
swarm:
  id: 53x1z42eir65p7gvw1nc5utuy
managers:
  - {name: a, address: "192.0.2.1"}
workers:
  - {name: b, address: "192.0.2.2"}
`, nil},
		{"with all that differs", func(m *manager) {
			m.swarm.Pool, m.swarm.SubnetSize, m.swarm.DataPathPort = []string{"172.24.0.0/13"}, 26, 7789
			m.swarm.NodeCertExpiry, m.swarm.TaskHistory, m.swarm.Heartbeat = 90*time.Minute, 0, 10*time.Second
			m.ingress = engine.Ingress{ID: "i", MTU: 1400, Subnets: []string{"10.11.0.0/16"}, Encrypted: true}
			m.nodes[0].Availability = "drain"
			m.nodes[0].Labels = map[string]string{"zone": "a", "no": "yes", "n": "1", "price": "5$", "swarmup.note": "x", "com.docker.x": "y"}
			m.nodes[0].EngineLabels = map[string]string{"disk": "fast ssd", "bare": ""}
		}, importer.Options{Name: "prod", User: "admin", Port: 2222, IdentityFile: "~/.ssh/id"}, `name: prod
provider: ssh
ssh: {user: admin, port: 2222, identity_file: "~/.ssh/id"}
swarm:
  id: 53x1z42eir65p7gvw1nc5utuy
  default_addr_pool: [172.24.0.0/13]
  subnet_size: 26
  data_path_port: 7789
  node_cert_expiry: 1h30m
  task_history: 0
  heartbeat: 10s
  ingress: {mtu: 1400, subnet: 10.11.0.0/16, encrypted: true}
managers:
  - {name: a, address: "192.0.2.1"}
workers:
  - {name: b, address: "192.0.2.2", availability: drain, labels: {"n": "1", "no": "yes", price: "5$$", zone: a}, engine_labels: {bare: "", disk: "fast ssd"}}
`, []string{`the node label "com.docker.x" of b, which no file can have`}},
		{"names that no file can have, and the same name twice", func(m *manager) {
			m.nodes[0].Hostname, m.nodes[1].Hostname = "Node_1.example.com", "1st-node-1-example-com"
			for i, name := range []string{"node-1-example-com", "node-1-example-com", "-.", "an-extremely-long-name-that-no-file-takes"} {
				n := m.nodes[0]
				n.ID, n.Hostname, n.Addr, n.Created = "x"+string(rune('0'+i)), name, "192.0.2."+string(rune('3'+i)), time.Unix(int64(-i), 0)
				m.nodes = append(m.nodes, n)
			}
		}, importer.Options{}, `name: swarm
provider: ssh
swarm:
  id: 53x1z42eir65p7gvw1nc5utuy
managers:
  - {name: st-node-1-example-com, address: "192.0.2.1"}
workers:
  - {name: an-extremely-long-name-that-no, address: "192.0.2.6"}
  - {name: node, address: "192.0.2.5"}
  - {name: node-1-example-com, address: "192.0.2.2"}
  - {name: node-1-example-com-2, address: "192.0.2.4"}
  - {name: node-1-example-com-3, address: "192.0.2.3"}
`, nil},
		{"what cannot be reached is left out", func(m *manager) {
			m.nodes[1].Addr, m.nodes[1].Manager.Addr = "127.0.0.1", "0.0.0.0:2377"
			m.nodes[0].State = "down"
			m.nodes = append(m.nodes, engine.Node{ID: "n3", Role: "worker", State: "unknown"}, engine.Node{ID: "n4", Hostname: "d", Role: "worker", State: "ready"})
			m.swarm.Autolock = true
		}, importer.Options{Host: "bastion.example"}, `name: swarm
provider: ssh
swarm:
  id: 53x1z42eir65p7gvw1nc5utuy
managers:
  - {name: a, address: bastion.example}
`, []string{
			"an entry without a name (n3), which a join left that never finished", "b (n2), which is down",
			"d (n4), of which the swarm knows no address",
			"swarm.autolock: the managers are locked, and nobody says where their key is to be kept",
		}},
		{"marks say what the nodes are called, and how they were reached", func(m *manager) {
			for i, name := range []string{"w", "m"} {
				m.nodes[i].Labels = map[string]string{plan.MarkCluster: "demo", plan.MarkNode: name, plan.MarkSSH: "root@" + name + ".example:22"}
			}
		}, importer.Options{}, `name: demo
provider: ssh
swarm:
  id: 53x1z42eir65p7gvw1nc5utuy
managers:
  - {name: m, address: m.example}
workers:
  - {name: w, address: w.example}
`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := small()
			tt.change(&m)
			got, err := importer.Import(t.Context(), m, tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(head+tt.want, string(got.Text)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.left, got.Left); diff != "" {
				t.Errorf("left out (-want +got)\n%s", diff)
			}
			if _, err := spec.Parse(spec.Source{Data: got.Text, Dir: "/", Home: "/home"}); err != nil {
				t.Errorf("no file: %v", err)
			}
		})
	}
}

// What was written is read as what was there.
func TestLabelsAreReadAsTheyWere(t *testing.T) {
	m := small()
	m.nodes[0].Labels = map[string]string{}
	for _, v := range []string{"", "true", "1.5", "0x1", "a: b", "#", "- x", "${HOME}", "$$", `"`, `\`, "'", "é", "<&>", "null", "~", "2026-01-01", "[a]", " x "} {
		m.nodes[0].Labels["l"+strings.Repeat("x", len(m.nodes[0].Labels))] = v
	}
	got, err := importer.Import(t.Context(), m, importer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := spec.Parse(spec.Source{Data: got.Text, Dir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.nodes[0].Labels, c.Workers()[0].Labels); diff != "" {
		t.Errorf("(-was +read)\n%s\n%s", diff, got.Text)
	}
}

func TestOnlyAManagerIsAsked(t *testing.T) {
	worker := small()
	worker.info.Manager = false
	idle := small()
	idle.info.State = engine.Inactive
	leaderless := small()
	leaderless.fail = engine.ErrNoLeader
	for name, tt := range map[string]struct {
		m    manager
		want error
	}{"a worker": {worker, importer.ErrNotManager}, "an engine in no swarm": {idle, importer.ErrNotManager}, "no quorum": {leaderless, engine.ErrNoLeader}} {
		if _, err := importer.Import(t.Context(), tt.m, importer.Options{}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}
