package bootstrap

import (
	"fmt"
	"strings"

	"github.com/swarmup/swarmup/pkg/spec"
)

// recipe says where an engine comes from and what belongs to it. It is data: one
// for each family of distributions and each of the two sources.
type recipe struct {
	manager string // the package manager: apt, dnf, zypper or apk; the name of a script
	engine  string // the package whose version is the engine's
	same    []string
	along   []string
	// others are installed in whatever version, optional where the distribution
	// has them.
	others, optional []string
	// beneath are what the engine stands on, where package managers leave that as
	// it is when they upgrade the engine.
	beneath []string
	// conflicts are packages that cannot be there beside these.
	conflicts []string
	// lists says that the package lists do not refresh by themselves.
	lists bool
	// modules says that the kernel's modules come apart.
	modules bool
	// repo is Docker's repository; nil means the distribution's own.
	repo *repository
}

// where is what messages call the source.
func (r recipe) where() string {
	if r.repo != nil {
		return r.repo.url
	}
	return "the distribution"
}

// held are the packages that keep their version: those of Docker's repository,
// which has all versions there ever were. The distribution's follow its updates.
func (r recipe) held() []string {
	if r.repo == nil {
		return nil
	}
	return append(append([]string{r.engine}, r.same...), r.along...)
}

// pin is how the package manager is asked for one version.
func (r recipe) pin(o offer) string {
	if r.manager == "dnf" {
		return o.name + "-" + o.version
	}
	return o.name + "=" + o.version
}

// remove is the command that takes packages away.
func (r recipe) remove(packages []string) string {
	verb := map[string]string{"apt": "apt-get remove ", "dnf": "dnf remove ", "zypper": "zypper remove ", "apk": "apk del "}
	return verb[r.manager] + strings.Join(packages, " ")
}

// findRecipe gives the recipe for a machine, by the ID in its os-release(5).
// Distributions that only resemble another are no guess. Where the file does
// not say how to install, Docker's repositories come first.
func findRecipe(f Facts, r Request) (recipe, error) {
	if f.OS == "" {
		return recipe{}, fmt.Errorf("the distribution is unknown: the machine has no os-release")
	}
	ours, fromDocker := dockers(f, r)
	theirs, fromDistro := distros(f.OS)
	system := strings.TrimSpace(fmt.Sprintf("%q %s", f.OS, f.OSVersion))
	switch {
	case r.How == spec.InstallDocker && !fromDocker && fromDistro:
		return recipe{}, fmt.Errorf("docker publishes no packages for distribution %s: let engine.install say distro, for the %s of its own", system, theirs.engine)
	case r.How == spec.InstallDistro && !fromDistro && fromDocker:
		return recipe{}, fmt.Errorf("distribution %s has no engine of its own: let engine.install say docker", system)
	case !fromDocker && !fromDistro:
		return recipe{}, fmt.Errorf("distribution %s has no engine that is known here: install Docker Engine by hand, or let engine.install name a script", system)
	case r.How == spec.InstallDistro, !fromDocker, r.How == "" && fromDistro && ours.repo.suite == "":
		return theirs, nil
	case ours.repo.suite == "":
		return recipe{}, fmt.Errorf("the machine does not say which release of distribution %s it is: let engine.install say distro", system)
	}
	return ours, nil
}

// distros are the distributions' own engines.
func distros(os string) (recipe, bool) {
	switch os {
	case "debian", "ubuntu", "raspbian", "linuxmint", "pop":
		return recipe{
			manager: "apt", lists: true, engine: "docker.io",
			// Without its recommended packages docker.io lacks what pulls from
			// registries, and what starts containers where the kernel has AppArmor.
			others: []string{"ca-certificates", "iptables", "apparmor"},
			// From Debian 13 on the client is a package of its own.
			optional:  []string{"docker-cli"},
			beneath:   []string{"containerd", "runc"},
			conflicts: []string{"podman-docker", "docker-ce-cli", "containerd.io"},
		}, true
	case "fedora":
		return recipe{
			manager: "dnf", engine: "moby-engine", optional: []string{"docker-cli"},
			conflicts: []string{"podman-docker", "docker-ce-cli", "containerd.io"},
		}, true
	case "amzn":
		return recipe{manager: "dnf", engine: "docker"}, true
	case "opensuse-leap", "opensuse-tumbleweed", "sles":
		return recipe{manager: "zypper", lists: true, engine: "docker", conflicts: []string{"podman-docker"}}, true
	case "alpine":
		return recipe{manager: "apk", lists: true, engine: "docker", conflicts: []string{"podman-docker"}}, true
	}
	return recipe{}, false
}

// dockers are the engines of Docker's repositories (docs.docker.com,
// engine/install). The engine and its client have one version, and nothing here
// needs the plugins that the packages recommend.
func dockers(f Facts, r Request) (recipe, bool) {
	major, _, _ := strings.Cut(f.OSVersion, ".")
	out := recipe{engine: "docker-ce", same: []string{"docker-ce-cli"}, along: []string{"containerd.io"}}
	switch f.OS {
	case "debian", "ubuntu", "raspbian":
		out.manager, out.lists = "apt", true
		out.others = []string{"ca-certificates", "apparmor"}
		out.conflicts = []string{"docker.io", "docker-cli", "podman-docker", "containerd", "runc"}
		out.repo = aptRepository(r, f.OS, f.OSCodename)
	case "rhel", "centos", "fedora":
		out.repo = rpmRepository(r, f.OS, major)
	case "rocky", "almalinux", "ol":
		// Docker's own directory for Rocky is empty (docker/docker-install #557).
		out.repo = rpmRepository(r, "rhel", major)
	default:
		return recipe{}, false
	}
	if out.manager == "" {
		out.manager = "dnf"
		out.conflicts = []string{"podman-docker", "moby-engine", "docker", "docker-cli", "containerd", "runc"}
		// From Enterprise Linux 10 on the engine's xt_addrtype is in a package
		// apart (docker/docker-ce-packaging #1340).
		out.modules = f.OS != "fedora" && major == "10"
	}
	return out, true
}
