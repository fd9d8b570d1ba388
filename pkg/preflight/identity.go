package preflight

import (
	"fmt"
	"strings"
)

// identities: copies of a disk have the same names for themselves, and a swarm
// takes two engines of one name for one. What does a swarm no harm is left alone
// among those who are in it.
func (j *judge) identities() {
	for i, a := range j.hosts {
		for _, b := range j.hosts[:i] {
			if same := shared(a, b); len(same) > 0 {
				j.alike(b, a, same)
			}
		}
	}
}

// mark is one name that a host has for itself, with what gives it another.
type mark struct {
	what, a, b string
	ofEngine   bool
	cure       string
}

func shared(a, b Host) (same []mark) {
	for _, m := range []mark{
		{"machine-id", a.MachineID, b.MachineID, false, "rm -f /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup"},
		{"SSH host key", a.HostKey, b.HostKey, false, "rm -f /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh"},
		{"engine ID", a.EngineID, b.EngineID, true, "systemctl stop docker; rm -f /var/lib/docker/engine-id /etc/docker/key.json; systemctl start docker"},
		{"node ID", a.NodeID, b.NodeID, true, "docker swarm leave"},
	} {
		harmless := !a.Joins && !b.Joins && !m.ofEngine
		if m.a != "" && m.a == m.b && !harmless {
			same = append(same, m)
		}
	}
	return same
}

func (j *judge) alike(a, b Host, same []mark) {
	var what, cures []string
	for i := range same {
		what = append(what, same[i].what)
		cures = append(cures, same[len(same)-1-i].cure) // the engine leaves before its names change
	}
	j.add(Identity, b.Name,
		fmt.Sprintf("%s and %s have the same %s: one is a copy of the other's disk, or both lines lead to one machine", a.Name, b.Name, and(what)),
		fmt.Sprintf("if one is a copy, give it an identity of its own, as root on %s: %s", b.Name, strings.Join(cures, "; ")))
}

// and puts words together: "a", "a and b", "a, b and c".
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
