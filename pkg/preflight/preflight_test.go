package preflight_test

import (
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/preflight"
)

// fit is a host with which nothing is wrong.
func fit(name string) preflight.Host {
	n := string(rune('0' + name[0] - 'a'))
	return preflight.Host{
		Name: name, Joins: true, HostKey: "SHA256:" + name, EngineID: "engine-" + name, Given: "192.168.7." + n,
		Conditions: preflight.Conditions{
			Margin: time.Second, MachineID: "id-" + name, Kernel: "6.1.0",
			Addresses: []preflight.Address{
				{Link: "eth0", Prefix: netip.MustParsePrefix("192.168.7." + n + "/24")},
				{Link: "docker0", Prefix: netip.MustParsePrefix("172.17.0.1/16")},
			},
			Links:  []preflight.Link{{Name: "eth0", MTU: 1500}, {Name: "docker0", MTU: 1500}},
			Routes: []preflight.Route{route("192.168.7.0/24", "eth0", true), route("172.17.0.0/16", "docker0", true)},
		},
	}
}

func route(to, link string, own bool) preflight.Route {
	return preflight.Route{To: netip.MustParsePrefix(to), Link: link, Own: own}
}

// told gives findings as lines: "clock b: text", with "note " before a note.
func told(found []preflight.Finding) string {
	var out []string
	for _, f := range found {
		line := string(f.Check) + " " + f.Host + ": " + f.Text
		if f.Note {
			line = "note " + line
		}
		if f.Hint == "" {
			line += " (no hint)"
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

type hosts = map[string]*preflight.Host

func TestJudge(t *testing.T) {
	t.Parallel()
	behind := func(d time.Duration) func(hosts) {
		return func(h hosts) { h["b"].Ahead = -d }
	}
	tests := []struct {
		name   string
		wish   preflight.Wish
		change func(hosts)
		want   []string
	}{
		{"nothing is wrong", preflight.Wish{Fresh: true}, func(hosts) {}, nil},
		{"hosts that say nothing are not judged", preflight.Wish{Fresh: true}, func(h hosts) {
			for _, x := range h {
				*x = preflight.Host{Name: x.Name, Joins: true}
			}
		}, nil},

		{"a clock that is behind", preflight.Wish{}, behind(5 * time.Minute), []string{
			"clock b: the clock of b is 5m0s behind that of a"}},
		{"a clock that may be right after all", preflight.Wish{}, behind(61 * time.Second), nil},
		{"this machine's clock is wrong and theirs agree", preflight.Wish{}, func(h hosts) {
			for _, x := range h {
				x.Ahead = time.Hour
			}
		}, nil},
		{"two of three agree with each other and not with this machine", preflight.Wish{}, func(h hosts) {
			h["a"].Ahead, h["b"].Ahead = time.Hour, time.Hour
		}, []string{"clock c: the clock of c is 1h0m0s behind that of a"}},
		{"of two the one that this machine agrees with is right", preflight.Wish{}, func(h hosts) {
			h["a"].Ahead = 10 * time.Minute
			h["c"].Margin = 0
		}, []string{"clock a: the clock of a is 10m0s ahead of that of b"}},
		{"one host alone is compared with this machine", preflight.Wish{}, func(h hosts) {
			h["a"].Ahead, h["b"].Margin, h["c"].Margin = -2*time.Minute, 0, 0
		}, []string{"clock a: the clock of a is 2m0s behind this machine's"}},
		{"a member is only there to be compared with", preflight.Wish{}, func(h hosts) {
			h["a"].Joins, h["b"].Joins = false, false
			h["c"].Ahead = time.Hour
			h["a"].LiveRestore, h["a"].Lacks = true, []string{"vxlan"}
		}, []string{"clock c: the clock of c is 1h0m0s ahead of that of a"}},

		{"a kernel without VXLAN", preflight.Wish{}, func(h hosts) { h["c"].Lacks = []string{"vxlan"} }, []string{
			"kernel c: the kernel of c (6.1.0) has no vxlan, which overlay networks need"}},
		{"kernels without the routing mesh are told of once", preflight.Wish{}, func(h hosts) {
			h["c"].Lacks, h["a"].Lacks = []string{"ip_vs"}, []string{"ip_vs"}
		}, []string{"note routing-mesh : without ip_vs in the kernel of a, c ports that are published through the routing mesh do not answer there"}},

		{"a full disk", preflight.Wish{}, func(h hosts) { h["b"].DiskFree = 3 << 20 }, []string{
			"disk b: b has 3 MiB left where its engine keeps its data"}},
		{"a disk that is nearly full", preflight.Wish{}, func(h hosts) { h["b"].DiskFree = 300 << 20 }, []string{
			"note disk-low b: b has 300 MiB left where its engine keeps its data"}},
		{"a disk with room", preflight.Wish{}, func(h hosts) { h["b"].DiskFree = 1 << 30 }, nil},
		{"the full disk of a member is not judged", preflight.Wish{}, func(h hosts) { h["b"].DiskFree, h["b"].Joins = 1, false }, nil},

		{"live-restore of a running engine", preflight.Wish{}, func(h hosts) { h["a"].LiveRestore = true }, []string{
			"live-restore a: the engine of a has live-restore, which cannot be in a swarm"}},
		{"live-restore in the file of an engine that does not run", preflight.Wish{}, func(h hosts) { h["a"].Daemon = []byte(`{"live-restore": true}`) }, []string{
			"live-restore a: the engine of a has live-restore, which cannot be in a swarm"}},
		{"the nftables back end", preflight.Wish{}, func(h hosts) { h["a"].Backend = "nftables+firewalld" }, []string{
			"firewall-back-end a: the engine of a has the nftables back end, which cannot be in a swarm"}},
		{"the nftables back end in a file", preflight.Wish{}, func(h hosts) { h["a"].Daemon = []byte(`{"firewall-backend": "nftables"}`) }, []string{
			"firewall-back-end a: the engine of a has the nftables back end, which cannot be in a swarm"}},
		{"the nftables back end where swarms may have it", preflight.Wish{}, func(h hosts) {
			h["a"].Backend, h["a"].Daemon = "nftables", []byte(`{"features": {"swarm-nftables": true}}`)
			h["b"].Backend, h["b"].Daemon = "nftables", []byte(`{"iptables": false}`)
		}, nil},

		{"an address that is not on the host", preflight.Wish{}, func(h hosts) { h["a"].Advertise = "10.9.9.9" }, []string{
			`advertise a: advertise of a is "10.9.9.9", and it has no such address`}},
		{"an interface that is not on the host", preflight.Wish{}, func(h hosts) { h["a"].DataPath = "eth7" }, []string{
			`advertise a: data_path of a is "eth7", and it has no such interface with an address`}},
		{"a network that the host is not in", preflight.Wish{}, func(h hosts) { h["a"].Advertise = "10.0.0.0/8" }, []string{
			`advertise a: advertise of a is "10.0.0.0/8", and no address of it is in there`}},
		{"a network that the host is in twice", preflight.Wish{}, func(h hosts) { h["a"].Advertise = "0.0.0.0/0" }, []string{
			`advertise a: advertise of a is "0.0.0.0/0", and 2 addresses of it are in there`}},
		{"what the host has", preflight.Wish{}, func(h hosts) {
			h["a"].Advertise, h["b"].Advertise, h["c"].Advertise = "192.168.7.0/24", "eth0", "192.168.7.2"
		}, nil},

		{"networks of different sizes", preflight.Wish{}, func(h hosts) { h["b"].Links[0].MTU = 1450 }, []string{
			"note mtu : the hosts' networks take packets of different sizes: a 1500 on eth0, b 1450 on eth0, c 1500 on eth0"}},
		{"only the network of the swarm counts", preflight.Wish{}, func(h hosts) { h["b"].Links[1].MTU = 9000 }, nil},

		{"copies of a disk", preflight.Wish{}, func(h hosts) {
			h["c"].MachineID, h["c"].HostKey = h["a"].MachineID, h["a"].HostKey
		}, []string{"identity c: a and c have the same machine-id and SSH host key: one is a copy of the other's disk, or both lines lead to one machine"}},
		{"a copy of a member", preflight.Wish{}, func(h hosts) {
			h["a"].Joins, h["b"].HostKey = false, h["a"].HostKey
		}, []string{"identity b: a and b have the same SSH host key: one is a copy of the other's disk, or both lines lead to one machine"}},
		{"what does members no harm is left alone", preflight.Wish{}, func(h hosts) {
			h["a"].Joins, h["b"].Joins, h["b"].HostKey = false, false, h["a"].HostKey
		}, nil},
		{"two members that are one", preflight.Wish{}, func(h hosts) {
			h["a"].Joins, h["b"].Joins, h["a"].NodeID, h["b"].NodeID, h["b"].EngineID = false, false, "n1", "n1", h["a"].EngineID
		}, []string{"identity b: a and b have the same engine ID and node ID: one is a copy of the other's disk, or both lines lead to one machine"}},

		{"a way that a firewall drops", preflight.Wish{}, func(h hosts) {
			h["b"].Reached = []preflight.Attempt{
				{From: "b", Whom: "a", To: "10.0.0.1:2377", Outcome: preflight.Dropped, Why: "no answer within 3s", Walls: []preflight.Wall{{Host: "a", What: "ufw does not let it in", Cure: "ufw allow"}}},
				{From: "b", Whom: "a", To: "10.0.0.1:7946", Outcome: preflight.Dropped},
			}
		}, []string{"reach b: b does not reach a at 10.0.0.1:2377: no answer within 3s; on a ufw does not let it in"}},
		{"nobody listens yet", preflight.Wish{}, func(h hosts) {
			h["b"].Reached = []preflight.Attempt{{From: "b", Whom: "a", To: "10.0.0.1:2377", Outcome: preflight.Closed}}
		}, nil},
		{"nobody listens where somebody should", preflight.Wish{}, func(h hosts) {
			h["b"].Reached = []preflight.Attempt{{From: "b", Whom: "a", To: "10.0.0.1:2377", Outcome: preflight.Closed, Listens: true, Why: "connection refused"}}
		}, []string{"reach b: b does not reach a at 10.0.0.1:2377: connection refused"}},
		{"a way that could not be tried", preflight.Wish{}, func(h hosts) {
			h["b"].Reached = []preflight.Attempt{{From: "b", Whom: "a", To: "10.0.0.1:2377", Outcome: preflight.Untried, Why: "it has no means"}}
		}, []string{"note reach-unknown b: whether b reaches a at 10.0.0.1:2377 is not known: it has no means"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b, c := fit("a"), fit("b"), fit("c")
			tt.change(hosts{"a": &a, "b": &b, "c": &c})
			got := told(preflight.Judge(tt.wish, []preflight.Host{a, b, c}))
			if d := cmp.Diff(strings.Join(tt.want, "\n"), got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestPools(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		pools string
		fresh bool
		route preflight.Route
		want  string
	}{
		{"free", "10.20.0.0/16", true, route("10.30.0.0/16", "eth1", false), ""},
		{"a route into it", "10.20.0.0/16", true, route("10.20.4.0/24", "wg0", false),
			"address-pool a: the address pool 10.20.0.0/16 overlaps 10.20.4.0/24 of a (a route by wg0)"},
		{"the host's own network", "192.168.0.0/16", true, route("10.0.0.0/24", "eth1", false),
			"address-pool a: the address pool 192.168.0.0/16 overlaps 192.168.7.0/24 of a (its own network on eth0)"},
		{"the host's own network, which is wider", "10.20.0.0/16", true, route("10.0.0.0/8", "eth1", true),
			"address-pool a: the address pool 10.20.0.0/16 overlaps 10.0.0.0/8 of a (its own network on eth1)"},
		{"a network of Docker's", "172.16.0.0/12", true, route("10.0.0.0/24", "eth1", false),
			"note address-pool-in-part a: the address pool 172.16.0.0/12 overlaps 172.17.0.0/16 of a (a bridge network of Docker's, docker0)"},
		{"a network of Docker's at its beginning", "172.17.0.0/16", true, route("10.0.0.0/24", "eth1", false),
			"address-pool a: the address pool 172.17.0.0/16 overlaps 172.17.0.0/16 of a (a bridge network of Docker's, docker0)"},
		{"a route to a part that networks get to in years", "10.0.0.0/8", true, route("10.200.0.0/16", "eth1", false),
			"note address-pool-in-part a: the address pool 10.0.0.0/8 overlaps 10.200.0.0/16 of a (a route by eth1)"},
		{"a route that sums up much more than the pool", "10.20.0.0/16", true, route("10.0.0.0/8", "wg0", false),
			"note address-pool-in-part a: the address pool 10.20.0.0/16 overlaps 10.0.0.0/8 of a (a route by wg0)"},
		{"a swarm that there is cannot have another pool", "10.20.0.0/16", false, route("10.20.0.0/16", "wg0", false),
			"note address-pool-in-part a: the address pool 10.20.0.0/16 overlaps 10.20.0.0/16 of a (a route by wg0)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := fit("a")
			a.Routes = append([]preflight.Route{tt.route}, a.Routes...)
			w := preflight.Wish{Fresh: tt.fresh, Pools: []netip.Prefix{netip.MustParsePrefix(tt.pools)}}
			if got := told(preflight.Judge(w, []preflight.Host{a})); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestAPoolOfTheEnginesOwnBridges(t *testing.T) {
	a := fit("a")
	a.Daemon = []byte(`{"default-address-pools": [{"base": "10.20.128.0/17", "size": 24}]}`)
	w := preflight.Wish{Fresh: true, Pools: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}}
	const want = "address-pool a: the address pool 10.20.0.0/16 overlaps 10.20.128.0/17, which a's bridge networks come from"
	if got := told(preflight.Judge(w, []preflight.Host{a})); got != want {
		t.Errorf("got %s", got)
	}
}

func TestChoosePoolTakesTheFirstThatIsFree(t *testing.T) {
	for _, tt := range []struct{ name, routes, want string }{
		{"nothing in the way", "", "10.0.0.0/8"},
		{"a private network of a cloud", "10.0.0.0/16", "10.128.0.0/9"},
		{"two of them", "10.0.0.0/16 10.130.0.0/20", "10.64.0.0/10"},
		{"all of 10/8", "10.0.0.0/8", "172.24.0.0/13"},
		{"all that is private", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16", "198.18.0.0/15"},
		{"everything", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 198.18.0.0/16", "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := fit("a"), fit("b")
			a.Routes = nil
			for _, r := range strings.Fields(tt.routes) {
				b.Routes = append(b.Routes, route(r, "eth1", false))
			}
			got := "none"
			if p, ok := preflight.ChoosePool(0, []preflight.Host{a, b}); ok {
				got = p.String()
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			refused := strings.HasPrefix(told(preflight.Judge(preflight.Wish{Fresh: true}, []preflight.Host{a, b})), "address-pool :")
			if refused != (tt.want == "none") {
				t.Errorf("refused: %t", refused)
			}
		})
	}
}

// docs/preflight.md has a line for each check, which says what becomes of it.
func TestTheTableAndTheCodeAgree(t *testing.T) {
	page, err := os.ReadFile("../../docs/preflight.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) > 3 && strings.HasPrefix(line, "| `") {
			got = append(got, strings.Trim(cells[1], " `")+" "+strings.TrimSpace(cells[2]))
		}
	}
	var want []string
	for _, c := range preflight.Checks() {
		verdict := "noted"
		if c.Refuses() {
			verdict = "refused"
		}
		want = append(want, string(c)+" "+verdict)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-code +page):\n%s", d)
	}
}
