package bootstrap

import (
	"cmp"
	"strings"
)

// dockerURL is the root of Docker's repositories.
const dockerURL = "https://download.docker.com"

// The files of the keys that sign Docker's packages, one for each kind, as they
// are at dockerURL/linux/debian/gpg and dockerURL/linux/rhel/gpg. Being built in,
// they need not be fetched, and nobody needs gpg to compare their fingerprints.
const (
	debKey = "key/docker-deb.asc"
	rpmKey = "key/docker-rpm.asc"
)

// rpmID is what dnf calls the repository.
const rpmID = "swarmup-docker"

// repository is where Docker's packages are, for one release of a distribution.
type repository struct {
	url   string // such as https://download.docker.com/linux/debian
	suite string // the release: a code name, or a number; "" is unknown
	key   string // the file of Docker's

	keyFile, listFile string            // on the machine
	list              func(bool) string // the content of listFile, with the packages held or not
}

// base is where the repositories of all distributions are.
func base(r Request) string {
	return strings.TrimSuffix(cmp.Or(r.Repository, dockerURL), "/") + "/linux/"
}

// aptRepository is one for apt (sources.list(5), "deb822-style format"). Its
// packages are held by apt itself.
func aptRepository(r Request, os, codename string) *repository {
	repo := &repository{
		url: base(r) + os, suite: codename, key: debKey,
		keyFile: "/etc/apt/keyrings/swarmup-docker.asc", listFile: "/etc/apt/sources.list.d/swarmup-docker.sources",
	}
	repo.list = func(bool) string {
		return strings.Join([]string{
			"Types: deb", "URIs: " + repo.url, "Suites: " + codename, "Components: stable", "Signed-By: " + repo.keyFile, "",
		}, "\n")
	}
	return repo
}

// rpmRepository is one for dnf (dnf.conf(5)). Its packages are held by being
// left out of it, which every dnf knows without a plugin.
func rpmRepository(r Request, os, release string) *repository {
	repo := &repository{
		url: base(r) + os, suite: release, key: rpmKey,
		keyFile: "/etc/pki/rpm-gpg/swarmup-docker", listFile: "/etc/yum.repos.d/swarmup-docker.repo",
	}
	repo.list = func(held bool) string {
		lines := []string{
			"[" + rpmID + "]", "name=Docker Engine for swarmup",
			"baseurl=" + repo.url + "/" + release + "/$basearch/stable",
			"enabled=1", "gpgcheck=1", "gpgkey=file://" + repo.keyFile,
			// Streams of modules hide containerd.io on Enterprise Linux 8.
			"module_hotfixes=1",
		}
		if held {
			lines = append(lines, "excludepkgs=docker-ce,docker-ce-cli,containerd.io")
		}
		return strings.Join(lines, "\n") + "\n"
	}
	return repo
}
