package bootstrap

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/swarmup/swarmup/pkg/preflight"
)

func to(s, link string, own bool) preflight.Route {
	return preflight.Route{To: netip.MustParsePrefix(s), Link: link, Own: own}
}

func TestLook(t *testing.T) {
	t.Parallel()
	const release = "6.1.0-18-amd64"
	kernel := func(m *machine) { m.write("/proc/sys/kernel/osrelease", release+"\n") }
	tests := []struct {
		name string
		make func(m *machine)
		want preflight.Conditions
	}{
		{"a machine that knows next to nothing", func(*machine) {}, preflight.Conditions{}},
		{"what a machine says", func(m *machine) {
			kernel(m)
			m.write("/etc/machine-id", "0123456789abcdef\n")
			m.write("/sys/class/net/eth0/mtu", "1450\n")
			m.write("/sys/class/net/lo/mtu", "65536\n")
			m.write("/sys/class/net/veth12/mtu", "1500\n")
			m.tool("ip", `cat <<'END'
default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.5 metric 100 
10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.5 metric 100 
10.9.0.7 via 10.0.0.1 dev eth0 
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown 
100.64.0.0/10 dev tailscale0 table 52 
unreachable 10.99.0.0/16 metric 1024 
local 10.0.0.5 dev eth0 table local proto kernel scope host src 10.0.0.5 
broadcast 10.0.0.255 dev eth0 table local proto kernel scope link src 10.0.0.5 
0.0.0.0/1 via 10.8.0.1 dev tun0 
END`)
		}, preflight.Conditions{
			Kernel: release, MachineID: "0123456789abcdef", Links: []preflight.Link{{Name: "eth0", MTU: 1450}},
			Routes: []preflight.Route{
				to("10.0.0.0/24", "eth0", true), to("10.9.0.7/32", "eth0", false), to("172.17.0.0/16", "docker0", true),
				to("100.64.0.0/10", "tailscale0", false), to("10.99.0.0/16", "", false),
			},
		}},
		{"routes without ip", func(m *machine) {
			m.write("/proc/net/route", "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"+
				"eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"+
				"eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"+
				"wg0\t0000140A\t0100000A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0\n")
		}, preflight.Conditions{Routes: []preflight.Route{to("172.17.0.0/16", "eth0", true), to("10.20.0.0/16", "wg0", false)}}},
		{"modules that are loaded, built in, or on the disk", func(m *machine) {
			kernel(m)
			m.write("/sys/module/vxlan/refcnt", "0\n")
			m.write("/lib/modules/"+release+"/modules.dep", "kernel/net/netfilter/ipvs/ip_vs.ko.xz: kernel/net/netfilter/nf_conntrack.ko.xz\nkernel/net/bridge/br_netfilter.ko:\n")
			m.write("/lib/modules/"+release+"/modules.builtin", "kernel/net/bridge/bridge.ko\n")
		}, preflight.Conditions{Kernel: release}},
		{"modules that are nowhere", func(m *machine) {
			kernel(m)
			m.write("/lib/modules/"+release+"/modules.dep", "kernel/net/netfilter/ipvs/ip_vs_rr.ko:\nkernel/net/bridge/br_netfilter.ko:\n")
		}, preflight.Conditions{Kernel: release, Lacks: []string{"bridge", "vxlan", "ip_vs"}}},
		{"a container, which has the configuration only", func(m *machine) {
			kernel(m)
			m.write("/proc/config.gz", "")
			m.write("/proc/sys/net/bridge/x", "")
			m.tool("zcat", "printf 'CONFIG_VXLAN=y\\n# CONFIG_IP_VS is not set\\n'")
		}, preflight.Conditions{Kernel: release, Lacks: []string{"ip_vs"}}},
		{"a kernel that does not say what it is made of", kernel, preflight.Conditions{Kernel: release}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, m *machine) {
				tt.make(m)
				got, err := Look(t.Context(), m)
				if err != nil {
					t.Fatal(err)
				}
				if got.Margin < time.Second/2 || got.Ahead.Abs() > got.Margin {
					t.Errorf("this machine's own clock: %s ahead, give or take %s", got.Ahead, got.Margin)
				}
				got.Ahead, got.Margin = 0, 0
				if got.DiskFree <= 1 {
					t.Errorf("this machine's own disk: %d bytes free", got.DiskFree)
				}
				got.DiskFree = 0
				if d := cmp.Diff(tt.want, got, cmpopts.EquateComparable(netip.Prefix{})); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
				if m.made != 1 {
					t.Errorf("round trips: got %d, want 1", m.made)
				}
			})
		})
	}
}

