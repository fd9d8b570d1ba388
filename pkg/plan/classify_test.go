package plan_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// scene is a manager m and a worker n of the swarm "ours" that are as they
// should be, for a test to break.
type scene struct {
	want *spec.Cluster
	have plan.State
	m, n *plan.Host
	em   *engine.Node // their entries
	en   *engine.Node
}

func newScene() *scene {
	s := &scene{want: file("m:manager n:worker")}
	host := func(name, id, ip string) plan.Host {
		return plan.Host{
			Node: name, Answer: plan.Answered, Engine: plan.EngineRunning, SSH: "root@" + ip, HostKey: "SHA256:" + name,
			Machine:   plan.Machine{Name: "demo-" + name, Address: ip, Power: plan.Running, Owned: true},
			Cert:      plan.Cert{Cluster: "ours", Node: id, Role: "worker", Expires: today().AddDate(0, 3, 0)},
			Addresses: []preflight.Address{{Link: "eth0", Prefix: netip.MustParsePrefix(ip + "/24")}},
			Info:      engine.Info{EngineID: "engine-" + name, Hostname: name, State: engine.Active, NodeID: id, NodeAddr: ip, API: "1.51", Remotes: []string{"10.0.0.1:2377"}},
		}
	}
	entry := func(name, id, ip string) engine.Node {
		return engine.Node{
			ID: id, Hostname: name, Addr: ip, Role: "worker", Availability: "active", State: "ready",
			Labels: map[string]string{plan.MarkCluster: "demo", plan.MarkNode: name, plan.MarkSSH: "root@" + ip, plan.MarkHostKey: "SHA256:" + name},
		}
	}
	s.have = plan.State{
		At:    today(),
		Hosts: []plan.Host{host("m", "id-m", "10.0.0.1"), host("n", "id-n", "10.0.0.2")},
		Swarm: &plan.View{ID: "ours", Via: "m", Nodes: []engine.Node{entry("m", "id-m", "10.0.0.1"), entry("n", "id-n", "10.0.0.2")}},
	}
	s.m, s.n = &s.have.Hosts[0], &s.have.Hosts[1]
	s.em, s.en = &s.have.Swarm.Nodes[0], &s.have.Swarm.Nodes[1]
	s.m.Info.Manager, s.m.Info.ClusterID, s.m.Cert.Role = true, "ours", "manager"
	s.em.Role, s.em.Manager = "manager", &engine.ManagerStatus{Leader: true, Reachability: "reachable", Addr: "10.0.0.1:2377"}
	return s
}

// today is when the scene is looked at.
func today() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }

// out takes n out of the swarm, as its own engine has it.
func (s *scene) out() {
	s.n.Info.State, s.n.Info.NodeID, s.n.Info.NodeAddr, s.n.Info.Remotes, s.n.Cert = engine.Inactive, "", "", nil, plan.Cert{}
}

// drop takes n's entry from the list.
func (s *scene) drop() { s.have.Swarm.Nodes = s.have.Swarm.Nodes[:1] }

// unseen is a swarm none of whose managers has a quorum.
func (s *scene) unseen() {
	s.have.Swarm, s.m.Info.ClusterID = nil, ""
	s.m.Info.Error = "rpc error: code = Unknown desc = The swarm does not have a leader."
}

// promoted makes n a second manager.
func (s *scene) promoted() {
	s.want.Nodes[1].Role = spec.Manager
	s.n.Info.Manager, s.n.Info.ClusterID, s.n.Cert.Role = true, "ours", "manager"
	s.en.Role, s.en.Manager = "manager", &engine.ManagerStatus{Reachability: "reachable", Addr: "10.0.0.2:2377"}
}

func (s *scene) add(e engine.Node) { s.have.Swarm.Nodes = append(s.have.Swarm.Nodes, e) }

// situations gives what was found by node, machine or entry, as "n=member".
func situations(all []plan.Standing) (out []string) {
	for _, s := range all {
		name := s.Node
		if name == "" {
			name = s.Member
		}
		text := name + "="
		for i, f := range s.Found {
			if i > 0 {
				text += "+"
			}
			text += string(f.Situation)
		}
		out = append(out, text)
	}
	return out
}

// sceneCase breaks a scene and says what is found then.
type sceneCase struct {
	name   string
	breaks func(*scene)
	want   []string
}

