package preflight_test

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/preflight"
)

// What follows was printed by the tools themselves.
const (
	ufwActive = "Status: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), deny (routed)\nNew profiles: skip\n\nTo                         Action      From\n--                         ------      ----\n22/tcp                     ALLOW IN    Anywhere\n"
	nftDrops  = "table inet filter {\n\tset known {\n\t\ttype ipv4_addr\n\t}\n\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t\tct state established,related accept\n\t\tct state invalid drop\n\t\tiif \"lo\" accept\n\t\ttcp dport 22 counter packets 3 bytes 180 accept\n\t}\n\n\tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n\t}\n}\n"
	nftRule   = "table inet swarm {\n\tchain in {\n\t\ttype filter hook input priority 0; policy accept;\n\t\tjump ports\n\t}\n\n\tchain ports {\n\t\ttcp dport { 2376, 2377 } reject with tcp reset\n\t}\n}\n"
	foreign   = "# Warning: table ip filter is managed by iptables-nft, do not touch!\ntable ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n"
)

func TestWhatKeepsOthersOut(t *testing.T) {
	const (
		nftOpens = "nft insert rule inet filter input tcp dport '{ 2377, 7946 }' accept && nft insert rule inet filter input udp dport '{ 7946, 4789 }' accept && nft insert rule inet filter input meta l4proto esp accept"
		iptOpens = "iptables -I INPUT -p tcp -m multiport --dports 2377,7946 -j ACCEPT && iptables -I INPUT -p udp -m multiport --dports 7946,4789 -j ACCEPT && iptables -I INPUT -p esp -j ACCEPT"
		ufwOpens = "ufw allow proto tcp to any port 2377,7946 && ufw allow proto udp to any port 7946,4789 && ufw allow proto esp to any"
	)
	for _, tt := range []struct {
		name string
		fw   preflight.Firewall
		want string // what and cure
	}{
		{"nothing", preflight.Firewall{}, ""},
		{"rules that let everything in", preflight.Firewall{IPTables: "-P INPUT ACCEPT\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n"}, ""},
		{"firewalld", preflight.Firewall{Zone: "public", ZoneOpen: []string{"dhcpv6-client", "ssh"}},
			"firewalld does not let it into zone public: firewall-cmd -q --permanent --zone=public --add-port=2377/tcp --add-port=7946/tcp --add-port=7946/udp --add-port=4789/udp && firewall-cmd -q --zone=public --add-port=2377/tcp --add-port=7946/tcp --add-port=7946/udp --add-port=4789/udp && firewall-cmd -q --permanent --zone=public --add-protocol=esp && firewall-cmd -q --zone=public --add-protocol=esp"},
		{"firewalld with the port", preflight.Firewall{Zone: "public", ZoneOpen: []string{"2377/tcp"}}, ""},
		{"firewalld with its service", preflight.Firewall{Zone: "public", ZoneOpen: []string{"docker-swarm"}}, ""},
		{"ufw", preflight.Firewall{UFW: ufwActive, IPTables: "-P INPUT DROP\n"}, "ufw does not let it in: " + ufwOpens},
		{"ufw with the ports", preflight.Firewall{UFW: ufwActive + "2377,7946/tcp              ALLOW IN    Anywhere\n"}, ""},
		{"ufw with other ports", preflight.Firewall{UFW: ufwActive + "2377/udp              ALLOW IN    Anywhere\n2377/tcp   DENY IN    Anywhere\n"}, "ufw does not let it in: " + ufwOpens},
		{"ufw that is switched off", preflight.Firewall{UFW: "Status: inactive\n", IPTables: "-P INPUT ACCEPT\n"}, ""},
		{"an nftables chain that drops what nothing lets in", preflight.Firewall{NFT: nftDrops}, "nftables drops it (table inet filter, chain input): " + nftOpens},
		{"the same with the port", preflight.Firewall{NFT: strings.Replace(nftDrops, "tcp dport 22 ", "tcp dport { 22, 2000-3000 } ", 1)}, ""},
		{"a rule that is jumped to", preflight.Firewall{NFT: nftRule}, "nftables drops it (table inet swarm, chain in): " + strings.ReplaceAll(nftOpens, "inet filter input", "inet swarm in")},
		{"a table of iptables is iptables' own", preflight.Firewall{NFT: foreign, IPTables: "-P INPUT DROP\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"}, "iptables drops it (chain INPUT): " + iptOpens},
		{"a rule for the port", preflight.Firewall{IPTables: "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 2377 -j DROP\n"}, "iptables drops it (chain INPUT): " + iptOpens},
		{"a rule before that lets it in", preflight.Firewall{IPTables: "-P INPUT DROP\n-A INPUT -p tcp -m multiport --dports 22,2377 -m comment --comment \"of the swarm\" -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-host-prohibited\n"}, ""},
		{"a rule that lets in only some", preflight.Firewall{IPTables: "-P INPUT ACCEPT\n-A INPUT ! -i eth0 -j ACCEPT\n-A INPUT -s 10.0.0.9/32 -p tcp -m tcp --dport 2377 -j ACCEPT\n-A INPUT -j REJECT\n"}, "iptables drops it (chain INPUT): " + iptOpens},
		{"a rule that drops some", preflight.Firewall{IPTables: "-P INPUT ACCEPT\n-A INPUT -i eth1 -j blocked\n-A INPUT -s 10.0.0.0/8 -j DROP\n-A blocked -j DROP\n"}, "iptables drops it (chain INPUT): " + iptOpens},
		{"a chain that returns", preflight.Firewall{IPTables: "-P INPUT ACCEPT\n-A INPUT -j some\n-A some -p tcp -m tcp --dport 2377 -j RETURN\n-A some -j DROP\n"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, w := range tt.fw.In("m", preflight.Port{Number: 2377, Proto: "tcp"}, preflight.Ports(true, 0)) {
				got = append(got, w.What+": "+w.Cure)
			}
			if s := strings.Join(got, "\n"); s != tt.want {
				t.Errorf("got  %s\nwant %s", s, tt.want)
			}
		})
	}
}

