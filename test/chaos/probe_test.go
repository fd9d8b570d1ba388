package chaos

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// probe is the image of the service that has to survive: one static program.
// Engines of the lab may have no registry to pull from, so each machine has it
// on its disk and loads it into its engine.
const probe = "swarmup-chaos-probe:1"

const (
	program = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, os.Interrupt)
	<-c
}
`
	unit = `[Unit]
After=docker.service
[Service]
Type=oneshot
ExecStart=/bin/sh /usr/local/share/probe.sh
[Install]
WantedBy=docker.service
`
	load = `docker image inspect ` + probe + ` >/dev/null 2>&1 ||
	docker import --change 'ENTRYPOINT ["/probe"]' /usr/local/share/probe.tar ` + probe + `
`
	recipe = `FROM %s
LABEL recipe=%s
COPY probe.tar probe.sh /usr/local/share/
COPY probe.service /etc/systemd/system/
RUN systemctl enable probe.service
`
	image = "swarmup-chaos:latest"
)

// probeImage makes the image of all machines, where it is not there yet.
func probeImage(t *testing.T) string {
	t.Helper()
	base := nodeImage(t)
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(base+program+unit+load+recipe)))
	if has, err := docker("image", "inspect", "--format", "{{.Config.Labels.recipe}}", image); err == nil && has == digest {
		return image
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"main.go": program, "probe.service": unit, "probe.sh": load, "Dockerfile": fmt.Sprintf(recipe, base, digest),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "probe"), filepath.Join(dir, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("tar", "-C", dir, "-cf", filepath.Join(dir, "probe.tar"), "probe").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	make := exec.Command("docker", "build", "-q", "-t", image, dir)
	make.Env = append(os.Environ(), "DOCKER_BUILDKIT=0") // the builder that every engine has
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return image
}

// nodeImage gives the newest image of machines that swarmup has made; where
// there is none yet, it makes one.
func nodeImage(t *testing.T) string {
	t.Helper()
	list := func() string {
		out, err := docker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=swarmup-node:trixie-*")
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(out, "\n")
		return first
	}
	if found := list(); found != "" {
		return found
	}
	c := &cluster{T: t, name: "chaos-base", dir: t.TempDir(), image: "swarmup-node:trixie"}
	t.Cleanup(func() { _ = removeThose(func(name string) bool { return name == c.name }) })
	s, _ := grow(nil, manager, 1)
	if code, said, _, err := c.apply(s); code != 0 || err != nil {
		t.Fatalf("make a node image: %v, exit %d: %s", err, code, said)
	}
	if err := removeThose(func(name string) bool { return name == c.name }); err != nil {
		t.Fatal(err)
	}
	return list()
}

// serve starts the probe service, or gives it another number of replicas.
func (c *cluster) serve(replicas int) error {
	ms, err := c.machines()
	if err != nil {
		return err
	}
	command := fmt.Sprintf("docker service update --quiet --detach --replicas %d probe", replicas)
	if !c.serves {
		command = fmt.Sprintf("docker service create --quiet --detach --no-resolve-image --restart-delay 1s --name probe --replicas %d %s", replicas, probe)
	}
	err = fmt.Errorf("no machine is a manager")
	for _, m := range ms {
		if err = sh(m.id, command); err == nil {
			c.serves = true
			return nil
		}
	}
	return err
}
