package preflight

import (
	"slices"
	"strings"
)

// parseNFT reads "nft list ruleset". Tables that iptables keeps are left out:
// iptables tells of them itself.
func parseNFT(text string) ruleset {
	r := ruleset{chains: map[string][]rule{}}
	var table, name string
	foreign := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		w := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "# Warning: table ") && strings.Contains(line, "iptables"):
			foreign = true
		case len(w) >= 3 && w[0] == "table" && strings.HasSuffix(line, "{"):
			table, name = strings.Join(w[1:len(w)-1], " "), ""
			if foreign {
				table, foreign = "", false
			}
		case table == "" || len(w) == 0:
		case len(w) == 3 && w[0] == "chain":
			name = w[1]
		case line == "}":
			name = ""
		case name == "": // of a set or a map
		case len(w) > 1 && w[0] == "type" && w[1] == "filter":
			r.base(table, name, w)
		default:
			key := table + " " + name
			r.chains[key] = append(r.chains[key], nftRule(w))
		}
	}
	return r
}

// base reads "type filter hook input priority filter; policy drop;".
func (r *ruleset) base(table, name string, w []string) {
	c := chain{tool: "nft", table: table, name: name}
	for i := range w[:len(w)-1] {
		switch value := strings.TrimSuffix(w[i+1], ";"); w[i] {
		case "hook":
			c.hook = value
		case "policy":
			c.drop = value == "drop"
		}
	}
	if family, _, _ := strings.Cut(table, " "); family == "ip" || family == "inet" {
		r.bases = append(r.bases, c)
	}
}

// nftRule reads "tcp dport { 22, 80 } counter packets 0 bytes 0 accept".
func nftRule(w []string) (r rule) {
	for len(w) > 0 {
		n := 1
		switch {
		case slices.Contains([]string{"tcp", "udp", "th"}, w[0]) && len(w) > 2 && w[1] == "dport":
			if w[0] != "th" {
				r.proto = w[0]
			}
			r.ports, n = nftPorts(w[2:])
			n += 2
			r.narrow = r.narrow || len(r.ports) == 0
		case len(w) > 2 && (w[0] == "meta" && w[1] == "l4proto" || w[0] == "ip" && w[1] == "protocol"):
			r.proto, n = w[2], 3
			if w[2] == "{" {
				r.proto, r.narrow = "", true
				_, n = nftPorts(w[2:])
				n += 2
			}
		case w[0] == "counter":
			if n = 1; len(w) > 4 && w[1] == "packets" {
				n = 5
			}
		case w[0] == "accept", w[0] == "return":
			r.verdict = w[0]
			return r
		case w[0] == "drop", w[0] == "reject":
			r.verdict = "drop"
			return r
		case (w[0] == "jump" || w[0] == "goto") && len(w) > 1:
			r.verdict, r.to = "jump", w[1]
			return r
		case w[0] == "comment":
			return r
		default:
			r.narrow = true
		}
		w = w[n:]
	}
	return r
}

// nftPorts reads a port, a range, or a set in braces, and says of how many words.
func nftPorts(w []string) (ports []string, words int) {
	if w[0] != "{" {
		if !strings.ContainsAny(w[0][:1], "0123456789") {
			return nil, 1 // a named set, or all but some
		}
		return w[:1], 1
	}
	for i, s := range w[1:] {
		if s == "}" {
			return ports, i + 2
		}
		ports = append(ports, strings.TrimSuffix(s, ","))
	}
	return ports, len(w)
}
