package cluster

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// follow visits members that are marked as ours and are no host yet: machines
// that nobody lists any more, because their line left the file. A local
// provider lists all that there are.
func (c *Cluster) follow(ctx context.Context, v *plan.View, before []*host) {
	if v == nil || c.cfg.Local {
		return
	}
	entries := slices.Clone(v.Nodes)
	slices.SortStableFunc(entries, readyFirst) // of two that were a node, one is left over
	var lost []*host
	for _, e := range entries {
		node := e.Labels[plan.MarkNode]
		if e.Labels[plan.MarkCluster] != c.cfg.Spec.Name || node == "" || c.claimed(e.ID) {
			continue
		}
		h, err := c.fromMark(e)
		if c.known(h, e.Labels[plan.MarkSSH], err == nil) {
			continue
		}
		c.add(h)
		if err != nil {
			h.unknown(err)
			continue
		}
		h.inherit(before)
		lost = append(lost, h)
	}
	bounded(ctx, observers, lost, func(ctx context.Context, h *host) { c.visit(ctx, h, 0) })
}

// known says whether the host that a mark leads to is in the table already: a
// node's own, unless the mark leads to another place than the file.
func (c *Cluster) known(other *host, mark string, leads bool) bool {
	b := other.way()
	return slices.ContainsFunc(c.all(), func(h *host) bool {
		a := h.way()
		login, _ := h.reached()
		same := a.Host == b.Host && (a.Port == b.Port || a.Port == 0) || login != "" && login == mark
		return h.node == other.node && (same || !leads)
	})
}

func readyFirst(a, b engine.Node) int {
	rank := map[bool]int{true: 0, false: 1}
	return cmp.Compare(rank[a.State == "ready"], rank[b.State == "ready"])
}

// fromMark makes the host that a member's marks lead to.
func (c *Cluster) fromMark(e engine.Node) (*host, error) {
	node := e.Labels[plan.MarkNode]
	h := c.newHost(node, provider.Machine{ID: "mark:" + e.ID, Node: node, State: provider.Running, Address: e.Addr})
	t, err := marked(e.Labels[plan.MarkSSH])
	if err != nil {
		return h, err
	}
	t.Name, t.HostKey = node, e.Labels[plan.MarkHostKey]
	t.IdentityFile, t.KnownHosts = c.cfg.Spec.SSH.IdentityFile, c.cfg.Spec.SSH.KnownHosts
	h.become(h.is(), t)
	return h, nil
}

// unknown notes that there is no way to the host.
func (h *host) unknown(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer, h.why, h.err = plan.Silent, err.Error(), err
}

// claimed says whether a host that answered is that member.
func (c *Cluster) claimed(id string) bool {
	for _, h := range c.all() {
		if facts, info := h.seen(); info.NodeID == id || facts.CertNode == id {
			return true
		}
	}
	return false
}

// throughMark stands in a mark before the jump hosts.
const throughMark = " via "

// loginOf is what a host is marked with: user@address:port, and the jump hosts
// it was reached through, as they were written: they may be aliases of whoever
// has the file.
func loginOf(s *ssh.Host) string {
	login := s.User() + "@" + s.Addr()
	if via := s.Via(); via != "" {
		login += throughMark + via
	}
	return login
}

// marked reads what loginOf wrote. Without jump hosts there were none.
func marked(mark string) (ssh.Target, error) {
	login, via, jumped := strings.Cut(mark, throughMark)
	if !jumped {
		via = ssh.JumpNone
	}
	at := strings.LastIndexByte(login, '@')
	host, port, err := net.SplitHostPort(login[at+1:])
	n, portErr := strconv.ParseUint(port, 10, 16)
	if at < 1 || err != nil || host == "" || portErr != nil || n == 0 || via == "" {
		return ssh.Target{}, fmt.Errorf("read mark %s: %q is not USER@ADDRESS:PORT, with or without \"via JUMP\"", plan.MarkSSH, mark)
	}
	return ssh.Target{Host: host, Port: int(n), User: login[:at], Jump: via}, nil
}

// target says how the machine of a node is logged in to: the provider's word
// where it has one, else the file's.
func (c *Cluster) target(node string, m provider.Machine) ssh.Target {
	n, ok := c.cfg.Spec.Node(node)
	s := n.SSH
	if !ok {
		s = c.cfg.Spec.SSH
	}
	t := ssh.Target{
		Name: node, Host: m.SSH.Host, Port: s.Port, User: s.User,
		IdentityFile: s.IdentityFile, KnownHosts: s.KnownHosts, HostKey: s.HostKey, Jump: strings.Join(s.Jump, ","),
	}
	if s.Jump != nil && len(s.Jump) == 0 {
		t.Jump = ssh.JumpNone
	}
	if m.SSH.Port != 0 {
		t.Port = m.SSH.Port
	}
	if m.SSH.User != "" {
		t.User = m.SSH.User
	}
	if m.HostKey != "" {
		t.HostKey = m.HostKey
	}
	return t
}
