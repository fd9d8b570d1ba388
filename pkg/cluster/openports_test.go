package cluster_test

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/plan"
)

const openPorts = "engine: {open_ports: true}"

// Wherever ufw runs it is opened before anybody needs it, and nothing is in the
// way any more; a second apply does nothing, and the end takes it back.
func TestFirewallsAreOpenedByTheFileAlone(t *testing.T) {
	for _, where := range []string{"a", "b", "c", "a b c"} {
		t.Run(where, func(t *testing.T) {
			in(t, func(w *world) {
				lines := w.existing("a", "b", "c", "d")
				w.file(sshFile(lines, "a", "d", ""))
				w.apply() // a swarm that works, before any firewall
				for _, n := range strings.Fields(where) {
					w.of(n).ufw = true
				}
				w.file(sshFile(lines, "a b", "c d", ""))
				p := w.process()
				if got := p.refusal(); !strings.Contains(got, "ufw does not let it in") {
					t.Errorf("without the key: %q", got)
				}
				p.end()
				w.file(sshFile(lines, "a b", "c d", openPorts))
				w.apply()
				for _, n := range strings.Fields(where) {
					if !w.of(n).ufwOpen {
						t.Errorf("%s is not open", n)
					}
				}
				w.file(sshFile(lines, "a b", "c d", ""))
				if got, want := w.steps(), "configure/a configure/b configure/c configure/d"; got != want {
					t.Errorf("without the key again: %s, want %s", got, want)
				}
			})
		})
	}
}

func TestDestroyClosesWhatWasOpened(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b")
		w.of("b").ufw = true
		w.file(sshFile(lines, "a", "b", openPorts))
		w.apply()
		p := w.process()
		defer p.end()
		if _, _, err := p.rounds(plan.Options{Teardown: true}); err != nil {
			t.Fatal(err)
		}
		if m := w.of("b"); m.ufwOpen || m.read(ownedFile) != "" {
			t.Errorf("b is open: %t, and keeps %q", m.ufwOpen, m.read(ownedFile))
		}
	})
}

// Whoever was to be let in says who keeps it out, and not the engine's own words.
func TestAFirewallThatCannotBeOpenedIsSaidByThoseItKeepsOut(t *testing.T) {
	in(t, func(w *world) {
		lines := w.existing("a", "b")
		w.file(sshFile(lines, "a", "", ""))
		w.apply()
		w.of("a").ufw, w.of("a").ufwFault = true, "ERROR: problem running ufw-init"
		w.file(sshFile(lines, "a", "b", openPorts))
		err := w.try()
		for _, want := range []string{
			"configure a: open ports: ufw: problem running ufw-init",
			"join b: b does not reach a at 10.0.0.1:2377: connection timed out; on a ufw does not let it in",
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v\nwant %s", err, want)
			}
		}
		w.of("a").ufwFault = ""
		w.apply()
	})
}
