package bootstrap

import (
	"os"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/spec"
)

// oldEngine puts Debian 12's engine onto a Debian 13, and holds it there.
const oldEngine = `set -e
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

func TestLabUpgrades(t *testing.T) {
	if os.Getenv("SWARMUP_MATRIX") == "" {
		t.Skip("SWARMUP_MATRIX is not set: this test installs two engines")
	}
	m := newLabMachine(t, "swarmup-node-bare", "")
	f, err := Probe(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := Install(t.Context(), m, f, Request{How: spec.InstallScript, Script: []byte("#!/bin/sh\n" + oldEngine)}, nil); err != nil {
		t.Fatal(err)
	}
	look := func() string {
		out, err := m.Run(t.Context(), "docker version --format '{{.Client.Version}} {{.Server.Version}}'; containerd --version | cut -d' ' -f3; readlink /proc/$(systemctl show -p MainPID --value containerd)/exe; apt-mark showhold", nil)
		if err != nil {
			t.Error(err)
		}
		return strings.Join(strings.Fields(out), " ")
	}
	if got := look(); !strings.HasPrefix(got, "20.10.24+dfsg1 20.10.24+dfsg1 1.6.20~ds1") {
		t.Fatalf("got %s", got)
	}
	if f, err = Probe(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := Upgrade(t.Context(), m, f, Request{How: spec.InstallDistro, Version: "26.1"}, func(s string) { t.Log(s) }); err != nil {
		t.Fatal(err)
	}
	if got, want := look(), "26.1.5+dfsg1 26.1.5+dfsg1 1.7.24~ds1 /usr/bin/containerd containerd docker.io runc"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
