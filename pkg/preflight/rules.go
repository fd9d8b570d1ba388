package preflight

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ruleset is a packet filter's rules, as far as they decide on new connections
// to a port.
type ruleset struct {
	bases  []chain           // those that packets come to first
	chains map[string][]rule // by table and name
}

// chain is where packets begin.
type chain struct {
	tool  string // nft or iptables
	table string // family and table; "" for iptables
	name  string
	hook  string // input or output
	drop  bool   // what no rule decides is dropped
}

func (c chain) says() string {
	if c.tool == "nft" {
		return fmt.Sprintf("nftables drops it (table %s, chain %s)", c.table, c.name)
	}
	return fmt.Sprintf("iptables drops it (chain %s)", c.name)
}

// open gives the command that lets ports through, before any other rule.
func (c chain) open(ports []Port) string {
	var out []string
	for _, proto := range []string{"tcp", "udp"} {
		n := numbers(ports, proto)
		switch {
		case len(n) == 0:
		case c.tool == "nft":
			out = append(out, fmt.Sprintf("nft insert rule %s %s %s dport '{ %s }' accept", c.table, c.name, proto, strings.Join(n, ", ")))
		default:
			out = append(out, fmt.Sprintf("iptables -I %s -p %s -m multiport --dports %s -j ACCEPT", c.name, proto, strings.Join(n, ",")))
		}
	}
	switch {
	case !hasESP(ports):
	case c.tool == "nft":
		out = append(out, fmt.Sprintf("nft insert rule %s %s meta l4proto esp accept", c.table, c.name))
	default:
		out = append(out, fmt.Sprintf("iptables -I %s -p esp -j ACCEPT", c.name))
	}
	return strings.Join(out, " && ")
}

// rule is one rule. What it asks of a packet besides protocol and port is not
// looked at: it is narrow then.
type rule struct {
	proto   string // "" for any
	ports   []string
	narrow  bool
	verdict string // accept, drop, jump, return; "" for none
	to      string // of a jump
}

// verdicts of a walk through a chain.
type verdict int

const (
	undecided verdict = iota
	accepted
	dropped
)

// drops says whether a chain drops, or may drop, new connections to a port.
func (r ruleset) drops(c chain, port Port) bool {
	w := walk{r: r, table: c.table, port: port}
	switch w.through(c.name, 0) {
	case accepted:
		return false
	case dropped:
		return true
	default:
		return c.drop || w.perhaps
	}
}

type walk struct {
	r       ruleset
	table   string
	port    Port
	perhaps bool // a rule drops some, and nothing says whom
	steps   int
}

// through follows a packet. Chains that jump deeper than that, or take more
// rules altogether, are left alone: the kernel does not let them jump in circles.
func (w *walk) through(name string, depth int) verdict {
	const (
		deepest  = 16
		farthest = 100_000
	)
	if depth > deepest {
		return undecided
	}
	for _, r := range w.r.chains[w.table+" "+name] {
		if w.steps++; w.steps > farthest {
			return undecided
		}
		if !r.meets(w.port) {
			continue
		}
		switch {
		case r.verdict == "jump" && !r.narrow:
			if v := w.through(r.to, depth+1); v != undecided {
				return v
			}
		case r.verdict == "drop" && r.narrow:
			w.perhaps = true
		case r.narrow:
		case r.verdict == "drop":
			return dropped
		case r.verdict == "accept":
			return accepted
		case r.verdict == "return":
			return undecided
		}
	}
	return undecided
}

func (r rule) meets(p Port) bool {
	if r.proto != "" && r.proto != p.Proto {
		return false
	}
	return len(r.ports) == 0 || slices.ContainsFunc(r.ports, func(s string) bool { return covers(s, p.Number) })
}

// covers says whether a port is in 2377, 2000-3000 or 2000:3000.
func covers(s string, port int) bool {
	low, high, isRange := strings.Cut(strings.ReplaceAll(s, ":", "-"), "-")
	l, err := strconv.Atoi(low)
	if !isRange {
		return err == nil && l == port
	}
	h, errHigh := strconv.Atoi(high)
	return err == nil && errHigh == nil && l <= port && port <= h
}

// parseIPTables reads "iptables -S": lines "-P INPUT DROP" and "-A INPUT -p tcp
// -m tcp --dport 22 -j ACCEPT".
func parseIPTables(text string) ruleset {
	r := ruleset{chains: map[string][]rule{}}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if len(w) < 3 {
			continue
		}
		switch hook := strings.ToLower(w[1]); {
		case w[0] == "-P" && (hook == "input" || hook == "output"):
			r.bases = append(r.bases, chain{tool: "iptables", name: w[1], hook: hook, drop: w[2] == "DROP"})
		case w[0] == "-A":
			r.chains[" "+w[1]] = append(r.chains[" "+w[1]], iptablesRule(w[2:]))
		}
	}
	return r
}

// iptablesRule reads what stands behind the chain's name.
func iptablesRule(w []string) (r rule) {
	for len(w) > 0 {
		flag, values := w[0], behind(w)
		w = w[1+len(values):]
		value := strings.Join(values, " ")
		switch flag {
		case "-p":
			r.proto = value
		case "--dport", "--dports":
			r.ports = strings.Split(value, ",")
		case "-j", "-g":
			r.verdict, r.to = target(value)
			return r // what follows are the target's own settings
		case "-m":
			r.narrow = r.narrow || !slices.Contains([]string{"tcp", "udp", "multiport", "comment"}, value)
		case "--comment":
		default:
			r.narrow = true
		}
	}
	return r
}

// behind gives the values of the flag that a list of words begins with.
func behind(w []string) []string {
	n := 1
	for n < len(w) && !strings.HasPrefix(w[n], "-") && (w[n] != "!" || n > 1) {
		n++
	}
	return w[1:n]
}

func target(name string) (verdict, to string) {
	switch name {
	case "ACCEPT":
		return "accept", ""
	case "DROP", "REJECT":
		return "drop", ""
	case "RETURN":
		return "return", ""
	case "LOG", "NFLOG", "MARK", "CONNMARK":
		return "", ""
	}
	return "jump", name
}
