package docker

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
)

//go:embed node/install.sh
var installScript []byte

//go:embed node/trim.sh
var trimScript []byte

// DefaultImage is the machine image where nobody says otherwise.
const DefaultImage = "swarmup-node:trixie"

// recipe is an image that swarmup makes by itself on first use.
type recipe struct {
	name   string   // such as swarmup-node:trixie, as users write it
	suite  string   // of Debian, the base
	engine []string // packages of Docker Engine; none in an image without one
	from   string   // suite of the engine's packages; "" means the base's
}

// recipes are all of them. From trixie on the client is a package of its own
// (packages.debian.org, docker-cli). On sid only the engine is taken: its
// systemd does not run on the first version of control groups.
func recipes() []recipe {
	return []recipe{
		{name: "swarmup-node:trixie", suite: "trixie", engine: []string{"docker.io", "docker-cli"}},
		{name: "swarmup-node:bookworm", suite: "bookworm", engine: []string{"docker.io"}},
		{name: "swarmup-node:sid", suite: "trixie", engine: []string{"docker.io", "docker-cli"}, from: "sid"},
		{name: "swarmup-node-bare:trixie", suite: "trixie"},
		{name: "swarmup-node-bare:bookworm", suite: "bookworm"},
	}
}

// Images are the names of the images that swarmup makes by itself. Those called
// bare have no engine.
func Images() []string {
	var out []string
	for _, r := range recipes() {
		out = append(out, r.name)
	}
	return out
}

// findRecipe knows the recipe of an image name. Names that begin like ours and
// are not are mistakes; all others are somebody else's images.
func findRecipe(name string) (r recipe, ok bool, err error) {
	repo, tag, _ := strings.Cut(name, ":")
	if repo != "swarmup-node" && repo != "swarmup-node-bare" {
		return recipe{}, false, nil
	}
	if tag == "" {
		name = repo + ":trixie"
	}
	for _, r := range recipes() {
		if r.name == name || r.tag() == name {
			return r, true, nil
		}
	}
	return recipe{}, false, fmt.Errorf("image %q is none that swarmup makes (%s)", name, strings.Join(Images(), ", "))
}

// basePackages are what every machine has.
func basePackages() string {
	return "systemd systemd-sysv dbus openssh-server iproute2 iptables ca-certificates kmod procps"
}

func (r recipe) kind() string {
	kind, _, _ := strings.Cut(strings.TrimPrefix(r.name, "swarmup-"), ":")
	return kind
}

// dockerfile is the recipe as the engine's builder reads it.
func (r recipe) dockerfile(base string) string {
	lines := []string{
		"FROM " + base,
		"COPY install.sh trim.sh /usr/local/share/swarmup/",
		"RUN sh /usr/local/share/swarmup/install.sh " + basePackages(),
		"RUN sh /usr/local/share/swarmup/trim.sh",
	}
	if len(r.engine) > 0 {
		from := ""
		if r.from != "" {
			from = "--from " + r.from + " "
		}
		lines = append(lines, "RUN sh /usr/local/share/swarmup/install.sh "+from+strings.Join(r.engine, " "))
	}
	return strings.Join(append(lines, `CMD ["/sbin/init"]`), "\n") + "\n"
}

// digest changes whenever anything changes that the image is made from, but for
// the packages' versions.
func (r recipe) digest() string {
	sum := sha256.New()
	for _, part := range [][]byte{[]byte(r.dockerfile(r.suite)), installScript, trimScript} {
		_, _ = fmt.Fprintf(sum, "%d\n%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// tag is what the image is called on the engine, so that a changed recipe is a
// new image.
func (r recipe) tag() string { return r.name + "-" + r.digest() }
