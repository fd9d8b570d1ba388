// Package swarmtest is a world of engines in memory, for tests: real HTTP over
// pipes, as many engines as wanted, and swarms that they agree on. It behaves
// as engines 20.10 and 29.7 were seen to behave, in their words and with their
// status codes and delays, also where that is unpleasant: joins leave ghosts,
// quorum can be lost, a removed host goes on believing. It runs no container
// and never does a test the favour of keeping it from a mistake; what it sees
// of mistakes that real swarms let pass it keeps for Violations.
//
// Delays are those of real engines, so tests run inside testing/synctest. There
// is no goroutine but those of the HTTP servers: what is due happens when
// somebody looks.
package swarmtest

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/docker/docker/api/types/swarm"
)

// World is a network of engines. The zero value is not usable; New makes one.
// Methods of World and Engine may be called concurrently.
type World struct {
	mu       sync.Mutex
	delays   Delays
	engines  []*Engine
	clusters []*cluster
	events   []event
	clock    time.Time // when what happens now happens
	ids      int
	calls    map[string]int
	races    int
	broken   []string
	serving  sync.WaitGroup
}

// New returns a world without engines. Close it at the end of the test.
func New() *World {
	return &World{delays: Real(), calls: map[string]int{}}
}

// Delays are the times that things take.
type Delays struct {
	Init        time.Duration // swarm init
	JoinWorker  time.Duration // a join that goes well
	JoinManager time.Duration
	Refused     time.Duration // a join whose remote does not listen, or that is refused
	Advertise   time.Duration // a manager that the leader does not reach
	Timeout     time.Duration // an API call that gives up waiting; what it began goes on
	Abandoned   time.Duration // a join that got no answer ends in state error
	Leave       time.Duration
	Ready       time.Duration // managers call a node ready that has registered
	Down        time.Duration // a node without heartbeats is called down
	Demote      time.Duration // the member leaves the raft group
	HostDemote  time.Duration // after that, the engine notices
	Settle      time.Duration // after that, its certificate says worker
	Retry       time.Duration // a demotion that has to wait is tried again
	Promote     time.Duration
	Flip        time.Duration // a promotion before the demotion has settled
	Elect       time.Duration // a dead leader is replaced
	Transfer    time.Duration // a demoted leader is replaced
	Register    time.Duration // nodes come back to a new leader
	Stale       time.Duration // a leader without a quorum still answers reads
	Resume      time.Duration // an engine that starts again is a member again
	Labels      time.Duration // managers see new engine labels
	TaskStop    time.Duration
	TaskStart   time.Duration
	LetGo       time.Duration // an engine holds on to a network that was removed
	Renew       time.Duration // nodes have certificates of a new root CA
	Rekey       time.Duration // managers lock their disks with a new unlock key
}

// Real gives the delays that were measured on engines 20.10.24 and 29.7.2 on
// one machine, with the constants of swarmkit where these decide.
func Real() Delays {
	return Delays{
		Init:        130 * time.Millisecond,
		JoinWorker:  100 * time.Millisecond,
		JoinManager: 560 * time.Millisecond,
		Refused:     10 * time.Second,
		Advertise:   3 * time.Second,
		Timeout:     20 * time.Second,
		Abandoned:   35 * time.Second,
		Leave:       700 * time.Millisecond,
		Ready:       100 * time.Millisecond,
		Down:        15 * time.Second,
		Demote:      15 * time.Millisecond,
		HostDemote:  110 * time.Millisecond,
		Settle:      2 * time.Second,
		Retry:       5 * time.Second,
		Promote:     time.Second,
		Flip:        28 * time.Second,
		Elect:       11 * time.Second,
		Transfer:    time.Second,
		Register:    time.Second,
		Stale:       20 * time.Second,
		Resume:      time.Second,
		Labels:      2800 * time.Millisecond,
		TaskStop:    time.Second,
		TaskStart:   time.Second,
		LetGo:       300 * time.Millisecond,
		Renew:       3 * time.Second,
		Rekey:       100 * time.Millisecond,
	}
}

// SetDelays changes delays from now on. It is meant for a test that is about
// one of them: change gets those that hold.
func (w *World) SetDelays(change func(*Delays)) {
	w.lock()
	defer w.mu.Unlock()
	change(&w.delays)
}

// Engine adds a running engine, in no swarm, whose machine has that IP address.
func (w *World) Engine(addr, hostname string) *Engine {
	w.lock()
	defer w.mu.Unlock()
	e := &Engine{w: w, addr: addr, hostname: hostname, id: w.newID(), version: "28.5.2", api: "1.51", up: true}
	e.state = swarm.LocalNodeStateInactive
	w.engines = append(w.engines, e)
	e.serve()
	return e
}

// Close stops all engines and waits until nothing of the world runs any more.
func (w *World) Close() {
	w.mu.Lock()
	for _, e := range w.engines {
		e.shut()
	}
	w.mu.Unlock()
	w.serving.Wait()
}

// newID gives an ID that looks like swarmkit's, the same in each run.
func (w *World) newID() string {
	w.ids++
	sum := sha256.Sum256(fmt.Append(nil, w.ids))
	return new(big.Int).SetBytes(sum[:]).Text(36)[:25]
}

// An event is something that will happen. It runs with the world locked.
type event struct {
	at time.Time
	do func()
}

// lock locks the world after everything has happened that is due.
func (w *World) lock() {
	w.mu.Lock()
	for now := time.Now(); len(w.events) > 0 && !w.events[0].at.After(now); {
		next := w.events[0]
		w.events = w.events[1:]
		w.clock = next.at
		next.do()
	}
	w.clock = time.Now()
}

// after plans do. Events happen in the order of their times.
func (w *World) after(d time.Duration, do func()) {
	at := w.clock.Add(d)
	i, _ := slices.BinarySearchFunc(w.events, at, func(e event, at time.Time) int {
		if e.at.After(at) {
			return 1
		}
		return -1
	})
	w.events = slices.Insert(w.events, i, event{at, do})
}

// violation keeps a mistake that a real swarm would let pass.
func (w *World) violation(format string, args ...any) {
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}
