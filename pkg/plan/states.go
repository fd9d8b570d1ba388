package plan

// Situation is one of the states that a node can be in, by what its own host
// says and what a manager with a quorum says. Neither alone is the truth: a
// removed worker takes itself for a member, and a swarm goes on listing hosts
// that were made anew. Its text is what users read.
type Situation string

// The situations of a node that nothing can be asked of.
const (
	Unmade  Situation = "absent"       // there is no machine yet
	OffHost Situation = "off"          // its machine is switched off, or was never started
	Unheard Situation = "silent"       // its host does not answer: nothing is known
	Refused Situation = "barred"       // its host does not let us in
	Hung    Situation = "hung"         // its host answers, and its engine does not: nothing is known
	Gone    Situation = "machine gone" // the swarm lists it, and its machine is gone
)

// The situations of a host that is in no swarm, or not yet.
const (
	NoEngine   Situation = "no engine"               // it has no engine, or one that is stopped
	OldEngine  Situation = "engine too old"          // its engine speaks no API that swarmup does
	Unfit      Situation = "not for swarms"          // its engine has what cannot be in a swarm, or what keeps a member from starting again
	Free       Situation = "inactive"                // its engine is in no swarm
	Reborn     Situation = "ghost"                   // its engine is in no swarm, and the swarm lists an earlier life of it
	Joining    Situation = "joining"                 // a join is under way
	JoinFailed Situation = "join failed"             // a join came to nothing, and the engine does not try again
	Elsewhere  Situation = "other swarm"             // it is in a swarm that is not this one
	Orphan     Situation = "orphan join"             // an entry of a join that never finished
	Stranger   Situation = "stranger"                // a member that is not in the file
	Twin       Situation = "same identity"           // two hosts take themselves for the same member
	Forgotten  Situation = "forgotten while running" // the swarm removed it while it was running
	Removed    Situation = "removed while away"      // the swarm removed it while it was not running
	Deposed    Situation = "removed manager"         // likewise, and it takes itself for a manager
	Expired    Situation = "certificate expired"
	LockedOut  Situation = "locked" // its engine waits for the key of a swarm with autolock
)

// The situations of a member.
const (
	Works       Situation = "member"
	Manages     Situation = "manager"
	Partitioned Situation = "partitioned"         // the swarm does not hear from an engine that runs
	NewLeader   Situation = "leader just changed" // the managers have yet to hear from all members
	Demoting    Situation = "demotion pending"    // it is to be a worker, and is a manager still
	Unsettled   Situation = "not settled"         // it is a worker, and its certificate says manager
	Promoting   Situation = "promotion pending"   // it is to be a manager, and is none yet
	Leaderless  Situation = "no quorum"           // a manager whose swarm has no leader
	Unreachable Situation = "unreachable manager" // the other managers do not reach it
	Misplaced   Situation = "availability differs"
	Moved       Situation = "moved" // it is known by an address that it does not have any more
	Rotating    Situation = "CA rotation"
)

// Situations lists all of them, in the order of docs/states.md.
func Situations() []Situation {
	return []Situation{
		Unmade, OffHost, Unheard, Refused,
		NoEngine, Free, Reborn, Orphan, Joining, Removed, JoinFailed, Expired, LockedOut, Works,
		Manages, Elsewhere, Forgotten, Twin, Partitioned, Gone, NewLeader, Demoting, Unsettled, Promoting,
		Leaderless, Deposed, Unreachable, Misplaced, OldEngine, Unfit, Rotating, Moved, Stranger, Hung,
	}
}

// Found is a situation with what shows it.
type Found struct {
	Situation Situation `json:"situation"`
	// Text is what was seen, in a few words; "" where the situation says it all.
	Text string `json:"text,omitempty"`
	// Hint is what becomes of it, or what the user can do.
	Hint string `json:"hint,omitempty"`
}

// Standing is all that was found about one node of the file, one host, or one
// entry of the swarm that is of no host; about the swarm where all three names
// are "". What weighs most comes first, and there is always one.
type Standing struct {
	Node    string
	Machine string
	Member  string // NodeID of its entry; "" for none
	Found   []Found
}

// Is gives what weighs most.
func (s Standing) Is() Situation { return s.Found[0].Situation }

// Well says whether nothing was found but that it is a member.
func (s Standing) Well() bool {
	return len(s.Found) == 1 && (s.Is() == Works || s.Is() == Manages)
}

// In says whether a situation is among those that were found.
func (s Standing) In(what Situation) bool {
	for _, f := range s.Found {
		if f.Situation == what {
			return true
		}
	}
	return false
}
