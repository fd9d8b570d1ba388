package preflight

import (
	"fmt"
	"slices"
	"strings"
)

// Firewall is what a host says of its packet filters.
type Firewall struct {
	// Zone is firewalld's zone for the swarm's traffic; "" if firewalld does not
	// run. ZoneOpen is what that zone lets in, ports (2377/tcp) and services.
	Zone     string
	ZoneOpen []string
	// UFW is what "ufw status verbose" prints; "" if there is none.
	UFW string
	// NFT is what "nft list ruleset" prints, IPTables what "iptables -S" does.
	NFT      string
	IPTables string
}

// Tool is the firewall's own manager: "firewalld", "ufw" or "". With the latter
// its rules come from elsewhere, if there are any.
func (f Firewall) Tool() string {
	switch {
	case f.Zone != "":
		return "firewalld"
	case strings.Contains(f.UFW, "Status: active"):
		return "ufw"
	}
	return ""
}

// In says what on a host keeps others from reaching a port on it, and how all
// of the ports are opened.
func (f Firewall) In(host string, port Port, all []Port) []Wall {
	switch f.Tool() {
	case "firewalld":
		if f.zoneAllows(port) {
			return nil
		}
		return []Wall{{Host: host, What: fmt.Sprintf("firewalld does not let it into zone %s", f.Zone), Cure: Command("firewalld", f.Zone, all)}}
	case "ufw":
		if f.ufwAllows(port, "Anywhere") {
			return nil
		}
		return []Wall{{Host: host, What: "ufw does not let it in", Cure: Command("ufw", "", all)}}
	}
	return f.chains(host, "input", port, all)
}

// Out says what on a host keeps it from reaching a port elsewhere.
func (f Firewall) Out(host string, port Port, all []Port) []Wall {
	if f.Tool() != "" {
		return nil // both let everything out if nobody tells them otherwise
	}
	return f.chains(host, "output", port, all)
}

// chains looks at plain rules.
func (f Firewall) chains(host, hook string, port Port, all []Port) (out []Wall) {
	for _, r := range []ruleset{parseNFT(f.NFT), parseIPTables(f.IPTables)} {
		for _, c := range r.bases {
			if c.hook == hook && r.drops(c, port) {
				out = append(out, Wall{Host: host, What: c.says(), Cure: c.open(all)})
			}
		}
	}
	return out
}

// Lacks gives those of some ports that nobody has let in yet, from anywhere or
// from some; none where neither ufw nor firewalld runs.
func (f Firewall) Lacks(ports []Port) (out []Port) {
	for _, p := range ports {
		switch f.Tool() {
		case "firewalld":
			if !f.zoneAllows(p) {
				out = append(out, p)
			}
		case "ufw":
			if !f.ufwAllows(p, "") {
				out = append(out, p)
			}
		}
	}
	return out
}

func (f Firewall) zoneAllows(port Port) bool {
	return slices.Contains(f.ZoneOpen, port.String()) || slices.Contains(f.ZoneOpen, "docker-swarm")
}

// ufwAllows reads lines such as "2377,7946/tcp  ALLOW IN  10.0.0.0/8", or
// "Anywhere/esp  ALLOW IN  Anywhere/esp", that let in what comes from somewhere.
func (f Firewall) ufwAllows(port Port, from string) bool {
	for line := range strings.Lines(f.UFW) {
		to, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		_, source, allows := strings.Cut(rest, "ALLOW IN")
		if !allows || !strings.HasPrefix(strings.TrimSpace(source), from) {
			continue
		}
		ports, proto, some := strings.Cut(to, "/")
		listed := ports == "Anywhere" || slices.ContainsFunc(strings.Split(ports, ","), func(s string) bool { return port.Number != 0 && covers(s, port.Number) })
		if listed && (!some || proto == port.Proto) {
			return true
		}
	}
	return false
}

// Command gives the shell command that opens ports in a firewall that remembers
// them: firewalld, in a zone, or ufw. It may be repeated.
func Command(tool, zone string, ports []Port) string {
	return strings.Join(commands(tool, zone, ports, false), " && ")
}

// Undo gives the shell command that takes Command back.
func Undo(tool, zone string, ports []Port) string {
	return strings.Join(commands(tool, zone, ports, true), " && ")
}

func commands(tool, zone string, ports []Port, undo bool) (out []string) {
	switch tool {
	case "firewalld":
		verb := "add"
		if undo {
			verb = "remove"
		}
		// Ports and protocols are no matter of one call, and a reload would have
		// Docker write its rules anew.
		for _, kind := range []string{"port", "protocol"} {
			args := ""
			for _, p := range ports {
				if (p.Number != 0) == (kind == "port") {
					args += fmt.Sprintf(" --%s-%s=%s", verb, kind, p)
				}
			}
			if args != "" {
				out = append(out, "firewall-cmd -q --permanent --zone="+zone+args, "firewall-cmd -q --zone="+zone+args)
			}
		}
	case "ufw":
		verb := "ufw allow"
		if undo {
			verb = "ufw delete allow"
		}
		for _, proto := range []string{"tcp", "udp"} {
			if n := numbers(ports, proto); len(n) > 0 {
				out = append(out, fmt.Sprintf("%s proto %s to any port %s", verb, proto, strings.Join(n, ",")))
			}
		}
		if hasESP(ports) {
			out = append(out, verb+" proto esp to any")
		}
	}
	return out
}
