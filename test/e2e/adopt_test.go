package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// byHand makes a swarm as people do, with the docker command line.
func (h *hosts) byHand(manager string, more map[string]string) {
	h.Helper()
	addr := h.machines[manager].Address
	h.on(manager, "docker swarm init --advertise-addr "+addr)
	for _, n := range []string{"b", "c"} {
		token := h.on(manager, "docker swarm join-token -q "+more[n])
		h.on(n, "docker swarm join --token "+token+" "+addr+":2377")
	}
}

// trusted writes the host keys of machines into the user's own known_hosts.
func (h *hosts) trusted(names ...string) {
	h.Helper()
	var lines strings.Builder
	for _, n := range names {
		key := strings.Fields(h.on(n, "cat /etc/ssh/ssh_host_ed25519_key.pub"))
		at := h.machines[n].SSH.Host
		if p := h.machines[n].SSH.Port; p != 0 && p != 22 {
			at = fmt.Sprintf("[%s]:%d", at, p)
		}
		fmt.Fprintf(&lines, "%s %s %s\n", at, key[0], key[1])
	}
	dir := filepath.Join(h.dir, "user", ".ssh")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "known_hosts"), []byte(lines.String()), 0o600)); err != nil {
		h.Fatal(err)
	}
}

// A swarm that was made by hand is imported: its file gives an empty plan, apply
// only marks it, and from then on it is one like any other: nodes change their
// names, their machines, and leave.
func TestASwarmMadeByHandIsTakenOver(t *testing.T) {
	h := newHosts(t, "a", "b", "c", "d")
	h.on("c", `mkdir -p /etc/docker && echo '{"labels": ["disk=ssd"]}' >/etc/docker/daemon.json && systemctl restart docker`)
	h.byHand("a", map[string]string{"b": "manager", "c": "worker"})
	h.on("a", "docker node update --label-add zone=x b >/dev/null && docker node update --availability drain c >/dev/null && docker swarm update --task-history-limit 3 >/dev/null")
	ids := h.on("a", "docker node ls -q | sort")
	pids := map[string]string{}
	for _, n := range []string{"a", "b", "c"} {
		pids[n] = h.on(n, "cat /run/docker.pid")
	}
	h.trusted("a", "b", "c", "d")
	eventually(t, 30*time.Second, func() error { // engines tell the managers of their labels
		if out := h.on("a", "docker node inspect c --format '{{.Description.Engine.Labels}}'"); out != "map[disk:ssd]" {
			return fmt.Errorf("c shows %s", out)
		}
		return nil
	})

	r := h.must("import", "--ssh", "root@"+h.machines["a"].SSH.Host, "--identity-file", "id_ed25519", "--name", h.name, "--out", "cluster.yaml")
	file, err := os.ReadFile(filepath.Join(h.dir, "cluster.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", file)
	for _, want := range []string{
		"  task_history: 3\n", "availability: drain, engine_labels: {disk: ssd}}\n", "labels: {zone: x}}\n", "name: " + h.name + "\n",
	} {
		if !strings.Contains(string(file), want) {
			t.Errorf("the file lacks %q: %s", want, r)
		}
	}
	r = h.must("plan", "--detailed-exitcode")
	if !strings.HasPrefix(r.stdout, h.name+": nothing to do\napply marks a, b and c as members of this cluster") {
		t.Errorf("want an empty plan: %s", r)
	}
	h.must("apply")
	r = h.must("plan", "--detailed-exitcode")
	if r.stdout != h.name+": nothing to do\n" {
		t.Errorf("want nothing at all: %s", r)
	}
	for n, pid := range pids {
		if now := h.on(n, "cat /run/docker.pid"); now != pid {
			t.Errorf("the engine of %s was restarted", n)
		}
	}
	if now := h.on("a", "docker node ls -q | sort"); now != ids {
		t.Errorf("the members are\n%s\nand were\n%s", now, ids)
	}

	change := func(from, to string) {
		if !strings.Contains(string(file), from) {
			t.Fatalf("no %q in %s", from, file)
		}
		file = []byte(strings.Replace(string(file), from, to, 1))
		h.write("cluster.yaml", string(file))
	}
	t.Run("another name is another label", func(t *testing.T) {
		change("name: b,", "name: mgr2,")
		if r := h.want(2, "plan", "--detailed-exitcode"); !strings.Contains(r.stdout, "(was b)") {
			t.Errorf("the plan does not say what it was: %s", r)
		}
		h.must("apply")
		if now := h.on("a", "docker node ls -q | sort"); now != ids {
			t.Errorf("the members are\n%s\nand were\n%s", now, ids)
		}
	})
	t.Run("another address is another machine", func(t *testing.T) {
		if os.Getenv("SWARMUP_MATRIX") == "" {
			t.Skip("SWARMUP_MATRIX is not set")
		}
		change(h.machines["c"].Address, h.machines["d"].Address)
		change(", engine_labels: {disk: ssd}", "")
		h.want(3, "apply", "--yes", "--replace", "c")
		h.must("apply", "--yes")
		h.swarmIs("a", map[string]want{
			"a": {role: "manager"}, "b": {role: "manager", labels: map[string]string{"zone": "x"}}, "d": {role: "worker", availability: "drain"},
		})
		if out := h.on("c", "docker info --format '{{.Swarm.LocalNodeState}}'"); out != "inactive" {
			t.Errorf("the old machine is %s", out)
		}
		h.second()
	})
}
