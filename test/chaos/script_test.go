package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// script is one run, all of it decided by its seed: what changes, and what goes
// wrong meanwhile.
type script struct {
	seed   string // chain/run
	change string
	from   shape
	to     shape
	damage damage
	// target is the node that is damaged: one of the file before or after, or
	// "" for the leader. It is waited for where it is not there yet.
	target string
	moment moment
	// heals is how long the damage lasts where apply cannot mend it.
	heals time.Duration
	// killed is how long after the damage swarmup is killed, too; 0 is never.
	killed   time.Duration
	replicas int // of the probe service
}

// moment is when the damage is done: at a part of the usual length of the apply,
// or so long after a step of that kind was told of.
type moment struct {
	part  float64
	step  string
	after time.Duration
}

func (m moment) String() string {
	if m.step != "" {
		return fmt.Sprintf("%.1fs after %q", m.after.Seconds(), m.step)
	}
	return fmt.Sprintf("at %.0f%%", m.part*100)
}

// steps are words by which swarmup's progress tells of a step, by change. Slow ones
// are told of when they begin, the others once they are done.
func steps(change string) []string {
	common := []string{"configure engine", "label"}
	switch change {
	case fromNothing:
		return append(common, "create machine", "connect", "init swarm", "join as manager", "join as worker")
	case "more workers":
		return append(common, "create machine", "connect", "join as worker")
	case "fewer workers":
		return []string{"drain", "leave", "remove from the node list"}
	case "more managers":
		return append(common, "create machine", "connect", "join as manager")
	case "fewer managers":
		return []string{"drain", "demote", "leave", "remove from the node list"}
	case "roles swapped":
		return []string{"promote", "demote"}
	case "other labels":
		return append(common, "verify")
	}
	return append(common, "create machine", "connect", "join as", "drain", "leave", "remove from the node list")
}

// chainLength is how many runs one cluster lives through. The first makes it.
const chainLength = 8

// chainOf gives the runs of a chain. The same seed gives the same runs; each
// begins with what the one before it ends with.
func chainOf(seed uint64) []script {
	var out []script
	var from shape
	for i := range chainLength {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		s := script{seed: fmt.Sprintf("%d/%d", seed, i), from: from, replicas: 2 + r.IntN(2)}
		s.change, s.to = change(r, from)
		s.damage = pick(r, damages()...)
		if s.change == fromNothing && r.IntN(2) == 0 {
			s.damage = kill
		}
		if all := union(s.from, s.to); r.IntN(4) > 0 {
			s.target = all[r.IntN(len(all))]
		}
		if s.moment.part = r.Float64(); r.IntN(2) == 0 {
			s.moment = moment{step: pick(r, steps(s.change)...), after: upTo(r, 700*time.Millisecond)}
		}
		s.heals = 500*time.Millisecond + upTo(r, 12*time.Second)
		if r.IntN(3) == 0 {
			s.killed = upTo(r, 4*time.Second)
		}
		out, from = append(out, s), s.to
	}
	return out
}

// union gives the names of all nodes of both shapes.
func union(a, b shape) (out []string) {
	for _, m := range a {
		out = append(out, m.name)
	}
	for _, m := range b {
		if a.find(m.name) == nil {
			out = append(out, m.name)
		}
	}
	return out
}

func upTo(r *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(d))).Truncate(100 * time.Millisecond)
}
