package preflight

import (
	"fmt"
	"strings"
)

// Outcome is how a try to connect ended.
type Outcome string

// The outcomes.
const (
	// Open means that somebody listens and answers.
	Open Outcome = "open"
	// Closed means that the host answers and nobody listens there.
	Closed Outcome = "closed"
	// Dropped means that no answer came, or that something in between said no.
	Dropped Outcome = "dropped"
	// Untried means that the host gives no means to try.
	Untried Outcome = "untried"
)

// Attempt is a try to connect from one host to another.
type Attempt struct {
	// From is who tried, Whom the other, and To its address and port.
	From string
	Whom string
	To   string
	// Listens means that somebody has to listen there; without it a port that is
	// closed is as good as one that is open.
	Listens bool
	Outcome Outcome
	// Why is the reason in the words of the host, such as "connection timed out".
	Why string
	// Walls are the firewalls that are in the way, as far as the two hosts tell.
	Walls []Wall
}

// Failed says whether the attempt shows that a join would fail.
func (a Attempt) Failed() bool {
	goes := len(a.Walls) > 0
	for _, w := range a.Walls {
		goes = goes && w.Goes
	}
	return !goes && (a.Outcome == Dropped || a.Outcome == Closed && a.Listens)
}

// Wall is a firewall that is in the way.
type Wall struct {
	Host string // on which it is
	What string // such as "ufw does not let it in"
	Cure string // the command that opens the swarm's ports in it
	// Goes means that this run opens it, before anybody needs it.
	Goes bool
}

// reach tells of the first attempt that failed: one cause mostly stops them all.
func (j *judge) reach(h Host) {
	for _, a := range h.Reached {
		if a.Failed() {
			text, hint := a.explain()
			j.add(Reach, h.Name, text, hint)
			return
		}
	}
	for _, a := range h.Reached {
		if a.Outcome == Untried {
			j.add(Unreached, h.Name, fmt.Sprintf("whether %s reaches %s at %s is not known: %s", a.From, a.Whom, a.To, a.Why),
				"nothing needs to be done if the swarm's ports are open between them")
			return
		}
	}
}

// explain says what is wrong with a failed attempt and what can be done.
func (a Attempt) explain() (text, hint string) {
	text = fmt.Sprintf("%s does not reach %s at %s: %s", a.From, a.Whom, a.To, a.Why)
	what, cure := walls(a.Walls)
	switch {
	case what != "":
		return text + "; " + what, cure
	case a.Outcome == Closed:
		return text, fmt.Sprintf("nobody listens there: is %s the address of %s for the others (advertise)?", a.To, a.Whom)
	}
	return text, fmt.Sprintf("nothing was found on %s or %s that drops it: open the swarm's ports between them, in the provider's firewall or a router", a.From, a.Whom)
}

// walls puts several into one sentence and one list of commands.
func walls(all []Wall) (what, cure string) {
	var whats, cures []string
	for _, w := range all {
		whats = append(whats, fmt.Sprintf("on %s %s", w.Host, w.What))
		cures = append(cures, fmt.Sprintf("run on %s as root: %s", w.Host, w.Cure))
	}
	return strings.Join(whats, ", and "), strings.Join(cures, "; and ")
}
