package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// cure gives the command that a refusal names for a host.
func (l *lab) cure(r result, host string) string {
	l.Helper()
	m := regexp.MustCompile(fmt.Sprintf(`(?m)^swarmup: hint: run on %s as root: (.*)$`, host)).FindStringSubmatch(r.stderr)
	if m == nil {
		l.Fatalf("no command for %s: %s", host, r)
	}
	return m[1]
}

// A firewall between a host and the leader is found, wherever it is, and exactly
// the command that is named opens it.
func TestAFirewallInTheWayIsNamedWithWhatOpensIt(t *testing.T) {
	h := newHosts(t, "m", "w", "u")
	h.on("m", "iptables -A INPUT -p tcp --dport 2377 -j DROP")
	h.file("m", "w")
	r := h.want(3, "apply", "--yes")
	h.says(r, "refused: w does not reach m at "+h.address("m")+":2377: no answer within 3s; on m iptables drops it (chain INPUT)")
	h.on("m", h.cure(r, "m"))
	h.must("apply", "--yes")
	h.swarmIs("m", map[string]want{"m": {role: "manager"}, "w": {role: "worker"}})

	h.on("u", "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ufw && ufw allow 22/tcp && ufw --force enable")
	h.file("m", "w u")
	r = h.want(3, "apply", "--yes")
	h.says(r, "refused: u: m does not reach u at "+h.address("u")+":7946: no answer within 3s; on u ufw does not let it in")
	h.on("u", h.cure(r, "u"))
	h.must("apply", "--yes")
	h.swarmIs("m", map[string]want{"m": {role: "manager"}, "w": {role: "worker"}, "u": {role: "worker"}})
	h.second()
}

// With open_ports nobody has to run anything: what the file opens is closed at
// the end, and what others opened stays.
func TestOpenPortsOpensUFWAndTakesItBack(t *testing.T) {
	h := newHosts(t, "m", "w")
	for _, n := range []string{"m", "w"} {
		h.on(n, "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ufw && ufw allow 22/tcp && ufw allow 7946/udp && ufw --force enable")
	}
	before := h.on("m", "ufw status") + h.on("w", "ufw status")
	h.file("m", "w")
	h.says(h.want(3, "apply", "--yes"), "on m ufw does not let it in")
	h.edit("install: none", "install: none, open_ports: true")
	h.must("apply", "--yes")
	h.swarmIs("m", map[string]want{"m": {role: "manager"}, "w": {role: "worker"}})
	h.second()
	for n, open := range map[string]string{"m": "2377,7946/tcp", "w": "7946/tcp"} {
		if out := h.on(n, "ufw status"); !strings.Contains(out, open+" ") || !strings.Contains(out, "4789/udp") {
			t.Errorf("%s: %s", n, out)
		}
	}
	if _, err := h.try("w", "timeout 2 bash -c '</dev/tcp/"+h.address("m")+"/7946'"); err != nil {
		t.Errorf("w does not reach 7946 of m: %v", err)
	}
	h.must("destroy", "--yes")
	if after := h.on("m", "ufw status") + h.on("w", "ufw status"); after != before {
		t.Errorf("left:\n%s\nbefore:\n%s", after, before)
	}
}
