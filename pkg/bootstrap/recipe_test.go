package bootstrap

import (
	"slices"
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

// supportedDistro is a distribution with what its package manager has.
type supportedDistro struct {
	name   string
	facts  Facts
	distro fakeDistro
}

// arches are those to try: both where the kernel's is in a command.
func (d supportedDistro) arches() []string {
	if strings.HasSuffix(d.name, "-10") || d.name == "debian-13" {
		return []string{"x86_64", "aarch64"}
	}
	return []string{"x86_64"}
}

func supported() []supportedDistro {
	var out []supportedDistro
	for _, r := range []struct{ os, version, codename string }{
		{"debian", "11", "bullseye"}, {"debian", "12", "bookworm"}, {"debian", "13", "trixie"},
		{"ubuntu", "22.04", "jammy"}, {"ubuntu", "24.04", "noble"}, {"ubuntu", "26.04", "resolute"},
		{"raspbian", "12", "bookworm"},
	} {
		own := aptOwn
		if r.codename != "trixie" {
			own = slices.DeleteFunc(slices.Clone(aptOwn), func(p string) bool { return strings.HasPrefix(p, "docker-cli") })
		}
		out = append(out, supportedDistro{r.os + "-" + r.version, Facts{OS: r.os, OSVersion: r.version, OSCodename: r.codename},
			fakeDistro{Own: own, Docker: aptDocker(r.os + "." + r.version + "~" + r.codename), Signer: key(debKey)}})
	}
	for _, r := range []struct{ os, version, dist string }{
		{"rhel", "8.10", "el8"}, {"rhel", "9.6", "el9"}, {"rhel", "10.0", "el10"}, {"rocky", "9.6", "el9"}, {"rocky", "10.0", "el10"},
		{"almalinux", "8.10", "el8"}, {"almalinux", "9.6", "el9"}, {"almalinux", "10.0", "el10"}, {"fedora", "43", "fc43"}, {"amzn", "2023", "amzn2023"},
	} {
		major, _, _ := strings.Cut(r.version, ".")
		out = append(out, supportedDistro{r.os + "-" + major, Facts{OS: r.os, OSVersion: r.version},
			fakeDistro{Own: dnfOwn, Docker: dnfDocker(r.dist), Signer: key(rpmKey)}})
	}
	for _, r := range []struct{ os, version string }{{"opensuse-leap", "15.6"}, {"opensuse-tumbleweed", "20251101"}, {"sles", "15.7"}, {"alpine", "3.22.2"}} {
		out = append(out, supportedDistro{r.os, Facts{OS: r.os, OSVersion: r.version}, fakeDistro{Own: otherOwn}})
	}
	return out
}

// The commands for each distribution are in testdata, one file for each way to
// install: what is said, what is run, and the source that is written. They do
// not depend on the architecture: package managers know it themselves.
func TestInstallByDistribution(t *testing.T) {
	t.Parallel()
	for _, tt := range supported() {
		for _, how := range []spec.Install{spec.InstallDocker, spec.InstallDistro} {
			for _, arch := range tt.arches() {
				t.Run(tt.name+"/"+string(how)+"/"+arch, func(t *testing.T) {
					t.Parallel()
					all := shells(t)
					if tt.facts.OS == "alpine" {
						all = all[len(all)-1:]
					}
					m := newMachine(t, all[0])
					m.tool("uname", "echo 6.12.0-55.el10."+arch)
					f := m.on(tt.facts, tt.distro)
					f.Arch = arch
					var said []string
					err := Install(t.Context(), m, f, Request{How: how}, func(s string) { said = append(said, s) })
					if err != nil {
						said = append(said, err.Error())
					} else if !readEngine(m.root).Running {
						t.Error("the engine does not run")
					}
					said = append(said, m.calls()...)
					for _, source := range []string{"/etc/apt/sources.list.d/swarmup-docker.sources", "/etc/yum.repos.d/swarmup-docker.repo"} {
						if content := m.read(source); content != "none" {
							said = append(said, "", source+":", content)
						}
					}
					text := strings.ReplaceAll(strings.TrimSpace(strings.Join(said, "\n")), arch, "ARCH")
					golden(t, "install/"+tt.name+"-"+string(how)+".txt", text+"\n")
				})
			}
		}
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
