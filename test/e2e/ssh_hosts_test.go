package e2e

import (
	"fmt"
	"strings"
	"time"
)

// at is the address of a machine.
func (h *hosts) at(node string) string { return h.machines[node].SSH.Host }

// only lets nobody reach a machine's sshd but another machine.
func (h *hosts) only(node, from string) {
	h.Helper()
	h.on(node, "iptables -I INPUT -p tcp --dport 22 ! -s "+h.at(from)+" -j REJECT --reject-with tcp-reset")
}

// sshd sets something in a machine's sshd_config.
func (h *hosts) sshd(node string, lines ...string) {
	h.Helper()
	h.on(node, fmt.Sprintf("printf '%%s\\n' '%s' >/etc/ssh/sshd_config.d/00-test.conf && sshd -t && systemctl restart ssh.service", strings.Join(lines, "' '")))
	eventually(h.T, 10*time.Second, func() error {
		_, err := h.try(node, "ss -tln | grep -q :22")
		return err
	})
}

// user adds a user whom root's key lets in.
func (h *hosts) user(node string, names ...string) {
	h.Helper()
	for _, name := range names {
		h.on(node, "useradd -m -s /bin/sh -p '*' "+name+" && install -d -o "+name+" -m 700 /home/"+name+"/.ssh && "+
			"install -o "+name+" -m 600 /root/.ssh/authorized_keys /home/"+name+"/.ssh/authorized_keys")
	}
}

// known writes the host keys of machines into known_hosts.
func (h *hosts) known(nodes ...string) {
	h.Helper()
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "%s %s\n", h.at(n), h.on(n, "cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub"))
	}
	h.write("known_hosts", b.String())
}

// fill writes cluster.yaml, with @NODE replaced by the address of a machine.
func (h *hosts) fill(content string) {
	h.Helper()
	for n := range h.machines {
		content = strings.ReplaceAll(content, "@"+n+"@", h.at(n))
	}
	h.write("cluster.yaml", content)
}

// untouched fails if a machine is in a swarm or its engine was configured.
func (h *hosts) untouched(node string) {
	h.Helper()
	if s := h.on(node, "docker info --format '{{.Swarm.LocalNodeState}}'; ls /etc/docker"); s != "inactive" {
		h.Errorf("%s was touched: %q", node, s)
	}
}
