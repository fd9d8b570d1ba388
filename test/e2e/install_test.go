package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// holdLock holds apt's lock for its lists as apt does, by fcntl, for 15 s.
const holdLock = `use Fcntl;
mkdir "/var/lib/apt/lists";
open(F, ">>", "/var/lib/apt/lists/lock") or die;
my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
fcntl(F, F_SETLK, $lock) or die;
sleep 15;`

// A machine without an engine gets the distribution's own, and daemon.json is
// right before its first container; another one gets what a script installs.
// Whoever holds a lock of the package manager is waited for.
func TestAnEngineIsInstalled(t *testing.T) {
	l := newLab(t)
	l.write("install.sh", "apt-get -q update && apt-get -q -y --no-install-recommends install docker.io docker-cli iptables ca-certificates && echo $SWARMUP_CLUSTER/$SWARMUP_NODE >/root/said\n")
	file := func(install string) {
		l.write("cluster.yaml", `
name: NAME
provider: docker
engine:
  install: `+install+`
  insecure_registries: [registry.local:5000]
managers:
  - {name: m, machine: {image: swarmup-node-bare}, engine_labels: {role: mgr}}
workers:
  - {name: w, machine: {image: swarmup-node-bare}, engine: {install: ./install.sh}}
`)
	}
	file("none")
	l.says(l.want(1, "apply", "--yes"), "install: none")
	file("distro")
	began := time.Now()
	output(t, "docker", "exec", "--detach", l.machines("m")[0], "perl", "-e", holdLock)
	l.says(l.must("apply"), "waiting for perl (process ", "which holds /var/lib/apt/lists/lock")
	if took := time.Since(began); took < 15*time.Second {
		t.Errorf("it took %s, while the lock was held for 15 s", took)
	}
	l.swarmIs("m", map[string]want{"m": {role: "manager", engine: map[string]string{"role": "mgr"}}, "w": {role: "worker"}})
	if out := l.on("m", "docker info --format '{{json .RegistryConfig.IndexConfigs}}'"); !strings.Contains(out, `"registry.local:5000"`) {
		t.Errorf("the engine does not know the registry: %s", out)
	}
	if out := l.on("w", "cat /root/said; ls /etc/docker"); !strings.HasPrefix(out, l.name+"/w\n") || strings.Contains(out, "swarmup-install") {
		t.Errorf("the script left %s", out)
	}
	l.second()
}

// An engine setting of somebody else survives ours, and ours goes with its line.
func TestOthersSettingsStay(t *testing.T) {
	h := newHosts(t, "m")
	h.on("m", `mkdir -p /etc/docker && echo '{"debug": true, "labels": ["theirs=1"]}' >/etc/docker/daemon.json && systemctl reload docker`)
	h.file("m", "")
	yaml, err := os.ReadFile(filepath.Join(h.dir, "cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	h.write("cluster.yaml", strings.Replace(string(yaml), "install: none", "install: none, labels: {ours: x}", 1))
	pid := h.on("m", "systemctl show -p MainPID docker")
	h.must("apply")
	h.swarmIs("m", map[string]want{"m": {role: "manager", engine: map[string]string{"ours": "x", "theirs": "1"}}})
	h.write("cluster.yaml", string(yaml))
	h.must("apply")
	h.swarmIs("m", map[string]want{"m": {role: "manager", engine: map[string]string{"theirs": "1"}}})
	if now := h.on("m", "systemctl show -p MainPID docker"); now != pid {
		t.Errorf("the engine was restarted: %s, it was %s", now, pid)
	}
	if out := h.on("m", "cat /etc/docker/daemon.json"); !strings.Contains(out, `"debug": true`) {
		t.Errorf("somebody else's key is gone: %s", out)
	}
	h.must("destroy", "--yes")
	if out := h.on("m", "cat /etc/docker/daemon.json; ls /etc/docker"); strings.Contains(out, "swarmup") || !strings.Contains(out, "theirs=1") {
		t.Errorf("after destroy: %s", out)
	}
}

// The first Ctrl-C begins no new step and ends with 130; the next apply finishes.
func TestInterruptedTheNextApplyFinishes(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: m}]\nworkers: [{name: w, count: 2}]\n")
	wait := l.interrupt(2*time.Second, "apply")
	r := wait()
	if r.code != 130 {
		t.Errorf("exit %d, want 130: %s", r.code, r)
	}
	l.says(r, "interrupted")
	if r.took > 10*time.Second {
		t.Errorf("it took %s to stop", r.took)
	}
	l.must("apply")
	l.swarmIs("m", map[string]want{"m": {role: "manager"}, "w1": {role: "worker"}, "w2": {role: "worker"}})
	l.second()
}

// Another computer, with neither the file nor the login key, takes it all down.
func TestDestroyNeedsNoFile(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: m}]\n")
	l.must("apply")
	key := files(t, l.home)
	for _, f := range append(key, filepath.Join(l.dir, "cluster.yaml")) {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	l.want(3, "destroy", "--yes") // there is no file
	l.must("destroy", "--name", l.name, "--provider", "docker", "--yes")
	l.gone()
}

// A lost login key is no harm: the next apply lets a new one in.
func TestALostKeyIsReplaced(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: m}]\n")
	l.must("apply")
	for _, f := range files(t, l.home) {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	l.must("apply")
	l.second()
}

// A host that was switched off comes back with its address and its membership.
func TestMachinesThatAreOffAreSwitchedOn(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: m}]\nworkers: [{name: w, labels: {zone: a}}]\n")
	l.must("apply")
	address := l.address("w")
	output(t, "docker", append([]string{"stop"}, l.machines("")...)...)
	l.must("apply")
	l.swarmIs("m", map[string]want{"m": {role: "manager"}, "w": {role: "worker", labels: map[string]string{"zone": "a"}}})
	if now := l.address("w"); now != address {
		t.Errorf("w has %s, it had %s", now, address)
	}
	output(t, "docker", append([]string{"rm", "-f", "-v"}, l.machines("w")...)...) // and one is lost
	l.must("apply")
	l.swarmIs("m", map[string]want{"m": {role: "manager"}, "w": {role: "worker", labels: map[string]string{"zone": "a"}}})
	l.second()
}

// address is what a node's machine has in the cluster's network.
func (l *lab) address(node string) string {
	l.Helper()
	return output(l.T, "docker", "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", l.machines(node)[0])
}
