package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// m can be reached through b1 only, and w through b2, which only b1 reaches.
func TestHostsBehindOneAndBehindTwoJumpHosts(t *testing.T) {
	h := newHosts(t, "b1", "b2", "m", "w")
	h.only("b2", "b1")
	h.only("m", "b1")
	h.only("w", "b2")
	h.user("b1", "jump")
	h.known("b1", "b2", "m", "w")
	const file = `
name: NAME
provider: ssh
ssh: {identity_file: ./id_ed25519, known_hosts: ./known_hosts, jump: [jump@@b1@]}
engine: {install: none, labels: {env: test}}
managers: [{name: m, address: @m@}]
`
	const worker = "workers: [{name: w, address: @w@, ssh: {jump: [jump@@b1@, @b2@]}}]\n"

	h.fill(strings.Replace(file, "jump@@b1@", "", 1) + worker)
	h.says(h.want(1, "apply", "--connect-timeout", "2s"), "connection refused")
	h.fill(file + worker)
	h.must("apply")
	engine := map[string]string{"env": "test"}
	h.swarmIs("m", map[string]want{"m": {role: "manager", engine: engine}, "w": {role: "worker", engine: engine}})
	mark := h.on("m", `docker node inspect w --format '{{index .Spec.Labels "swarmup.ssh"}}'`)
	if want := fmt.Sprintf("root@%s:22 via jump@%s,%s", h.at("w"), h.at("b1"), h.at("b2")); mark != want {
		t.Errorf("w is marked %q, want %q", mark, want)
	}
	h.second()

	t.Run("a jump host with another key is not gone through", func(t *testing.T) {
		h.known("b1", "b2", "m", "w")
		lines := h.on("b2", "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub")
		h.write("known_hosts", h.at("b1")+" "+lines+"\n")
		r := h.want(3, "apply", "--yes")
		h.says(r, "verify "+h.at("b1")+":22: host key is "+h.machines["b1"].HostKey, h.machines["b2"].HostKey)
		h.known("b1", "b2", "m", "w")
	})
	t.Run("a host key that changed is not accepted, and nothing is touched", func(t *testing.T) {
		before := h.on("m", "docker node ls")
		h.on("w", "cd /etc/ssh && cp -p ssh_host_ed25519_key old && rm ssh_host_ed25519_key* && ssh-keygen -q -t ed25519 -N '' -f ssh_host_ed25519_key && systemctl restart ssh.service")
		now := strings.Fields(h.on("w", "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"))[1]
		h.fill(strings.Replace(file+worker, "env: test", "env: other", 1))
		r := h.want(3, "apply", "--yes", "--accept-new-host-keys")
		h.says(r, "verify w ("+h.at("w")+":22 via jump@"+h.at("b1")+","+h.at("b2")+"): host key is "+now, "known_hosts:4 has "+h.machines["w"].HostKey)
		if after := h.on("m", "docker node ls"); after != before {
			t.Errorf("the swarm was touched:\n%s\nit was\n%s", after, before)
		}
		h.on("w", "cd /etc/ssh && mv old ssh_host_ed25519_key && systemctl restart ssh.service")
	})

	h.fill(file) // w is followed by its mark
	h.must("apply", "--yes")
	h.swarmIs("m", map[string]want{"m": {role: "manager", engine: engine}})
	if s := h.on("w", "docker info --format '{{.Swarm.LocalNodeState}}'; cat /etc/docker/daemon.json"); !strings.HasPrefix(s, "inactive") || strings.Contains(s, "env=test") {
		t.Errorf("w was left as %q", s)
	}
}

// The bastion takes two logins at once, and no session at all; each machine
// behind it one session.
func TestSixHostsBehindABastionWithTightLimits(t *testing.T) {
	hosts := []string{"h1", "h2", "h3", "h4", "h5", "h6"}
	h := newHosts(t, append([]string{"b"}, hosts...)...)
	h.user("b", "j1", "j2", "j3", "j4", "j5", "j6")
	h.sshd("b", "MaxStartups 2", "MaxSessions 0")
	for _, n := range hosts {
		h.only(n, "b")
		h.sshd(n, "MaxSessions 1")
	}
	h.known(append([]string{"b"}, hosts...)...)
	file := func(user func(i int) string) {
		var b strings.Builder
		b.WriteString("name: NAME\nprovider: ssh\nssh: {identity_file: ./id_ed25519, known_hosts: ./known_hosts}\nengine: {install: none, labels: {env: test}}\nmanagers:\n")
		for i, n := range hosts {
			if i == 1 {
				b.WriteString("workers:\n")
			}
			fmt.Fprintf(&b, "  - {name: %s, address: @%s@, ssh: {jump: [%s@@b@]}}\n", n, n, user(i))
		}
		h.fill(b.String())
	}
	engine := map[string]string{"env": "test"}
	members := map[string]want{"h1": {role: "manager", engine: engine}}
	for _, n := range hosts[1:] {
		members[n] = want{role: "worker", engine: engine}
	}

	file(func(i int) string { return fmt.Sprintf("j%d", i+1) }) // six logins on the bastion
	h.must("apply")
	h.swarmIs("h1", members)
	file(func(int) string { return "j1" }) // and one for all
	accepted := func() int { return len(strings.Split(h.on("b", "journalctl -q -u ssh | grep Accepted"), "\n")) }
	before := accepted()
	h.must("apply") // the marks change
	if n := accepted() - before; n != 1 {
		t.Errorf("%d logins on the bastion for six machines, want 1", n)
	}
	h.second()
}
