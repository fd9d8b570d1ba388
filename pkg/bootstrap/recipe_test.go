package bootstrap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/spec"
)

// What distributions have, as far as it matters here.
var (
	aptOwn   = []string{"docker.io 26.1.5+dfsg1-9+deb13u1", "docker-cli 26.1.5+dfsg1-9+deb13u1", "ca-certificates 20250419", "iptables 1.8.11-2", "apparmor 4.1.0-1"}
	dnfOwn   = []string{"moby-engine 28.5.1-1.fc43", "docker-cli 28.5.1-1.fc43", "docker 25.0.13-1.amzn2023.0.1"}
	otherOwn = []string{"docker 28.3.3-r1"}
)

// aptDocker is Docker's repository for a release of Debian or Ubuntu, the oldest first.
func aptDocker(release string) []string {
	var out []string
	for _, v := range []string{"28.4.0", "28.5.1", "28.5.2", "29.0.0~rc.1", "29.10.0"} {
		out = append(out, "docker-ce 5:"+v+"-1~"+release, "docker-ce-cli 5:"+v+"-1~"+release)
	}
	return append(out, "containerd.io 1.7.28-1~"+release, "containerd.io 2.1.5-1~"+release)
}

// dnfDocker is Docker's repository for a release of Enterprise Linux or Fedora.
func dnfDocker(dist string) []string {
	var out []string
	for _, v := range []string{"28.4.0", "28.5.2", "29.10.0"} {
		out = append(out, "docker-ce 3:"+v+"-1."+dist, "docker-ce-cli 1:"+v+"-1."+dist)
	}
	return append(out, "containerd.io 1.7.28-1."+dist, "containerd.io 2.1.5-1."+dist)
}

// key is one that is built in.
func key(file string) string {
	b, _ := embedded.ReadFile(file)
	return string(b)
}

// trixie is a Debian 13 with Docker's repository at hand.
func trixie() (Facts, fakeDistro) {
	return Facts{OS: "debian", OSVersion: "13", OSCodename: "trixie"},
		fakeDistro{Own: aptOwn, Docker: aptDocker("debian.13~trixie"), Signer: key(debKey)}
}

// supported are the distributions, as they describe themselves.
func supported() []Facts {
	var out []Facts
	for _, r := range []struct{ os, versions, codenames string }{
		{"debian", "11 12 13", "bullseye bookworm trixie"},
		{"ubuntu", "22.04 24.04 25.10 26.04", "jammy noble questing resolute"},
		{"raspbian", "12 13", "bookworm trixie"},
		{"linuxmint", "22.1", "xia"},
		{"rhel", "8.10 9.6 10.0", ""},
		{"centos", "9 10", ""},
		{"rocky", "8.10 9.6 10.0", ""},
		{"almalinux", "8.10 9.6 10.0", ""},
		{"ol", "9.6 10.0", ""},
		{"fedora", "42 43", ""},
		{"amzn", "2023", ""},
		{"opensuse-leap", "15.6 16.0", ""},
		{"opensuse-tumbleweed", "20251101", ""},
		{"sles", "15.7", ""},
		{"alpine", "3.22.2", ""},
	} {
		codenames := strings.Fields(r.codenames)
		for i, v := range strings.Fields(r.versions) {
			f := Facts{OS: r.os, OSVersion: v}
			if i < len(codenames) {
				f.OSCodename = codenames[i]
			}
			out = append(out, f)
		}
	}
	return out
}

