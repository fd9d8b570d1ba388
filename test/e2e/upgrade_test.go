package e2e

import (
	"os"
	"strings"
	"testing"
)

// oldEngine puts Debian 12's engine onto a Debian 13, and holds it there.
const oldEngine = `#!/bin/sh
set -e
export DEBIAN_FRONTEND=noninteractive
list=/etc/apt/sources.list.d/bookworm.list
sed -n 's/^\(deb .*\) trixie main.*/\1 bookworm main/p; s/^URIs: \(.*\)/deb \1 bookworm main/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -v security | sed 1q >$list
apt-get -q update
version() { apt-cache madison "$1" | awk '/bookworm/ { print $3; exit }'; }
apt-get -q -y --no-install-recommends install docker.io=$(version docker.io) containerd=$(version containerd) runc=$(version runc) iptables ca-certificates
apt-mark hold docker.io containerd runc
rm $list
apt-get -q update
`

// Six nodes go from 20.10 to 26.1 in place, and whoever asks the service that they
// run does not notice.
func TestAnUpgradeRollsUnderAService(t *testing.T) {
	if os.Getenv("SWARMUP_MATRIX") == "" {
		t.Skip("SWARMUP_MATRIX is not set: this test installs two engines on six machines")
	}
	l := newLab(t)
	file := func(engine string) {
		l.write("cluster.yaml", "name: NAME\nprovider: {docker: {image: swarmup-node-bare}}\nengine: "+engine+
			"\nmanagers: [{name: m, count: 3}]\nworkers: [{name: w, count: 3}]\n")
	}
	all := []string{"m1", "m2", "m3", "w1", "w2", "w3"}
	l.write("old.sh", oldEngine)
	file("{install: ./old.sh}")
	l.must("apply")
	version := func(n string) string {
		return l.on(n, "docker version --format '{{.Client.Version}} {{.Server.Version}}'; apt-mark showhold | tr '\\n' ' '")
	}
	for _, n := range all {
		if got, want := version(n), "20.10.24+dfsg1 20.10.24+dfsg1\ncontainerd docker.io runc"; got != want {
			t.Fatalf("%s has %s, want %s", n, got, want)
		}
	}
	l.on("m1", "docker node update --availability pause w3")
	l.serve("m1", all...)
	before := l.availability("m1")
	file(`{install: distro, version: "26.1"}`)
	p := l.probe(all...)
	r := l.must("apply")
	l.wanted(p)
	t.Logf("the upgrade took %s", r.took)
	for _, n := range all {
		if got, want := version(n), "26.1.5+dfsg1 26.1.5+dfsg1\ncontainerd docker.io runc"; got != want {
			t.Errorf("%s has %s, want %s", n, got, want)
		}
	}
	if got := l.availability("m1"); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
	if out := l.on("m1", "docker node ls --format '{{.Status}} {{.EngineVersion}} {{.ManagerStatus}}' | sort | uniq -c"); strings.Contains(out, "20.10") || strings.Contains(out, "Down") || strings.Contains(out, "Unreachable") {
		t.Errorf("the managers show\n%s", out)
	}
	if r := l.must("plan", "--detailed-exitcode"); r.code != 0 {
		t.Errorf("a second plan: %s", r)
	}
}