func TestEverySituationIsSeenAsItself(t *testing.T) {
	for _, tt := range append(situationsOfHosts(), situationsOfMembers()...) {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.breaks(s)
			if got, want := fmt.Sprint(situations(plan.Classify(s.want, s.have))), fmt.Sprint(tt.want); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func situationsOfHosts() []sceneCase {
	return []sceneCase{
		{"no machine", func(s *scene) { s.have.Hosts = s.have.Hosts[:1]; s.drop() }, []string{"m=manager", "n=absent"}},
		{"switched off", func(s *scene) { s.n.Answer = plan.Off }, []string{"m=manager", "n=off"}},
		{"silent", func(s *scene) { s.n.Answer = plan.Silent }, []string{"m=manager", "n=silent"}},
		{"a wrong key", func(s *scene) { s.n.Answer = plan.Barred }, []string{"m=manager", "n=barred"}},
		{"1 no engine", func(s *scene) { s.out(); s.drop(); s.n.Engine = plan.EngineAbsent }, []string{"m=manager", "n=no engine"}},
		{"1 its engine is stopped", func(s *scene) { s.n.Engine = plan.EngineStopped; s.n.Info = engine.Info{} }, []string{"m=manager", "n=no engine"}},
		{"1 and 8, stopped for too long", func(s *scene) {
			s.n.Engine, s.n.Info, s.n.Cert.Expires = plan.EngineStopped, engine.Info{}, today().Add(-time.Hour)
		}, []string{"m=manager", "n=no engine+certificate expired"}},
		{"2 inactive", func(s *scene) { s.out(); s.drop() }, []string{"m=manager", "n=inactive"}},
		{"2 no swarm yet", func(s *scene) { s.out(); s.have.Hosts = s.have.Hosts[1:]; s.have.Swarm = nil }, []string{"m=absent", "n=inactive"}},
		{"3 made anew", func(s *scene) { s.out(); s.en.State = "down" }, []string{"m=manager", "n=ghost", "n=ghost"}},
		{"3 made anew, unmarked", func(s *scene) { s.out(); s.en.State, s.en.Labels = "down", nil }, []string{"m=manager", "n=ghost", "n=ghost"}},
		{"4 an entry without a name", func(s *scene) { s.add(engine.Node{ID: "id-o", Role: "worker", State: "unknown"}) }, []string{"m=manager", "n=member", "id-o=orphan join"}},
		{"5 a join under way", func(s *scene) { s.out(); s.drop(); s.n.Info.State = engine.Pending }, []string{"m=manager", "n=joining"}},
		{"5 a join under way, with a certificate", func(s *scene) { s.n.Info.State, s.en.Hostname, s.en.State = engine.Pending, "", "unknown" }, []string{"m=manager", "n=joining"}},
		{"6 removed while its engine was off", func(s *scene) { s.drop(); s.n.Info.State = engine.Pending }, []string{"m=manager", "n=removed while away"}},
		{"6 restarted behind a firewall", func(s *scene) { s.n.Info.State, s.en.State = engine.Pending, "down" }, []string{"m=manager", "n=partitioned"}},
		{"7 a join that failed", func(s *scene) {
			s.out()
			s.drop()
			s.n.Info.State, s.n.Info.Error = engine.Failed, "Timeout was reached before node joined"
		}, []string{"m=manager", "n=join failed"}},
		{"8 an engine says so", func(s *scene) {
			s.n.Info.State, s.n.Info.Error = engine.Failed, "Swarm certificates have expired. To replace them, leave the swarm and join again."
		}, []string{"m=manager", "n=certificate expired"}},
		{"8 the certificate says so", func(s *scene) { s.n.Info.State, s.n.Cert.Expires = engine.Failed, today().Add(-time.Minute) }, []string{"m=manager", "n=certificate expired"}},
		{"9 locked", func(s *scene) { s.n.Info.State = engine.Locked }, []string{"m=manager", "n=locked"}},
		{"12 by its certificate", func(s *scene) { s.n.Cert.Cluster = "theirs" }, []string{"m=manager", "n=other swarm"}},
		{"12 a manager", func(s *scene) { s.n.Info.Manager, s.n.Info.ClusterID = true, "theirs" }, []string{"m=manager", "n=other swarm"}},
		{"12 no swarm is ours yet", func(s *scene) { s.unseen(); s.n.Cert.Cluster = "theirs" }, []string{"=no quorum", "m=no quorum", "n=other swarm"}},
		{"16 the provider lists no machine", func(s *scene) { s.have.Hosts = s.have.Hosts[:1]; s.en.State = "down" }, []string{"m=manager", "n=machine gone", "n=machine gone"}},
		{"16 nor does the file", func(s *scene) { s.have.Hosts, s.want = s.have.Hosts[:1], file("m:manager") }, []string{"m=manager", "n=machine gone"}},
		{"25 too old", func(s *scene) { s.out(); s.drop(); s.n.Info.API = "1.39" }, []string{"m=manager", "n=engine too old"}},
		{"25 too new", func(s *scene) { s.n.Answer, s.n.Err = plan.Silent, fmt.Errorf("read info: %w", engine.ErrAPI) }, []string{"m=manager", "n=engine too old"}},
		{"26 live-restore", func(s *scene) { s.out(); s.drop(); s.n.Info.LiveRestore = true }, []string{"m=manager", "n=not for swarms+inactive"}},
		{"26 nftables", func(s *scene) { s.out(); s.drop(); s.n.Info.Firewall = "nftables" }, []string{"m=manager", "n=not for swarms+inactive"}},
		{"29 not in the file", func(s *scene) { s.add(engine.Node{ID: "id-x", Hostname: "x", State: "ready"}) }, []string{"m=manager", "n=member", "x=stranger"}},
		{"30 an engine that hangs", func(s *scene) { s.n.Answer, s.n.Hung, s.n.Why = plan.Silent, true, "not within 26s" }, []string{"m=manager", "n=hung"}},
	}
}

func situationsOfMembers() []sceneCase {
	return []sceneCase{
		{"10 and 11", func(*scene) {}, []string{"m=manager", "n=member"}},
		{"10 of a swarm whose managers are silent", func(s *scene) { s.unseen(); s.m.Answer = plan.Silent }, []string{"m=silent", "n=member"}},
		{"13 removed while it was running", func(s *scene) { s.drop() }, []string{"m=manager", "n=forgotten while running"}},
		{"14 a copy of a disk", func(s *scene) {
			s.want = file("m:manager n:worker o:worker")
			o := *s.n
			o.Node, o.Machine.Name, o.Info.Hostname = "o", "demo-o", "o"
			s.have.Hosts = append(s.have.Hosts, o)
		}, []string{"m=manager", "n=member", "o=same identity"}},
		{"14 the swarm shows the other one", func(s *scene) {
			s.want = file("m:manager n:worker o:worker")
			o := *s.n
			o.Node, o.Machine.Name, o.Info.Hostname = "o", "demo-o", "o"
			s.have.Hosts, s.en.Hostname = append(s.have.Hosts, o), "o"
		}, []string{"m=manager", "n=same identity", "o=member"}},
		{"15 the swarm does not hear from it", func(s *scene) { s.en.State = "down" }, []string{"m=manager", "n=partitioned"}},
		{"17 the leader just changed", func(s *scene) {
			s.em.State, s.en.State = "unknown", "unknown"
			s.en.Message = `Node moved to "unknown" state due to leadership change in cluster`
		}, []string{"m=leader just changed", "n=leader just changed"}},
		{"18 a demotion under way", func(s *scene) { s.promoted(); s.en.Role = "worker" }, []string{"m=manager", "n=demotion pending"}},
		{"19 demoted, with a manager's certificate", func(s *scene) { s.n.Cert.Role = "manager" }, []string{"m=manager", "n=not settled"}},
		{"20 a promotion under way", func(s *scene) { s.en.Role = "manager" }, []string{"m=manager", "n=promotion pending"}},
		{"21 no leader", func(s *scene) { s.unseen() }, []string{"=no quorum", "m=no quorum", "n=member"}},
		{"21 restarted without a leader", func(s *scene) { s.unseen(); s.m.Info.State = engine.Pending }, []string{"=no quorum", "m=no quorum", "n=member"}},
		{"22 a manager that was removed", func(s *scene) { s.promoted(); s.drop(); s.n.Info.State, s.n.Info.ClusterID = engine.Pending, "" }, []string{"m=manager", "n=removed manager"}},
		{"22 one that is listed, and counts no more", func(s *scene) { s.promoted(); s.n.Info.ClusterID, s.en.Manager = "", nil }, []string{"m=manager", "n=removed manager"}},
		{"22 one that has not noticed", func(s *scene) { s.promoted(); s.drop(); s.n.Info.ClusterID = "" }, []string{"m=manager", "n=removed manager"}},
		{"23 not reached by other managers", func(s *scene) { s.promoted(); s.en.Manager.Reachability = "unreachable" }, []string{"m=manager", "n=unreachable manager"}},
		{"24 availability", func(s *scene) { s.want.Nodes[1].Availability = spec.Drain }, []string{"m=manager", "n=availability differs"}},
		{"26 a member with live-restore", func(s *scene) { s.n.Info.LiveRestore = true }, []string{"m=manager", "n=not for swarms"}},
		{"27 a rotation of the root CA", func(s *scene) { s.have.Swarm.Rotating = true }, []string{"=CA rotation", "m=manager", "n=member"}},
		{"28 another address", func(s *scene) { s.n.Info.NodeAddr = "10.0.0.77" }, []string{"m=manager", "n=moved"}},
		{"several at once", func(s *scene) {
			s.en.State, s.n.Info.NodeAddr, s.want.Nodes[1].Availability = "down", "10.0.0.77", spec.Pause
		}, []string{"m=manager", "n=partitioned+moved+availability differs"}},
	}
}

// What an engine and a provider say of addresses may differ for good reasons.
func TestAnAddressHasChangedOnlyWhereThatIsKnown(t *testing.T) {
	for _, tt := range []struct {
		name   string
		breaks func(*scene)
		moved  bool
	}{
		{"it has what it told", func(*scene) {}, false},
		{"it has what the provider says, and told another", func(s *scene) { s.n.Info.NodeAddr = "10.0.0.77" }, true},
		{"it told another one of its own", func(s *scene) {
			s.n.Addresses = append(s.n.Addresses, preflight.Address{Link: "eth1", Prefix: netip.MustParsePrefix("192.168.7.2/24")})
			s.n.Info.NodeAddr = "192.168.7.2"
		}, false},
		{"the provider's address is translated", func(s *scene) { s.n.Machine.Address, s.n.Info.NodeAddr = "203.0.113.9", "10.0.0.77" }, false},
		{"the provider says a name", func(s *scene) { s.n.Machine.Address, s.n.Info.NodeAddr = "eth0", "10.0.0.77" }, false},
		{"nobody knows its addresses", func(s *scene) { s.n.Addresses, s.n.Info.NodeAddr = nil, "10.0.0.77" }, false},
		{"it told one of another network, which may be translated", func(s *scene) { s.n.Info.NodeAddr = "203.0.113.9" }, false},
		{"swarmup has reached it where it told", func(s *scene) {
			s.n.Info.NodeAddr, s.en.Labels[plan.MarkSSH] = "192.168.7.2", "root@192.168.7.2:22 via bastion"
		}, true},
		{"swarmup has reached it elsewhere", func(s *scene) {
			s.n.Info.NodeAddr, s.en.Labels[plan.MarkSSH] = "192.168.7.2", "root@192.168.7.3:22"
		}, false},
		{"it told one that is only its own", func(s *scene) { s.n.Info.NodeAddr = "169.254.0.9" }, false},
		{"it told itself", func(s *scene) { s.n.Info.NodeAddr = "127.0.0.1" }, false},
		{"its engine does not say", func(s *scene) { s.n.Info.NodeAddr = "" }, false},
		{"the file says another interface", func(s *scene) {
			s.n.Addresses = append(s.n.Addresses, preflight.Address{Link: "eth1", Prefix: netip.MustParsePrefix("192.168.7.2/24")})
			s.want.Nodes[1].Advertise = "eth1"
		}, true},
		{"the file says a network in which it has two", func(s *scene) {
			s.n.Addresses = append(s.n.Addresses, preflight.Address{Link: "eth0", Prefix: netip.MustParsePrefix("10.0.0.3/24")})
			s.want.Nodes[1].Advertise, s.n.Info.NodeAddr = "10.0.0.0/24", "10.0.0.77"
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.breaks(s)
			if got := plan.Classify(s.want, s.have)[1].In(plan.Moved); got != tt.moved {
				t.Errorf("got moved %t, want %t", got, tt.moved)
			}
		})
	}
}
