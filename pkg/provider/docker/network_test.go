package docker

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/docker/docker/api/types/network"
	"github.com/google/go-cmp/cmp"
)

func TestTheNetworkIsMadeForTheCluster(t *testing.T) {
	f, p := newFake(t, Settings{Subnet: "10.9.0.0/24"})
	first, err := p.ensureNetwork(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.ensureNetwork(t.Context(), "demo")
	if err != nil || first != again || len(f.networks) != 1 {
		t.Errorf("again: %v, %v, %d networks", again, err, len(f.networks))
	}
	got := f.networks[0]
	want := map[string]string{"com.docker.network.bridge.name": bridgeName("demo")}
	if mtu := p.mtu(); mtu != 0 {
		want["com.docker.network.driver.mtu"] = fmt.Sprint(mtu)
	}
	if diff := cmp.Diff(want, got.Options); diff != "" {
		t.Errorf("options (-want +got)\n%s", diff)
	}
	if got.Name != "swarmup-demo" || got.Labels[labelCluster] != "demo" || first.gateway.String() != "10.9.0.1" {
		t.Errorf("got %+v", got)
	}
}

func TestBridgeNamesFitAnInterfaceAndDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, cluster := range []string{"a", "b", "a-cluster-with-thirty-letters1", "a-cluster-with-thirty-letters2"} {
		name := bridgeName(cluster)
		if len(name) > 15 || seen[name] {
			t.Errorf("%s: %q", cluster, name)
		}
		seen[name] = true
	}
}

func TestAFreeSubnetIsFound(t *testing.T) {
	f, p := newFake(t, Settings{})
	taken := "172.30.0.0/16" // as by compose projects
	f.networks = append(f.networks, &network.Summary{ID: "x", Name: "x", IPAM: network.IPAM{Config: []network.IPAMConfig{{Subnet: taken}}}})
	n, err := p.ensureNetwork(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	if n.subnet.Overlaps(netip.MustParsePrefix(taken)) || n.subnet.Bits() != 24 {
		t.Errorf("got %s", n.subnet)
	}
	for _, prefix := range localPrefixes() {
		if prefix.Overlaps(n.subnet) {
			t.Errorf("%s overlaps %s of this machine", n.subnet, prefix)
		}
	}
}

func TestSubnetsThatCannotBeHadAreExplained(t *testing.T) {
	everything := &network.Summary{ID: "x", Name: "all", IPAM: network.IPAM{Config: []network.IPAMConfig{{Subnet: "0.0.0.0/0"}}}}
	stranger := &network.Summary{ID: "x", Name: "swarmup-demo", IPAM: network.IPAM{Config: []network.IPAMConfig{{Subnet: "10.8.0.0/24"}}}}
	noIPv4 := &network.Summary{ID: "x", Name: "swarmup-demo", Labels: map[string]string{labelCluster: "demo"}}
	tests := []struct {
		name   string
		has    *network.Summary
		subnet string
		want   string
	}{
		{name: "none is free", has: everything, want: "no free subnet in 172.30.0.0/16 and 192.168.128.0/17 (set one)"},
		{name: "the wanted one is taken", has: everything, subnet: "10.9.0.0/24", want: "subnet 10.9.0.0/24 is taken by network all (0.0.0.0/0)"},
		{name: "a stranger has the name", has: stranger, want: "network swarmup-demo exists and is not swarmup's"},
		{name: "ours is of no use", has: noIPv4, want: "network swarmup-demo has no IPv4 subnet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, p := newFake(t, Settings{Subnet: tt.subnet})
			f.networks = append(f.networks, tt.has)
			_, err := p.ensureNetwork(t.Context(), "demo")
			if text(err) != tt.want {
				t.Errorf("\n got %q\nwant %q", text(err), tt.want)
			}
		})
	}
}

func TestAnEngineThatRefusesNetworksForAnotherReasonIsBelieved(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.refuse["POST /networks/create"] = refusal{status: 500, text: "iptables failed"}
	_, err := p.ensureNetwork(t.Context(), "demo")
	if want := "create network swarmup-demo: Error response from daemon: iptables failed"; text(err) != want {
		t.Errorf("\n got %q\nwant %q", text(err), want)
	}
}

func TestFreeAddress(t *testing.T) {
	n := clusterNet{subnet: netip.MustParsePrefix("10.9.0.0/29"), gateway: netip.MustParseAddr("10.9.0.1")}
	tests := []struct {
		name  string
		taken []string
		skip  int
		want  string
	}{
		{name: "the first after the gateway", want: "10.9.0.2"},
		{name: "a gap", taken: []string{"10.9.0.2", "10.9.0.4"}, want: "10.9.0.3"},
		{name: "further on", skip: 2, want: "10.9.0.4"},
		{name: "the last, however far", skip: 99, want: "10.9.0.6"},
		{name: "never the broadcast", taken: []string{"10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"}, want: "no address is left in subnet 10.9.0.0/29"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			taken := map[string]bool{}
			for _, a := range tt.taken {
				taken[a] = true
			}
			addr, err := n.freeAddress(taken, tt.skip)
			got := addr.String()
			if err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := n.room(); got != 5 {
		t.Errorf("room: got %d, want 5", got)
	}
}

func TestRoutesAreReadFromTheKernelsTable(t *testing.T) {
	hex := func(a string) string {
		b := netip.MustParseAddr(a).As4()
		return fmt.Sprintf("%08X", binary.NativeEndian.Uint32(b[:]))
	}
	table := "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t" + hex("192.0.2.1") + "\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"tun0\t" + hex("172.30.0.0") + "\t00000000\t0001\t0\t0\t0\t" + hex("255.255.128.0") + "\t0\t0\t0\n" +
		"short\tline\n"
	want := []string{"eth0 0.0.0.0/0", "tun0 172.30.0.0/17"}
	var got []string
	for _, r := range parseRoutes(table) {
		got = append(got, r.link+" "+r.to.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
