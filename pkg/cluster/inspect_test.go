package cluster_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/plan"
)

// circumstances are what a machine is found to be before it becomes a member;
// the zero value is in order.
type circumstances struct {
	ahead  time.Duration // of its clock
	lines  string        // more of what it says
	routes string        // more routes
	rules  string        // of its packet filter, as iptables -S prints them
	ufw    bool          // runs and drops what comes to the swarm's ports
	// barred means that its sshd makes no TCP connections; without bash it has no
	// other means.
	barred, noBash bool
	// ufwOpen means that it was told to let it in.
	ufwOpen  bool
	ufwFault string // why it does not take what it is told
}

// knock plays the script: it prints what bash says of a connection.
func (a answer) knock(to, port string) {
	if a.noBash {
		return
	}
	a.mu.Unlock()
	conn, err := a.lan(net.JoinHostPort(to, port))
	a.mu.Lock()
	if err != nil {
		a.blob("outcome", "bash: connect: "+err.Error()+"\nbash: /dev/tcp: "+err.Error())
		return
	}
	_ = conn.Close()
	a.blob("outcome", "open")
}

// wall plays the script: ufw is told to allow, or to delete.
func (a answer) wall(verb string) {
	if a.ufwFault != "" {
		a.blob("error", a.ufwFault)
		return
	}
	a.ufwOpen = verb == "allow"
}

func (m *machine) ufwRules() string {
	if !m.ufwOpen {
		return ""
	}
	return "2377,7946/tcp  ALLOW IN  Anywhere\n7946,4789/udp  ALLOW IN  Anywhere\nAnywhere/esp  ALLOW IN  Anywhere/esp\n"
}

func (a answer) conditions() {
	a.blob("conditions", fmt.Sprintf("clock %d\nmachine-id %s\nkernel 6.1.0\nlink eth0 1500\n%sroutes\n10.0.0.0/16 dev eth0 proto kernel scope link src %s\n%s",
		time.Now().Add(a.ahead).Unix(), a.name+a.addr, a.lines, a.addr, a.routes))
}

// manages says whether the machine is a manager.
func (m *machine) manages() bool {
	return slices.ContainsFunc(m.net.Nodes(), func(n swarmNode) bool { return n.Manager != nil && n.Manager.Addr == m.addr+":2377" })
}

// connect connects to a port of the machine: but for a manager nobody listens. A
// machine with rules drops what comes to it.
func (m *machine) connect(port string) (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.off:
		return nil, syscall.EHOSTUNREACH
	case m.rules != "", m.ufw && !m.ufwOpen:
		return nil, syscall.ETIMEDOUT
	case !m.running || port != "2377" || !m.manages():
		return nil, syscall.ECONNREFUSED
	}
	near, far := net.Pipe()
	_ = far.Close()
	return near, nil
}

// refusal gives what a plan is refused for.
func (p *process) refusal() string {
	var out []string
	for _, f := range plan.Diff(p.spec, p.see(), plan.Options{}).Refused {
		out = append(out, f.Text)
	}
	return strings.Join(out, "\n")
}

func TestAHostThatCannotBecomeAMemberIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	const drops = "-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
	for _, tt := range []struct {
		name   string
		change func(w *world)
		more   string // of the file
		want   string
	}{
		{name: "a clock", change: func(w *world) { w.of("c").ahead = -10 * time.Minute }, want: "the clock of c is 10m0s behind that of a"},
		{name: "a kernel", change: func(w *world) { w.of("c").lines = "lacks vxlan\n" }, want: "the kernel of c (6.1.0) has no vxlan, which overlay networks need"},
		{name: "an engine", change: func(w *world) { w.of("c").engine.SetLiveRestore(true) }, want: "the engine of c has live-restore, which cannot be in a swarm"},
		{name: "a network", change: func(w *world) { w.of("c").routes = "10.20.0.0/16 dev wg0 scope link\n" }, more: "swarm: {default_addr_pool: [10.20.0.0/16]}",
			want: "the address pool 10.20.0.0/16 overlaps 10.20.0.0/16 of c (a route by wg0)"},
		{name: "an address", change: func(*world) {}, more: "swarm: {advertise: eth7}", want: `advertise of a is "eth7", and it has no such interface with an address` + "\n" + `advertise of c is "eth7", and it has no such interface with an address`},
		{name: "a firewall of the leader's", change: func(w *world) { w.of("a").rules = drops }, want: "c does not reach a at 10.0.0.1:2377: connection timed out; on a iptables drops it (chain INPUT)"},
		{name: "a firewall of its own", change: func(w *world) { w.of("c").rules = drops }, want: "a does not reach c at 10.0.0.2:7946: connection timed out; on c iptables drops it (chain INPUT)"},
	} {
		for _, live := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, with a swarm: %t", tt.name, live), func(t *testing.T) {
				if live && tt.more != "" {
					t.Skip("it is about a new swarm")
				}
				in(t, func(w *world) {
					lines := w.existing("a", "c")
					if live {
						w.file(sshFile(lines, "a", "", ""))
						w.apply()
					}
					tt.change(w)
					w.file(sshFile(lines, "a", "c", tt.more))
					p := w.process()
					defer p.end()
					if got := p.refusal(); got != tt.want {
						t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
					}
				})
			})
		}
	}
}

