package bootstrap

import (
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

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
func (m *machine) on(f Facts, d fakeDistro) Facts {
	d.save(m.root)
	if f.OS == "alpine" {
		m.openrc()
	} else {
		m.systemd()
	}
	m.fake("apt-get", "apt-cache", "apt-mark", "dpkg", "dpkg-query", "dnf", "rpm", "zypper", "apk", "modprobe")
	f.Engine = Absent
	return f
}

func TestInstallTakesTheVersionThatIsWanted(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		wish, prefer    string
		want, says, err string
	}{
		{name: "any: the newest that is one", want: "29.10.0"},
		{name: "by its first component", wish: "28", want: "28.5.2"},
		{name: "by two", wish: "28.5", want: "28.5.2"},
		{name: "by all", wish: "28.5.1", want: "28.5.1"},
		{name: "the managers'", prefer: "28.4.0", want: "28.4.0"},
		{name: "the managers', which is not there", prefer: "26.1.5+dfsg1", want: "29.10.0",
			says: "https://download.docker.com/linux/debian has no docker-ce 26.1.5+dfsg1, which the managers have: taking 29.10.0"},
		{name: "the file's before the managers'", wish: "28.5", prefer: "28.4.0", want: "28.5.2"},
		{name: "one that is not there", wish: "28.6",
			err: "install engine: https://download.docker.com/linux/debian has no docker-ce 28.6: its newest are 29.10.0, 28.5.2, 28.5.1, 28.4.0"},
		{name: "a pre-release", wish: "29.0",
			err: "install engine: https://download.docker.com/linux/debian has no docker-ce 29.0: its newest are 29.10.0, 28.5.2, 28.5.1, 28.4.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t, "/bin/sh")
			f := m.on(trixie())
			var said []string
			err := Install(t.Context(), m, f, Request{How: spec.InstallDocker, Version: tt.wish, Prefer: tt.prefer}, func(s string) { said = append(said, s) })
			if text(err) != tt.err {
				t.Fatalf("got %v, want %s", err, tt.err)
			}
			if tt.says != "" && !slices.Contains(said, tt.says) {
				t.Errorf("%q was not said: %q", tt.says, said)
			}
			if tt.err != "" {
				return
			}
			if got := readEngine(m.root).Version; got != tt.want {
				t.Errorf("got engine %s, want %s", got, tt.want)
			}
			if got, want := readDistro(m.root).Held, []string{"docker-ce", "docker-ce-cli", "containerd.io"}; !slices.Equal(got, want) {
				t.Errorf("held: got %q, want %q", got, want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestTheDistributionsVersionIsChosenToo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		os, wish, want string // want is the engine's version, or an error
		own            []string
	}{
		{"debian", "26.1", "26.1.5", aptOwn},
		{"fedora", "28.5", "28.5.1", dnfOwn},
		{"amzn", "25", "25.0.13", dnfOwn},
		{"sles", "28.5", "28.5.1", []string{"docker 27.5.1_ce-14.1", "docker 28.5.1_ce-15.1"}},
		{"alpine", "28", "28.3.3", otherOwn},
		{"debian", "28.5", "install engine: the distribution has no docker.io 28.5: it has 26.1.5", aptOwn},
		{"amzn", "28.5", "install engine: the distribution has no docker 28.5: it has 25.0.13", dnfOwn},
		{"debian", "28.5", "install engine: the distribution has no docker.io for this machine", nil},
	}
	for _, tt := range tests {
		m := newMachine(t, "/bin/sh")
		f := m.on(Facts{OS: tt.os}, fakeDistro{Own: tt.own})
		err := Install(t.Context(), m, f, Request{How: spec.InstallDistro, Version: tt.wish}, nil)
		got := text(err)
		if err == nil {
			got = readEngine(m.root).Version
		}
		if got != tt.want {
			t.Errorf("%s %s: got %s\nwant %s\n%s", tt.os, tt.wish, got, tt.want, m.read("/calls"))
		}
		if held := readDistro(m.root).Held; len(held) > 0 {
			t.Errorf("%s: %q is held, and follows the distribution's updates no more", tt.os, held)
		}
	}
}

func TestInstallGetsOverWhatAMachineIsInTheMiddleOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		distro fakeDistro
		want   string // what must have been run or said
	}{
		{"another was faster with the lock of the lists", fakeDistro{Locked: 5}, "waiting for lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)"},
		{"dpkg was cut off", fakeDistro{Interrupted: true}, "dpkg --force-confdef --force-confold --configure -a"},
		{"a repository that has no engine is broken", fakeDistro{Lists: "E: The repository 'https://x' is not signed."}, "installing docker.io with apt"},
		{"a mirror is behind its index", fakeDistro{Skew: 3}, "trying again in a moment: apt: Failed to fetch https://a.mirror/docker-ce.deb  404  Not Found [IP: 192.0.2.1 443]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, "/bin/sh")
				tt.distro.Own = aptOwn
				f := m.on(Facts{OS: "debian"}, tt.distro)
				said := ""
				if err := Install(t.Context(), m, f, Request{How: spec.InstallDistro}, func(s string) { said += s + "\n" }); err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(said+m.read("/calls"), tt.want) {
					t.Errorf("%q is not among:\n%s%s", tt.want, said, m.read("/calls"))
				}
			})
		})
	}
}

func TestInstallSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	debian, apt := trixie()
	foreign := apt
	foreign.Signer = "somebody else's key"
	apart := apt
	apart.Away = "E: Failed to fetch https://download.docker.com/linux/debian/dists/trixie/InRelease  Could not resolve 'download.docker.com'"
	conflicts := fakeDistro{Own: aptOwn, There: []string{"podman-docker", "containerd"}}
	tests := []struct {
		name   string
		facts  Facts
		distro fakeDistro
		how    spec.Install
		want   string
	}{
		{"install: none", debian, apt, spec.InstallNone,
			"install engine: there is none, and the file says install: none"},
		{"an unknown distribution", Facts{OS: "plan9", OSVersion: "4"}, apt, spec.InstallDistro,
			`install engine: distribution "plan9" 4 has no engine that is known here: install Docker Engine by hand, or let engine.install name a script`},
		{"no distribution", Facts{}, apt, spec.InstallDistro,
			"install engine: the distribution is unknown: the machine has no os-release"},
		{"a release without a name", Facts{OS: "debian"}, apt, spec.InstallDocker,
			`install engine: the machine does not say which release of distribution "debian" it is: let engine.install say distro`},
		{"packages in the way of Docker's", debian, conflicts, spec.InstallDocker,
			`install engine: podman-docker containerd cannot be there beside docker-ce: remove it first, with "apt-get remove podman-docker containerd"`},
		{"packages in the way of the distribution's", debian, conflicts, spec.InstallDistro,
			`install engine: podman-docker cannot be there beside docker.io: remove it first, with "apt-get remove podman-docker"`},
		{"packages in the way with dnf", Facts{OS: "rhel", OSVersion: "8.10"}, fakeDistro{There: []string{"runc"}}, spec.InstallDocker,
			`install engine: runc cannot be there beside docker-ce: remove it first, with "dnf remove runc"`},
		{"a repository that somebody else signed", debian, foreign, spec.InstallDocker,
			"install engine: apt: The repository 'https://download.docker.com/linux/debian trixie InRelease' is not signed."},
		{"a machine without the internet", debian, apart, spec.InstallDocker,
			"install engine: apt: Failed to fetch https://download.docker.com/linux/debian/dists/trixie/InRelease  Could not resolve 'download.docker.com' (engine.repository may name a mirror, or engine.install say distro)"},
		{"no such package with dnf", Facts{OS: "amzn"}, fakeDistro{}, spec.InstallDistro,
			"install engine: dnf: Unable to find a match: docker"},
		{"no such package with zypper", Facts{OS: "sles"}, fakeDistro{}, spec.InstallDistro,
			"install engine: zypper: No provider of 'docker' found."},
		{"no such package with apk", Facts{OS: "alpine"}, fakeDistro{}, spec.InstallDistro,
			"install engine: apk: unable to select packages: docker (no such package)"},
		{"no such package in lists that are old", debian, fakeDistro{Lists: "E: no network"}, spec.InstallDistro,
			"install engine: apt: Unable to locate package docker.io (its package lists are old: no network)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, "/bin/sh")
			f := m.on(tt.facts, tt.distro)
			if err := Install(t.Context(), m, f, Request{How: tt.how}, nil); text(err) != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAnInstallationThatWasCutOffIsDoneAgain(t *testing.T) {
	t.Parallel()
	first, step := points(t)
	for n := first + 1; ; n += step { // the first call only looks
		m := newMachine(t, "/bin/sh")
		m.on(trixie())
		m.write("/etc/ssl/certs/ca-certificates.crt", "there")
		m.write("/etc/os-release", "ID=debian\nVERSION_ID=13\nVERSION_CODENAME=trixie\n")
		m.tool("ip", "exit 0")
		f, err := Probe(t.Context(), m)
		m.must(err)
		m.diesAfter = diesAfter{calls: n}
		err = Install(t.Context(), m, f, Request{How: spec.InstallDocker, Version: "28"}, nil)
		m.diesAfter = diesAfter{}
		if err == nil {
			return
		}
		if !errors.Is(err, errLost) {
			t.Fatalf("cut off after %d: got %v", n, err)
		}
		f, err = Probe(t.Context(), m)
		m.must(err)
		if err := Install(t.Context(), m, f, Request{How: spec.InstallDocker, Version: "28"}, nil); err != nil {
			t.Fatalf("cut off after %d: got %v", n, err)
		}
		if e := readEngine(m.root); !e.Running || e.Version != "28.5.2" || !slices.Contains(readDistro(m.root).Held, "docker-ce") {
			t.Errorf("cut off after %d: got %+v, held %q", n, e, readDistro(m.root).Held)
		}
		if f, err = Probe(t.Context(), m); err != nil || f.Engine != Running {
			t.Errorf("cut off after %d: got engine %s, %v", n, f.Engine, err)
		}
	}
}

// A machine that somebody finished by hand and took into a swarm has an engine.
func TestAMarkOfAnInstallationDoesNotHideAMember(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.systemd()
	m.install(fakeEngine{Version: "28.5.2"})
	m.write("/etc/docker/swarmup-installing", "")
	if f, err := Probe(t.Context(), m); err != nil || f.Engine != Absent {
		t.Errorf("cut off: got engine %s, %v", f.Engine, err)
	}
	m.write("/var/lib/docker/swarm/docker-state.json", "{}")
	if f, err := Probe(t.Context(), m); err != nil || f.Engine != Stopped {
		t.Errorf("in a swarm: got engine %s, %v", f.Engine, err)
	}
}

// Not even then: it may have been configured before.
func TestWhatAnInstallationThatWasCutOffHasLeftCanBeTakenBack(t *testing.T) {
	eachShell(t, func(t *testing.T, m *machine) {
		m.systemd()
		m.install(fakeEngine{Version: "28.5.2"})
		m.write("/etc/docker/swarmup-installing", "")
		m.write(daemonFile, `{"labels": ["a=1", "theirs=1"]}`)
		m.write(ownedFile, `{"labels": ["a"]}`)
		if err := Unconfigure(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := m.read(daemonFile); strings.Contains(got, "a=1") || !strings.Contains(got, "theirs=1") {
			t.Errorf("daemon.json is %s", got)
		}
	})
}

func TestARemarkOfZypperIsNoFailure(t *testing.T) {
	for remark, ok := range map[int]bool{102: true, 106: true, 107: false} {
		m := newMachine(t, "/bin/sh")
		f := m.on(Facts{OS: "sles"}, fakeDistro{Own: otherOwn, Remark: remark})
		if err := Install(t.Context(), m, f, Request{How: spec.InstallDistro}, nil); (err == nil) != ok {
			t.Errorf("status %d: got %v", remark, err)
		}
	}
}

func TestInstallLeavesAnEngineThatIsThereAlone(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.systemd()
	m.install(fakeEngine{Version: "20.10.24"})
	facts := Facts{OS: "plan9", Engine: Stopped, EngineVersion: "20.10.24"}
	err := Install(t.Context(), m, facts, Request{How: spec.InstallNone, Version: "28.5"}, nil)
	if want := "engine 20.10.24 is there, and the file wants 28.5"; text(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := Install(t.Context(), m, facts, Request{How: spec.InstallNone, Version: "20.10"}, nil); err != nil {
		t.Fatal(err)
	}
	e := readEngine(m.root)
	if !e.Running || e.Version != "20.10.24" {
		t.Errorf("got %+v, want the engine that was there, running", e)
	}
}
