package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Every mistake ends with its exit code and one clear sentence, and nothing is
// touched that need not be.
func TestMistakes(t *testing.T) {
	h := newHosts(t, "m", "w")
	untouched := func(t *testing.T, nodes ...string) {
		t.Helper()
		for _, n := range nodes {
			if s := h.on(n, "docker info --format '{{.Swarm.LocalNodeState}}'; ls -I key.json /etc/docker"); s != "inactive" { // Engine 20.10 makes that file by itself
				t.Errorf("%s was touched: %q", n, s)
			}
		}
	}
	yaml := func() string {
		b, err := os.ReadFile(filepath.Join(h.dir, "cluster.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	h.file("m", "w")
	good := yaml()

	t.Run("a mistake in the file", func(t *testing.T) {
		h.write("cluster.yaml", strings.Replace(good, "managers:", "mangers:", 1))
		r := h.want(3, "apply", "--yes")
		h.says(r, `cluster.yaml:5:1: unknown key "mangers" (did you mean "managers"?)`)
		untouched(t, "m", "w")
	})
	t.Run("a wrong key", func(t *testing.T) {
		other := filepath.Join(h.dir, "other")
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		h.write("cluster.yaml", strings.Replace(good, "./id_ed25519", "./other", 1))
		r := h.want(3, "apply", "--yes")
		h.says(r, "as root", "it refused", "other", "hint: name the key in ssh.identity_file")
		untouched(t, "m", "w")
	})
	t.Run("an identity file that is not there", func(t *testing.T) {
		h.write("cluster.yaml", strings.Replace(good, "./id_ed25519", "./nowhere", 1))
		r := h.want(3, "apply", "--yes")
		h.says(r, "nowhere")
		untouched(t, "m", "w")
	})
	t.Run("an unknown host key", func(t *testing.T) {
		h.write("cluster.yaml", strings.ReplaceAll(good, "host_key: ", "# "))
		h.write("cluster.yaml", withoutHostKeys(good))
		r := h.want(3, "apply", "--yes")
		h.says(r, h.machines["m"].HostKey, "--accept-new-host-keys")
		untouched(t, "m", "w")
	})
	t.Run("a host key that changed", func(t *testing.T) {
		h.write("cluster.yaml", strings.ReplaceAll(good, h.machines["w"].HostKey, h.machines["m"].HostKey))
		r := h.want(3, "apply", "--yes")
		h.says(r, h.machines["m"].HostKey, h.machines["w"].HostKey)
		untouched(t, "m", "w")
	})
	t.Run("a refused login", func(t *testing.T) {
		h.write("cluster.yaml", strings.Replace(good, "ssh: {identity", "ssh: {user: nobody, identity", 1))
		r := h.want(3, "apply", "--yes")
		h.says(r, "as nobody", "it refused")
		untouched(t, "m", "w")
	})
	t.Run("a port already taken", func(t *testing.T) {
		h.write("cluster.yaml", good)
		h.on("m", "systemd-run --unit=thief python3 -m http.server 2377 2>/dev/null || systemd-run --unit=thief perl -MIO::Socket -e 'my $s=IO::Socket::INET->new(LocalPort=>2377,Listen=>1); sleep 1000'")
		defer h.on("m", "systemctl stop thief")
		r := h.want(1, "apply", "--yes")
		h.says(r, "2377")
		untouched(t, "w")
	})
	t.Run("a daemon that will not start", func(t *testing.T) {
		h.write("cluster.yaml", strings.Replace(good, "install: none", "install: none, daemon: {no-such-key: 1}", 1))
		r := h.want(1, "apply", "--yes")
		h.says(r, "no-such-key")
		for _, n := range []string{"m", "w"} {
			// Engines before 23.0 cannot check a file but by a restart with it. A
			// record that owns nothing stays of that.
			if s := h.on(n, "docker info --format '{{.Swarm.LocalNodeState}}'; ls -I key.json -I swarmup.json /etc/docker"); s != "inactive" {
				t.Errorf("%s is left with %q", n, s)
			}
		}
	})
	t.Run("a full disk", func(t *testing.T) {
		h.write("cluster.yaml", strings.Replace(good, "install: none", "install: none, labels: {a: b}", 1))
		h.on("w", "mkdir -p /etc/docker && mount -t tmpfs -o size=4k tmpfs /etc/docker && (dd if=/dev/zero of=/etc/docker/fill bs=1k count=64 2>/dev/null; true)")
		r := h.want(1, "apply", "--yes")
		h.on("w", "umount /etc/docker")
		h.says(r, "no space left on device")
		h.must("apply", "--yes")
		h.swarmIs("m", map[string]want{
			"m": {role: "manager", engine: map[string]string{"a": "b"}}, "w": {role: "worker", engine: map[string]string{"a": "b"}},
		})
	})
}

// withoutHostKeys takes the host keys out of a file of hosts.
func withoutHostKeys(file string) string {
	var out []string
	for _, line := range strings.Split(file, "\n") {
		if i := strings.Index(line, ", host_key:"); i >= 0 {
			line = line[:i] + "}}"
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}