func TestMembersAreNotAskedAgain(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b")
		w.file(sshFile(lines, "a", "b", ""))
		w.apply()
		w.of("b").rules, w.of("b").ahead = "-P INPUT DROP\n", time.Hour
		w.apply()
		if n := w.of("a").ran("preflight") + w.of("b").ran("preflight"); n != 0 {
			t.Errorf("asked %d times, beside what they say when they are looked at", n)
		}
	})
}

// A machine that was just made goes no further, and the others finish.
func TestAMachineThatIsMadeIsJudgedWhenItLetsUsIn(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(m *machine)
		want   string
	}{
		"its kernel":   {func(m *machine) { m.lines = "lacks vxlan\n" }, "connect w: the kernel of w (6.1.0) has no vxlan, which overlay networks need"},
		"its firewall": {func(m *machine) { m.rules = "-P INPUT DROP\n" }, "join w: m does not reach w at ADDRESS:7946: connection timed out; on w iptables drops it (chain INPUT)"},
	} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: m}]")
				w.apply()
				w.cloud.onBoot = func(m *machine) {
					if m.name == "w" {
						tt.change(m)
					}
				}
				w.file("managers: [{name: m}]\nworkers: [{name: w}, {name: v}]")
				err := w.try()
				want := strings.Replace(tt.want, "ADDRESS", w.of("w").addr, 1)
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v\nwant %s", err, want)
				}
				if got := len(w.net.Nodes()); got != 2 {
					t.Errorf("%d members, want m and v", got)
				}
				w.of("w").lines, w.of("w").rules = "", ""
				w.apply()
			})
		})
	}
}

func TestANewSwarmIsToldWhereItsNetworksComeFrom(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"", "10.128.0.0/9"}, // the hosts are in 10.0.0.0/16
		{"swarm: {default_addr_pool: [172.24.0.0/13]}", "172.24.0.0/13"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b")
				w.file(sshFile(lines, "a", "b", tt.file))
				w.apply()
				s, err := w.api(w.leader().addr).Swarm(w.Context())
				if err != nil || len(s.Pool) != 1 || s.Pool[0] != tt.want {
					t.Errorf("got %v, %v, want %s", s.Pool, err, tt.want)
				}
			})
		})
	}
}

// Where sshd makes no connections the host tries by itself, if it has the means.
func TestAHostWhoseSSHDForbidsForwardingTriesByItself(t *testing.T) {
	for _, tt := range []struct {
		name, rules string
		noBash      bool
		refused     string
		note        string
	}{
		{name: "the way is free"},
		{name: "a firewall", rules: "-P INPUT DROP\n", refused: "b does not reach a at 10.0.0.1:2377: connection timed out; on a iptables drops it (chain INPUT)"},
		{name: "without means", noBash: true, note: "whether b reaches a at 10.0.0.1:2377 is not known: its sshd forbids forwarding, and it has neither bash nor nc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b")
				w.of("b").barred, w.of("b").noBash, w.of("a").rules = true, tt.noBash, tt.rules
				w.file(sshFile(lines, "a", "b", ""))
				p := w.process()
				defer p.end()
				next := plan.Diff(w.spec, p.see(), plan.Options{})
				var notes, refused []string
				for _, f := range next.Notes {
					notes = append(notes, f.Text)
				}
				for _, f := range next.Refused {
					refused = append(refused, f.Text)
				}
				if got := strings.Join(notes, "; "); got != tt.note {
					t.Errorf("noted %q, want %q", got, tt.note)
				}
				if got := strings.Join(refused, "; "); got != tt.refused {
					t.Errorf("refused %q, want %q", got, tt.refused)
				}
			})
		})
	}
}