func TestTheDiskIsReadAsDfPrintsIt(t *testing.T) {
	for _, tt := range []struct {
		name, df string
		want     int64
	}{
		{"room", "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 41019616 5094000 34078000 14% /\n", 34078000 << 10},
		{"none", "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 1000 1000 0 100% /\n", 1},
		{"no df", "", 0},
		{"another language", "Dateisystem 1024-Blöcke Benutzt Verfügbar Kapazität Eingehängt auf\n/dev/vda1 9 1 8 12% /\n", 8 << 10},
		{"something else", "df: /var/lib/docker: Permission denied\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := conditions("clock 1000\ndisk\n"+tt.df+"routes\n10.1.0.0/16 dev wg0\n", time.Unix(1000, 0), time.Unix(1000, 0))
			if c.DiskFree != tt.want || len(c.Routes) != 1 {
				t.Errorf("got %d bytes and the routes %v, want %d", c.DiskFree, c.Routes, tt.want)
			}
		})
	}
}

func TestTheTimeOfTheRoundTripDoesNotCount(t *testing.T) {
	began := time.Unix(1000, 0)
	for _, tt := range []struct {
		name         string
		clock        int64
		took         time.Duration
		ahead, about time.Duration
	}{
		{"at once", 1000, 0, time.Second / 2, time.Second / 2},
		{"slowly", 1005, 10 * time.Second, time.Second / 2, 5*time.Second + time.Second/2},
		{"behind", 700, 0, -300*time.Second + time.Second/2, time.Second / 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := conditions(fmt.Sprintf("clock %d\nroutes\n", tt.clock), began, began.Add(tt.took))
			if c.Ahead != tt.ahead || c.Margin != tt.about {
				t.Errorf("got %s give or take %s, want %s give or take %s", c.Ahead, c.Margin, tt.ahead, tt.about)
			}
		})
	}
}

func TestFirewall(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(m *machine)
		want preflight.Firewall
	}{
		{"none", func(*machine) {}, preflight.Firewall{}},
		{"plain rules", func(m *machine) {
			m.tool("nft", `[ "$*" = "list ruleset" ] && echo "table inet filter {"`)
			m.tool("iptables", `[ "$*" = -S ] && echo "-P INPUT DROP"`)
		}, preflight.Firewall{NFT: "table inet filter {", IPTables: "-P INPUT DROP"}},
		{"ufw", func(m *machine) {
			m.tool("ufw", `[ "$*" = "status verbose" ] && echo "Status: active"`)
		}, preflight.Firewall{UFW: "Status: active"}},
		{"firewalld that does not run", func(m *machine) { m.tool("firewall-cmd", "exit 252") }, preflight.Firewall{}},
		{"firewalld, with the interface in a zone of its own", func(m *machine) {
			m.tool("ip", `echo "2: eth1    inet 10.0.0.5/24 brd 10.0.0.255 scope global eth1"`)
			m.tool("firewall-cmd", `case $* in
*--get-zone-of-interface=eth1) echo swarm ;;
*--get-default-zone) echo public ;;
*--zone=swarm*--list-ports) echo 22/tcp 7946/udp ;;
*--zone=swarm*--list-services) echo ssh ;;
esac`)
		}, preflight.Firewall{Zone: "swarm", ZoneOpen: []string{"22/tcp", "7946/udp", "ssh"}}},
		{"firewalld, with the interface in no zone", func(m *machine) {
			m.tool("firewall-cmd", `case $* in
*--get-zone*) echo "no zone"; exit 2 ;;
*--get-default-zone) echo public ;;
esac`)
		}, preflight.Firewall{Zone: "public", ZoneOpen: []string{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, m *machine) {
				tt.make(m)
				got, err := Firewall(t.Context(), m, "10.0.0.5")
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestKnock(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, bash, nc string
		want           preflight.Outcome
		why            string
	}{
		{"open", "exit 0", "", preflight.Open, ""},
		{"closed", `echo "bash: connect: Connection refused" >&2; echo "bash: /dev/tcp/10.0.0.1/2377: Connection refused" >&2; exit 1`, "", preflight.Closed, "connection refused"},
		{"no way", `echo "bash: /dev/tcp/10.0.0.1/2377: No route to host" >&2; exit 1`, "", preflight.Dropped, "no route to host"},
		{"no answer", "exit 124", "", preflight.Dropped, "no answer within 3s"},
		{"open by nc", "", "exit 0", preflight.Open, ""},
		{"closed by an nc that says nothing", "", "exit 1", preflight.Closed, "connection refused"},
		{"without means", "", "", preflight.Untried, "its sshd forbids forwarding, and it has neither bash nor nc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, m *machine) {
				for name, body := range map[string]string{"bash": tt.bash, "nc": tt.nc} {
					if body != "" {
						m.tool(name, body)
					}
				}
				o, why := Knock(t.Context(), m, netip.MustParseAddr("10.0.0.1"), 2377)
				if o != tt.want || why != tt.why {
					t.Errorf("got %s %q, want %s %q", o, why, tt.want, tt.why)
				}
			})
		})
	}
}