// What each distribution gets, from where, and the source that is written. It
// does not depend on the architecture: package managers know it themselves.
func TestEachDistributionHasItsRecipe(t *testing.T) {
	var b strings.Builder
	for _, f := range supported() {
		for _, how := range []spec.Install{spec.InstallDocker, spec.InstallDistro} {
			fmt.Fprintf(&b, "# %s %s, install: %s\n", f.OS, f.OSVersion, how)
			r, err := findRecipe(f, Request{How: how})
			if err != nil {
				fmt.Fprintf(&b, "%v\n\n", err)
				continue
			}
			for _, arch := range []string{"x86_64", "aarch64", "armv7l"} {
				f.Arch = arch
				if other, err := findRecipe(f, Request{How: how}); err != nil || describe(other) != describe(r) {
					t.Errorf("%s %s: another recipe for %s", f.OS, f.OSVersion, arch)
				}
			}
			fmt.Fprintf(&b, "%s\n", describe(r))
		}
	}
	golden(t, "recipes.txt", b.String())
}

// describe writes a recipe down.
func describe(r recipe) string {
	var b strings.Builder
	list := func(what string, packages []string) {
		if len(packages) > 0 {
			fmt.Fprintf(&b, "%s: %s\n", what, strings.Join(packages, " "))
		}
	}
	list("manager", []string{r.manager})
	list("engine", []string{r.engine})
	list("of its version", r.same)
	list("in the newest version", r.along)
	list("with", r.others)
	list("where it is there", r.optional)
	list("not beside", r.conflicts)
	list("held", r.held())
	if r.modules {
		list("kernel modules", []string{"kernel-modules-extra"})
	}
	if r.repo != nil {
		fmt.Fprintf(&b, "key: %s, to %s\nin %s:\n%s", r.repo.key, r.repo.keyFile, r.repo.listFile, r.repo.list(true))
	}
	return b.String()
}

// The commands are in testdata, one file for each family of distributions and
// each way to install.
func TestInstallByFamily(t *testing.T) {
	t.Parallel()
	debian, apt := trixie()
	tests := []struct {
		name   string
		facts  Facts
		distro fakeDistro
		how    spec.Install
	}{
		{"apt-docker", debian, apt, spec.InstallDocker},
		{"apt-distro", debian, apt, spec.InstallDistro},
		{"dnf-docker", Facts{OS: "rocky", OSVersion: "10.0"}, fakeDistro{Docker: dnfDocker("el10"), Signer: key(rpmKey)}, spec.InstallDocker},
		{"dnf-distro", Facts{OS: "fedora", OSVersion: "43"}, fakeDistro{Own: dnfOwn}, spec.InstallDistro},
		{"zypper-distro", Facts{OS: "opensuse-leap", OSVersion: "15.6"}, fakeDistro{Own: otherOwn}, spec.InstallDistro},
		{"apk-distro", Facts{OS: "alpine", OSVersion: "3.22.2"}, fakeDistro{Own: otherOwn}, spec.InstallDistro},
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
			f := m.on(tt.facts, tt.distro)
			var said []string
			if err := Install(t.Context(), m, f, Request{How: tt.how}, func(s string) { said = append(said, s) }); err != nil {
				t.Fatal(err)
			}
			if !readEngine(m.root).Running {
				t.Error("the engine does not run")
			}
			golden(t, "install-"+tt.name+".txt", strings.Join(append(said, m.calls()...), "\n")+"\n")
		})
	}
}

func TestWithoutAWordInTheFileDockersPackagesComeFirst(t *testing.T) {
	t.Parallel()
	tests := []struct{ os, version, codename, want string }{
		{"debian", "13", "trixie", "docker-ce"},
		{"debian", "", "", "docker.io"}, // of no release
		{"linuxmint", "22", "wilma", "docker.io"},
		{"rocky", "9.6", "", "docker-ce"},
		{"fedora", "43", "", "docker-ce"},
		{"amzn", "2023", "", "docker"},
		{"sles", "15.7", "", "docker"},
		{"alpine", "3.22.2", "", "docker"},
	}
	for _, tt := range tests {
		r, err := findRecipe(Facts{OS: tt.os, OSVersion: tt.version, OSCodename: tt.codename}, Request{})
		if err != nil || r.engine != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.os, r.engine, err, tt.want)
		}
	}
}
