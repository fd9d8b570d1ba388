package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// behind gives machines that can be reached through a bastion only, the lines
// for them, and the file's ssh section. The bastion may be logged in to by ops.
func (w *world) behind(names ...string) (lines map[string]string, section string) {
	w.Helper()
	lines = w.existing(names...)
	for _, n := range names {
		w.of(n).inner = true
	}
	bastion := w.machine("bastion", w.key.Authorized)
	file := filepath.Join(filepath.Dir(w.home), "known_hosts")
	known := bastion.addr + " " + string(xssh.MarshalAuthorizedKey(bastion.sshd.HostKey(0)))
	if err := os.WriteFile(file, []byte(known), 0o600); err != nil {
		w.Fatal(err)
	}
	return lines, "ssh: {jump: [ops@" + bastion.addr + "], known_hosts: " + file + "}"
}

func TestHostsBehindABastionBecomeAClusterOverOneConnectionToIt(t *testing.T) {
	in(t, func(w *world) {
		lines, section := w.behind("a", "b", "c")
		w.file(sshFile(lines, "a b", "c", section))
		w.apply()
		bastion := w.of("bastion")
		before := bastion.sshd.Connections()
		p := w.process()
		p.see()
		if n := bastion.sshd.Connections() - before; n != 1 {
			t.Errorf("%d connections to the bastion for three hosts", n)
		}
		p.end()
		synctest.Wait()
		if n := bastion.sshd.Live(); n != 0 {
			t.Errorf("%d connections to the bastion are left", n)
		}
		for _, n := range w.net.Nodes() {
			if got, want := n.Labels[plan.MarkSSH], "root@"+n.Addr+":22 via ops@"+bastion.addr; got != want {
				t.Errorf("%s is marked %q, want %q", n.Hostname, got, want)
			}
		}
	})
}

// The line is all that said how to reach it; the bastion is in its mark.
func TestALineBehindABastionThatLeavesTheFileIsFollowedThroughIt(t *testing.T) {
	in(t, func(w *world) {
		lines, section := w.behind("a", "b", "c")
		known := section[strings.Index(section, "known_hosts"):]
		jump := strings.TrimSuffix(strings.TrimPrefix(section, "ssh: {"), ", "+known)
		for _, n := range []string{"b", "c"} {
			lines[n] = strings.Replace(lines[n], "ssh: {", "ssh: {"+jump+", ", 1)
		}
		w.of("a").inner = false
		w.file(sshFile(lines, "a b", "c", "ssh: {"+known))
		w.apply()
		w.file(sshFile(lines, "a", "", "ssh: {"+known))
		w.apply()
	})
}

func TestABastionThatDiesInTheMiddleOfARunIsReachedAnew(t *testing.T) {
	in(t, func(w *world) {
		lines, section := w.behind("a", "b", "c")
		w.file(sshFile(lines, "a", "b c", section))
		p := w.process()
		defer p.end()
		p.see()
		w.of("bastion").sshd.Kick()
		if _, _, err := p.rounds(plan.Options{}); err != nil {
			t.Fatal(err)
		}
		w.settled()
	})
}

func TestABastionWithAnotherKeyStopsAllBehindIt(t *testing.T) {
	in(t, func(w *world) {
		lines, section := w.behind("a", "b")
		w.of("bastion").sshd.Misbehave(sshtest.Fault{Refuse: true})
		w.machine("impostor", w.key.Authorized)
		section = strings.Replace(section, w.of("bastion").addr, w.of("impostor").addr, 1)
		w.file(sshFile(lines, "a", "b", section))
		p := w.process()
		defer p.end()
		for _, h := range p.see().Hosts {
			if h.Answer != plan.Barred || !strings.Contains(h.Why, "verify "+w.of("impostor").addr+":22: unknown host key") {
				t.Errorf("%s is %s: %s", h.Node, h.Answer, h.Why)
			}
		}
	})
}
