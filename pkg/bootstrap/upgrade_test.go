package bootstrap

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/spec"
)

// runs makes the machine one whose engine runs in that version, as a member of a
// swarm, with a containerd of its own unit.
func (m *machine) runs(f Facts, d fakeDistro, version string) Facts {
	m.t.Helper()
	f = m.on(f, d)
	m.install(fakeEngine{Version: version})
	m.write("/var/lib/docker/swarm/docker-state.json", "{}")
	m.must(os.MkdirAll(m.root+"/proc/4343", 0o755))
	m.must(os.Symlink("/usr/bin/containerd", m.root+"/proc/4343/exe"))
	m.write("/run/containerd/containerd.pid", "4343\n")
	m.must(EnsureRunning(m.t.Context(), m))
	m.must(os.Remove(m.root + "/calls"))
	f.Engine, f.EngineVersion = Running, version
	return f
}

// The commands are in testdata, as those of Install.
func TestUpgradeByFamily(t *testing.T) {
	t.Parallel()
	debian, apt := trixie()
	apt.Own = append(slices.Clone(apt.Own), "containerd 1.7.24-1", "runc 1.1.15-1")
	tests := []struct {
		name   string
		facts  Facts
		distro fakeDistro
		how    spec.Install
		has    string
	}{
		{"apt-docker", debian, apt, spec.InstallDocker, "28.4.0"},
		{"apt-distro", debian, apt, spec.InstallDistro, "20.10.24"},
		{"dnf-docker", Facts{OS: "rocky", OSVersion: "10.0"}, fakeDistro{Docker: dnfDocker("el10"), Signer: key(rpmKey)}, spec.InstallDocker, "28.4.0"},
		{"dnf-distro", Facts{OS: "fedora", OSVersion: "43"}, fakeDistro{Own: dnfOwn}, spec.InstallDistro, "27.3.1"},
		{"zypper-distro", Facts{OS: "opensuse-leap", OSVersion: "15.6"}, fakeDistro{Own: otherOwn}, spec.InstallDistro, "27.3.1"},
		{"apk-distro", Facts{OS: "alpine", OSVersion: "3.22.2"}, fakeDistro{Own: otherOwn}, spec.InstallDistro, "27.3.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all := shells(t)
			if tt.facts.OS == "alpine" {
				all = all[len(all)-1:]
			}
			m := newMachine(t, all[0])
			m.tool("uname", "echo 6.12.0-55.el10.x86_64")
			f := m.runs(tt.facts, tt.distro, tt.has)
			var said []string
			if err := Upgrade(t.Context(), m, f, Request{How: tt.how}, func(s string) { said = append(said, s) }); err != nil {
				t.Fatal(err)
			}
			if e := readEngine(m.root); !e.Running || e.Runs == tt.has || e.Runs != e.Version {
				t.Errorf("version %s is there, and %s runs", e.Version, e.Runs)
			}
			golden(t, "upgrade-"+tt.name+".txt", strings.Join(append(said, m.calls()...), "\n")+"\n")
		})
	}
}

func TestUpgradeTakesTheVersionThatIsWantedFromWhereItCameBefore(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		how       spec.Install
		there     []string
		has, wish string
		downgrade bool
		held      []string // by somebody else
		want, err string
		keeps     []string // is held at the end
	}{
		{name: "newer, of Docker's", how: spec.InstallDocker, has: "28.4.0", wish: "28.5", want: "28.5.2", keeps: []string{"docker-ce", "docker-ce-cli", "containerd.io"}},
		{name: "held by the installation", how: spec.InstallDocker, has: "28.4.0", wish: "28.5", want: "28.5.2",
			held: []string{"docker-ce", "docker-ce-cli", "containerd.io"}, keeps: []string{"docker-ce", "docker-ce-cli", "containerd.io"}},
		{name: "the distribution's", how: spec.InstallDistro, has: "20.10.24", wish: "26.1", want: "26.1.5"},
		{name: "the distribution's, held by somebody", how: spec.InstallDistro, has: "20.10.24", wish: "26.1", want: "26.1.5",
			held: []string{"docker.io", "vim"}, keeps: []string{"vim", "docker.io"}},
		{name: "nothing is said and Docker's is there", there: []string{"docker-ce"}, has: "28.4.0", wish: "28.5", want: "28.5.2", keeps: []string{"docker-ce", "docker-ce-cli", "containerd.io"}},
		{name: "nothing is said and the distribution's is there", there: []string{"docker.io", "containerd", "runc"}, has: "20.10.24", wish: "26", want: "26.1.5"},
		{name: "Docker's is said and the distribution's is there", how: spec.InstallDocker, there: []string{"docker.io"}, has: "20.10.24", wish: "28", want: "20.10.24",
			err: `upgrade engine: docker.io cannot be there beside docker-ce: remove it first, with "apt-get remove docker.io"`},
		{name: "older", how: spec.InstallDocker, has: "29.10.0", wish: "28.5.1", want: "29.10.0",
			err: "upgrade engine: apt: Packages were downgraded and -y was used without --allow-downgrades."},
		{name: "older on demand", how: spec.InstallDocker, has: "29.10.0", wish: "28.5.1", downgrade: true, want: "28.5.1", keeps: []string{"docker-ce", "docker-ce-cli", "containerd.io"}},
		{name: "one that is not there", how: spec.InstallDistro, has: "20.10.24", wish: "28", want: "20.10.24",
			err: "upgrade engine: the distribution has no docker.io 28: it has 26.1.5"},
		{name: "install: none", how: spec.InstallNone, has: "20.10.24", wish: "28", want: "20.10.24",
			err: "upgrade engine: the file says install: none: change its version by hand, or let engine.install say docker or distro, or name a script"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "/bin/sh")
			facts, distro := trixie()
			distro.Own = append(slices.Clone(distro.Own), "containerd 1.7.24-1", "runc 1.1.15-1")
			distro.There, distro.Held = tt.there, tt.held
			f := m.runs(facts, distro, tt.has)
			err := Upgrade(t.Context(), m, f, Request{How: tt.how, Version: tt.wish, Downgrade: tt.downgrade}, nil)
			if text(err) != tt.err {
				t.Errorf("got %v, want %s", err, tt.err)
			}
			if e := readEngine(m.root); !e.Running || e.Runs != tt.want {
				t.Errorf("got engine %s (running %t), want %s", e.Runs, e.Running, tt.want)
			}
			if got := readDistro(m.root).Held; tt.err == "" && !slices.Equal(got, tt.keeps) {
				t.Errorf("held: got %q, want %q", got, tt.keeps)
			}
		})
	}
}

