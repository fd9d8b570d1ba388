package lock

import (
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

// watch decides when a lock is stale. Two things count, and neither compares the
// clocks of two computers by itself: that the record was not written for its
// whole time to live while we looked on, by our own monotonic clock; or that it is
// that old by the clock of its own place, and was not written while we looked on
// for longer than its holder takes from one renewal to the next. What is certain
// needs neither: a holder that ran on this very computer, and is no more.
type watch struct {
	dead   func(Run) bool
	record engine.Config
	age    time.Duration // by the clock of its place, when it was read last
	since  time.Time     // when we first saw this version of it
	moved  bool          // its holder gave a sign of life while we looked on
}

// renewals is how often a lock is renewed in its time to live.
const renewals = 4

// confirm is how long a lock that looks stale is looked at.
func confirm(ttl time.Duration) time.Duration { return ttl / 3 }

// see takes what was read.
func (w *watch) see(record engine.Config, now time.Time) {
	w.age = now.Sub(record.Updated)
	switch {
	case w.since.IsZero(), w.record.ID != record.ID, runOf(w.record).ID != runOf(record).ID:
		w.since, w.moved = time.Now(), false
	case w.record.Version != record.Version:
		w.since, w.moved = time.Now(), true
	}
	w.record = record
}

// suspect says whether the lock is too old by the clock of its place. A holder
// who was seen to live belies that clock.
func (w *watch) suspect() bool { return !w.moved && w.age >= ttlOf(w.record) }

// stale says whether the lock may be taken over.
func (w *watch) stale() bool {
	if w.dead != nil && w.dead(runOf(w.record)) {
		return true
	}
	still, ttl := time.Since(w.since), ttlOf(w.record)
	return still >= ttl || w.suspect() && still >= confirm(ttl)
}

func (w *watch) held() *HeldError {
	age := time.Since(w.since)
	if !w.moved {
		age = max(age, w.age)
	}
	return &HeldError{By: runOf(w.record), Age: age, TTL: ttlOf(w.record)}
}
