package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// edit replaces text in the lab's cluster.yaml.
func (l *lab) edit(old, text string) {
	l.Helper()
	yaml, err := os.ReadFile(filepath.Join(l.dir, "cluster.yaml"))
	if err != nil {
		l.Fatal(err)
	}
	if !strings.Contains(string(yaml), old) {
		l.Fatalf("cluster.yaml has no %q", old)
	}
	l.write("cluster.yaml", strings.Replace(string(yaml), old, text, 1))
}

// What a host says against becoming a member is told in one sentence, and the
// run ends with 3 before anything was touched. With the remedy it goes on.
func TestPreflightRefusesBeforeAnythingIsTouched(t *testing.T) {
	h := newHosts(t, "m", "w")
	const untouched = "cat /etc/docker/daemon.json 2>&1; ls /etc/docker; docker info --format '{{.Swarm.LocalNodeState}} {{.Name}}'"
	for _, tt := range []struct {
		name, spoil, more, says, remedy string
	}{
		{"a cloned machine-id", "cp /etc/machine-id /root/own; echo THEIRS >/etc/machine-id", "",
			"refused: w: m and w have the same machine-id: one is a copy of the other's disk, or both lines lead to one machine", "cp /root/own /etc/machine-id"},
		{"a clock", `printf '#!/bin/sh\nexec /usr/bin/date -d "5 minutes ago" "$@"\n' >/usr/local/bin/date; chmod +x /usr/local/bin/date`, "",
			"refused: w: the clock of w is 5m0s behind that of m", "rm /usr/local/bin/date"},
		{"a route into the address pool", "ip route add 10.20.4.0/24 dev eth0", "swarm: {default_addr_pool: [10.20.0.0/16]}",
			"refused: w: the address pool 10.20.0.0/16 overlaps 10.20.4.0/24 of w (a route by eth0)", "ip route del 10.20.4.0/24"},
		{"an interface that is not there", "true", "swarm: {advertise: eth9}",
			`refused: w: advertise of w is "eth9", and it has no such interface with an address`, "true"},
		{"live-restore", `mkdir -p /etc/docker; echo '{"live-restore": true}' >/etc/docker/daemon.json; systemctl reload docker`, "",
			"refused: w: the engine of w has live-restore, which cannot be in a swarm", `echo '{"live-restore": false}' >/etc/docker/daemon.json; systemctl reload docker`},
	} {
		t.Run(tt.name, func(*testing.T) {
			h.file("m", "w")
			if tt.more != "" {
				h.edit("engine:", tt.more+"\nengine:")
			}
			h.on("w", strings.ReplaceAll(tt.spoil, "THEIRS", h.on("m", "cat /etc/machine-id")))
			before := h.on("m", untouched) + h.on("w", untouched)
			r := h.want(3, "apply", "--yes")
			h.says(r, tt.says)
			if n := strings.Count(r.stderr, tt.says); n != 1 {
				t.Errorf("it is said %d times", n)
			}
			if after := h.on("m", untouched) + h.on("w", untouched); after != before || strings.Contains(after, "swarmup") {
				t.Errorf("something was touched:\n%s\nbefore:\n%s", after, before)
			}
			h.on("w", tt.remedy)
		})
	}
	h.on("w", "ip route add 10.0.0.0/16 dev eth0")
	h.file("m", "w")
	h.must("apply", "--yes")
	h.swarmIs("m", map[string]want{"m": {role: "manager"}, "w": {role: "worker"}})
	if got := h.on("m", "docker info --format '{{.Swarm.Cluster.DefaultAddrPool}}'"); got != "[10.128.0.0/9]" {
		t.Errorf("networks come from %s, beside a route to 10.0.0.0/16", got)
	}
	h.second()
}