// What packages restart by themselves is not restarted once more; containerd is,
// where they do not.
func TestUpgradeRestartsWhatStillRunsInTheOldVersion(t *testing.T) {
	eachShell(t, func(t *testing.T, m *machine) {
		facts, distro := trixie()
		m.runs(facts, distro, "28.4.0")
		renew := func() (containerd, engine bool) {
			_ = os.Remove(m.root + "/calls")
			i := &installer{h: m, progress: func(string) {}, upgrade: true}
			m.must(i.renew(t.Context()))
			return slices.Contains(m.calls(), "systemctl restart containerd.service"), slices.Contains(m.calls(), "systemctl restart docker.service")
		}
		if c, e := renew(); c || e {
			t.Errorf("all is new: containerd restarted %t, the engine %t", c, e)
		}
		fakeEngine{Version: "28.5.2"}.replace(m.root, m.bin)
		if c, e := renew(); !c || !e {
			t.Errorf("all is old: containerd restarted %t, the engine %t", c, e)
		}
		if e := readEngine(m.root); !e.Running || e.Runs != "28.5.2" {
			t.Errorf("got %+v", e)
		}
	})
}

func TestAScriptOfTheUsersIsRunAgainWithTheVersionItIsTold(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	facts, distro := trixie()
	f := m.runs(facts, distro, "20.10.24")
	m.fake("install-engine")
	r := Request{How: spec.InstallScript, Version: "28.5", Node: "n", Script: []byte("#!/bin/sh\necho $SWARMUP_ENGINE_VERSION $SWARMUP_NODE >$ROOT/told\nexec install-engine\n")}
	if err := Upgrade(t.Context(), m, f, r, nil); err != nil {
		t.Fatal(err)
	}
	if got := m.read("/told"); got != "28.5 n\n" {
		t.Errorf("it was told %q", got)
	}
	if e := readEngine(m.root); !e.Running || e.Runs != "28.5.2" {
		t.Errorf("got %+v", e)
	}
}

func TestAnUpgradeThatWasCutOffIsDoneAgain(t *testing.T) {
	t.Parallel()
	first, step := points(t)
	for n := first + 1; ; n += step {
		m := newMachine(t, "/bin/sh")
		facts, distro := trixie()
		f := m.runs(facts, distro, "28.4.0")
		m.write("/etc/ssl/certs/ca-certificates.crt", "there")
		m.write("/etc/os-release", "ID=debian\nVERSION_ID=13\nVERSION_CODENAME=trixie\n")
		m.tool("ip", "exit 0")
		r := Request{How: spec.InstallDocker, Version: "28.5"}
		m.diesAfter = diesAfter{calls: n}
		err := Upgrade(t.Context(), m, f, r, nil)
		m.diesAfter = diesAfter{}
		if err == nil {
			return
		}
		if !errors.Is(err, errLost) {
			t.Fatalf("cut off after %d: got %v", n, err)
		}
		if f, err = Probe(t.Context(), m); err != nil || f.Engine != Running {
			t.Fatalf("cut off after %d: the member has engine %s, %v", n, f.Engine, err)
		}
		e := readEngine(m.root)
		through := e.Runs == "28.5.2" && slices.Contains(readDistro(m.root).Held, "docker-ce")
		if !f.Unfinished && e.Runs != "28.4.0" && !through {
			t.Errorf("cut off after %d: nothing says so, with %+v", n, e)
		}
		if err := Upgrade(t.Context(), m, f, r, nil); err != nil {
			t.Fatalf("cut off after %d: got %v", n, err)
		}
		if e := readEngine(m.root); !e.Running || e.Runs != "28.5.2" || !slices.Contains(readDistro(m.root).Held, "docker-ce") {
			t.Errorf("cut off after %d: got %+v, held %q", n, e, readDistro(m.root).Held)
		}
		if f, err = Probe(t.Context(), m); err != nil || f.Unfinished {
			t.Errorf("cut off after %d: unfinished %t at the end, %v", n, f.Unfinished, err)
		}
	}
}
