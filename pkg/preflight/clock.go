package preflight

import (
	"fmt"
	"slices"
	"time"
)

// tolerance is by how much clocks may differ. The certificate of a swarm that
// was just made is valid from some minutes before its making (swarmkit ca,
// about five), so that a host whose clock is behind by more does not join.
const tolerance = time.Minute

// differ says whether two clocks are certainly too far apart.
func differ(a, b Conditions) bool {
	return (a.Ahead-b.Ahead).Abs()-a.Margin-b.Margin > tolerance
}

// clocks compares hosts with each other: this machine's own clock may be the
// one that is wrong, so that it only breaks a tie. What all hosts agree on
// against this machine is no harm to them.
func (j *judge) clocks() {
	var known []Host
	for _, h := range j.hosts {
		if h.Margin > 0 {
			known = append(known, h)
		}
	}
	if len(known) == 0 {
		return
	}
	right := majority(known)
	if len(known) == 1 && differ(known[0].Conditions, Conditions{}) {
		h := known[0]
		j.add(Clock, h.Name, fmt.Sprintf("the clock of %s is %s this machine's", h.Name, apart(h.Ahead)), clockHint(h.Name)+", or set this machine's if that is wrong")
		return
	}
	for _, h := range known {
		if differ(h.Conditions, right.Conditions) {
			j.add(Clock, h.Name, fmt.Sprintf("the clock of %s is %s that of %s", h.Name, apart(h.Ahead-right.Ahead), right.Name), clockHint(h.Name))
		}
	}
}

// majority gives a host that most agree with; of several the one whose clock is
// nearest to this machine's.
func majority(hosts []Host) Host {
	return slices.MaxFunc(hosts, func(a, b Host) int {
		if n := agree(hosts, a) - agree(hosts, b); n != 0 {
			return n
		}
		return int((b.Ahead.Abs() - a.Ahead.Abs()) / time.Microsecond)
	})
}

func agree(hosts []Host, with Host) (n int) {
	for _, h := range hosts {
		if !differ(h.Conditions, with.Conditions) {
			n++
		}
	}
	return n
}

// readable is how exactly a difference is told: what was measured is no better
// than a second.
const readable = 10 * time.Second

func apart(d time.Duration) string {
	if d < 0 {
		return fmt.Sprintf("%s behind", d.Abs().Round(readable))
	}
	return fmt.Sprintf("%s ahead of", d.Round(readable))
}

func clockHint(host string) string {
	return fmt.Sprintf("have it set from the network, on %s: timedatectl set-ntp true (or: chronyc makestep)", host)
}
