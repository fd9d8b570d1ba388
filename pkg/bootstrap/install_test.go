package bootstrap

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/spec"
)

// update rewrites the files in testdata from what the code does.
var update = flag.Bool("update", false, "rewrite the files in testdata")

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// on makes the machine one of a distribution.
func (m *machine) on(os string, d fakeDistro) Facts {
	d.save(m.root)
	if os == "alpine" {
		m.openrc()
	} else {
		m.systemd()
	}
	m.fake("apt-get", "apt-cache", "dpkg", "dnf", "zypper", "apk")
	return Facts{OS: os, Engine: Absent}
}

func TestInstallByDistribution(t *testing.T) {
	t.Parallel()
	tests := []struct {
		os, name string
		has      []string
	}{
		{"debian", "debian-12", []string{"docker.io", "ca-certificates", "iptables", "apparmor"}},
		{"debian", "debian-13", []string{"docker.io", "ca-certificates", "iptables", "apparmor", "docker-cli"}},
		{"ubuntu", "ubuntu", []string{"docker.io", "ca-certificates", "iptables", "apparmor"}},
		{"fedora", "fedora", []string{"moby-engine", "docker-cli"}},
		{"amzn", "amazon-linux", []string{"docker"}},
		{"opensuse-leap", "opensuse", []string{"docker"}},
		{"alpine", "alpine", []string{"docker"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := shells(t)
			if tt.os == "alpine" {
				all = all[len(all)-1:]
			}
			m := newMachine(t, all[0])
			f := m.on(tt.os, fakeDistro{Has: tt.has})
			var said []string
			if err := Install(t.Context(), m, f, spec.InstallDistro, func(s string) { said = append(said, s) }); err != nil {
				t.Fatal(err)
			}
			if !readEngine(m.root).Running {
				t.Error("the engine does not run")
			}
			golden(t, "install-"+tt.name+".txt", strings.Join(append(said, m.calls()...), "\n")+"\n")
		})
	}
}

func TestInstallGetsOverWhatAMachineIsInTheMiddleOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		distro fakeDistro
		want   string // a command that must have been run
	}{
		{"another holds the lock of the lists", fakeDistro{Locked: 5}, ""},
		{"dpkg was cut off", fakeDistro{Interrupted: true}, "dpkg --force-confdef --force-confold --configure -a"},
		{"a repository that has no engine is broken", fakeDistro{Lists: "E: The repository 'https://x' is not signed."}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, "/bin/sh")
			tt.distro.Has = []string{"docker.io", "ca-certificates", "iptables", "apparmor"}
			f := m.on("debian", tt.distro)
			if err := Install(t.Context(), m, f, spec.InstallDistro, nil); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(m.read("/calls"), tt.want) {
				t.Errorf("%q was not run:\n%s", tt.want, m.read("/calls"))
			}
		})
	}
}

func TestInstallSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		os     string
		distro fakeDistro
		how    spec.Install
		want   string
	}{
		{"install: none", "debian", fakeDistro{}, spec.InstallNone,
			"install engine: there is none, and the file says install: none"},
		{"an unknown way", "debian", fakeDistro{}, "magic",
			`install engine: "magic" is no way to install`},
		{"an unknown distribution", "plan9", fakeDistro{}, spec.InstallDistro,
			`install engine: distribution "plan9" 4 has no engine of its own that is known here: install Docker Engine by hand`},
		{"no distribution", "", fakeDistro{}, spec.InstallDistro,
			"install engine: the distribution is unknown: the machine has no os-release"},
		{"a lock that is never given up", "debian", fakeDistro{Locked: 1000}, spec.InstallDistro,
			"install engine: apt: Unable to locate package docker.io (its package lists are old: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get))"},
		{"no such package with dnf", "amzn", fakeDistro{}, spec.InstallDistro,
			"install engine: dnf: Unable to find a match: docker"},
		{"no such package with zypper", "sles", fakeDistro{}, spec.InstallDistro,
			"install engine: zypper: No provider of 'docker' found."},
		{"no such package with apk", "alpine", fakeDistro{}, spec.InstallDistro,
			"install engine: apk: unable to select packages: docker (no such package)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, "/bin/sh")
			f := m.on(tt.os, tt.distro)
			f.OSVersion = "4"
			err := Install(t.Context(), m, f, tt.how, nil)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestARemarkOfZypperIsNoFailure(t *testing.T) {
	for remark, ok := range map[int]bool{102: true, 106: true, 107: false} {
		m := newMachine(t, "/bin/sh")
		f := m.on("sles", fakeDistro{Has: []string{"docker"}, Remark: remark})
		if err := Install(t.Context(), m, f, spec.InstallDistro, nil); (err == nil) != ok {
			t.Errorf("status %d: got %v", remark, err)
		}
	}
}

func TestInstallLeavesAnEngineThatIsThereAlone(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.systemd()
	m.install(fakeEngine{Version: "20.10.24"})
	if err := Install(t.Context(), m, Facts{OS: "plan9", Engine: Stopped}, spec.InstallNone, nil); err != nil {
		t.Fatal(err)
	}
	e := readEngine(m.root)
	if !e.Running || e.Version != "20.10.24" {
		t.Errorf("got %+v, want the engine that was there, running", e)
	}
}

func TestInstallWaitsForTheFirstBoot(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	f := m.on("debian", fakeDistro{Has: []string{"docker.io", "ca-certificates", "iptables", "apparmor"}})
	m.tool("cloud-init", `echo "cloud-init $*" >>"$ROOT/calls"; echo noise; exit 2`)
	if err := Install(t.Context(), m, f, spec.InstallDistro, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := m.calls()[0], "cloud-init status --wait"; got != want {
		t.Errorf("first command: got %q, want %q", got, want)
	}
}
