package docker

import (
	"errors"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/provider"
)

func TestSettingsAreCheckedBeforeAnythingIsAsked(t *testing.T) {
	tests := []struct {
		name string
		s    Settings
		want string // "" means no error
	}{
		{name: "nothing set", s: Settings{Host: "unix:///s"}},
		{name: "all set", s: Settings{Host: "tcp://h:2375", Reach: ReachPublished, Subnet: "10.9.0.0/24", Image: "x"}},
		{name: "an unknown way", s: Settings{Reach: "vpn"}, want: `reach "vpn" is not direct or published`},
		{name: "no CIDR", s: Settings{Subnet: "10.9.0.1"}, want: `subnet "10.9.0.1" is not an IPv4 CIDR such as 172.30.0.0/24`},
		{name: "IPv6", s: Settings{Subnet: "fd00::/64"}, want: `subnet "fd00::/64" is not an IPv4 CIDR such as 172.30.0.0/24`},
		{name: "host bits", s: Settings{Subnet: "10.9.0.1/24"}, want: `subnet "10.9.0.1/24" has host bits set (10.9.0.0/24?)`},
		{name: "too small", s: Settings{Subnet: "10.9.0.0/30"}, want: `subnet "10.9.0.0/30": a prefix length from 8 to 28 is needed`},
		{name: "ssh", s: Settings{Host: "ssh://me@h"}, want: `engine "ssh://me@h": ssh is not supported here, use unix:// or tcp://`},
		{name: "no address", s: Settings{Host: "h"}, want: "engine \"h\": unable to parse docker host `h`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := New(tt.s)
			if err == nil {
				_ = p.Close()
			}
			if got := text(err); got != tt.want {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestTheEngineComesFromTheEnvironment(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://198.51.100.7:2375")
	if got := newProvider(t, Settings{}).api.DaemonHost(); got != "tcp://198.51.100.7:2375" {
		t.Errorf("got %q", got)
	}
	if got := newProvider(t, Settings{Host: "unix:///s"}).api.DaemonHost(); got != "unix:///s" {
		t.Errorf("a host that is set: got %q", got)
	}
}

func TestAnEngineThatDoesNotAnswerIsSaidWithWhatToDo(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	p := newProvider(t, Settings{Host: "unix://" + socket})
	want := "no Docker Engine answers at unix://" + socket + " (start it, or set DOCKER_HOST)"
	calls := map[string]func() error{
		"list machines of demo: ":        func() error { _, err := p.List(t.Context(), "demo"); return err },
		"create machine demo-n1-1: ":     func() error { _, err := p.Create(t.Context(), request("n1")); return err },
		"prepare the docker provider: ":  func() error { return p.Prepare(t.Context(), []provider.Request{request("n1")}, nil) },
		"delete machine demo-n1-1: ":     func() error { return p.Delete(t.Context(), machineOf("n1")) },
		"clean up after demo: ":          func() error { return p.Clean(t.Context(), "demo") },
		"list leftovers of demo: ":       func() error { _, err := p.Leftovers(t.Context(), "demo"); return err },
		"start machine demo-n1-1: ":      func() error { _, err := p.Start(t.Context(), machineOf("n1")); return err },
		"authorize a key on demo-n1-1: ": func() error { return p.Authorize(t.Context(), machineOf("n1"), []string{"k"}) },
		"stop machine demo-n1-1: ":       func() error { return p.Stop(t.Context(), machineOf("n1")) },
	}
	for verb, call := range calls {
		err := call()
		if text(err) != verb+want || !errors.Is(err, ErrNoEngine) {
			t.Errorf("\n got %q\nwant %q", text(err), verb+want)
		}
	}
}

func TestAFullDiskIsCalledSo(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.refuse["POST /containers/create"] = refusal{status: 500, text: "mkdir /var/lib/docker/overlay2/x: no space left on device"}
	_, err := p.Create(t.Context(), request("n1"))
	if want := "create machine demo-n1-1: the engine's disk is full: "; !strings.HasPrefix(text(err), want) {
		t.Errorf("\n got %q\nwant %q...", text(err), want)
	}
}

func TestReach(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1") // an address that any machine has
	tests := []struct {
		name, host string
		reach      Reach
		gateway    netip.Addr
		published  bool
		on         string // what is published on
		dial       string // where a port published on 0.0.0.0 is dialled
	}{
		{name: "a bridge on this machine is direct", host: "unix:///s", gateway: local, on: "127.0.0.1", dial: "127.0.0.1"},
		{name: "a bridge elsewhere is not", host: "unix:///s", gateway: netip.MustParseAddr("192.0.2.1"), published: true, on: "127.0.0.1", dial: "127.0.0.1"},
		{name: "an engine behind a forwarded port is not", host: "tcp://127.0.0.1:2375", gateway: local, published: true, on: "127.0.0.1", dial: "127.0.0.1"},
		{name: "a remote engine publishes on all its addresses", host: "tcp://198.51.100.7:2375", gateway: local, published: true, dial: "198.51.100.7"},
		{name: "direct can be demanded", host: "tcp://198.51.100.7:2375", reach: ReachDirect, gateway: local, dial: "198.51.100.7"},
		{name: "published can be demanded", host: "unix:///s", reach: ReachPublished, gateway: local, published: true, on: "127.0.0.1", dial: "127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProvider(t, Settings{Host: tt.host, Reach: tt.reach})
			if got := p.published(tt.gateway); got != tt.published {
				t.Errorf("published: got %v, want %v", got, tt.published)
			}
			if got := p.publishOn(); got != tt.on {
				t.Errorf("on: got %q, want %q", got, tt.on)
			}
			if got := p.publishedHost("0.0.0.0"); got != tt.dial {
				t.Errorf("dial: got %q, want %q", got, tt.dial)
			}
		})
	}
}

func TestMTUIsTheSmallestThatLeadsOutAndBelowTheUsual(t *testing.T) {
	links := []net.Interface{{Name: "lo", MTU: 65536}, {Name: "eth0", MTU: 1500}, {Name: "wg0", MTU: 1380}, {Name: "tun0", MTU: 1400}, {Name: "jumbo", MTU: 9000}}
	tests := []struct {
		out  []string
		want int
	}{
		{out: nil, want: 0},
		{out: []string{"eth0"}, want: 0},
		{out: []string{"jumbo"}, want: 0},
		{out: []string{"tun0"}, want: 1400},
		{out: []string{"eth0", "tun0", "wg0"}, want: 1380},
	}
	for _, tt := range tests {
		out := map[string]bool{}
		for _, name := range tt.out {
			out[name] = true
		}
		if got := smallestMTU(links, out); got != tt.want {
			t.Errorf("%v: got %d, want %d", tt.out, got, tt.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func request(node string) provider.Request {
	return provider.Request{Cluster: "demo", Node: node, Name: "demo-" + node + "-1", AuthorizedKeys: []string{"ssh-ed25519 AAAA me"}}
}

func machineOf(node string) provider.Machine {
	return provider.Machine{Cluster: "demo", Node: node, Name: "demo-" + node + "-1", Owned: true}
}