func TestWhatKeepsAHostIn(t *testing.T) {
	out := preflight.Firewall{IPTables: "-P INPUT ACCEPT\n-P OUTPUT DROP\n-A OUTPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"}
	w := out.Out("w", preflight.Port{Number: 2377, Proto: "tcp"}, preflight.Ports(false, 7000))
	if len(w) != 1 || w[0].Host != "w" || !strings.HasPrefix(w[0].Cure, "iptables -I OUTPUT -p tcp -m multiport --dports 7946 -j ACCEPT && iptables -I OUTPUT -p udp -m multiport --dports 7946,7000 ") {
		t.Errorf("got %v", w)
	}
	if w := (preflight.Firewall{NFT: nftDrops}).Out("w", preflight.Port{Number: 2377, Proto: "tcp"}, nil); len(w) > 0 {
		t.Errorf("what comes in is blamed for what goes out: %v", w)
	}
}

// What a firewall prints may be anything.
func FuzzFirewall(f *testing.F) {
	for _, s := range []string{ufwActive, nftDrops, nftRule, foreign, "-A INPUT -p tcp --dport", "table inet x {\nchain y {\ntcp dport {\n"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		fw := preflight.Firewall{UFW: s, NFT: s, IPTables: s}
		fw.In("a", preflight.Port{Number: 2377, Proto: "tcp"}, preflight.Ports(true, 0))
		fw.Out("a", preflight.Port{Number: 2377, Proto: "tcp"}, preflight.Ports(true, 0))
	})
}

func TestUndoIsTheCommandOfTheOtherWay(t *testing.T) {
	ports := preflight.Ports(false, 0)
	if got, want := preflight.Undo("ufw", "", ports), "ufw delete allow proto tcp to any port 7946 && ufw delete allow proto udp to any port 7946,4789 && ufw delete allow proto esp to any"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got := preflight.Undo("firewalld", "public", ports); got != strings.ReplaceAll(preflight.Command("firewalld", "public", ports), "--add-", "--remove-") {
		t.Errorf("got %s", got)
	}
	for _, p := range ports {
		if got, ok := preflight.ParsePort(p.String()); !ok || got != p {
			t.Errorf("%s is read as %v, %t", p, got, ok)
		}
	}
	for _, s := range []string{"", "gre", "0/tcp", "99999/udp", "1/sctp", "x/tcp"} {
		if p, ok := preflight.ParsePort(s); ok {
			t.Errorf("%q is read as %v", s, p)
		}
	}
}
