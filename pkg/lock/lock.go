// Package lock keeps two runs of swarmup from changing one cluster at the same
// time. It is a lease: who holds it renews it, and what was not renewed for its
// time to live may be taken over, so that no lock outlives its holder. Where the
// record of it stands is for others to know (Store). The package never trusts the
// clocks of two computers to agree, and never decides what is done under the lock.
package lock

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Name is what the record of the lock is called in a swarm, where it is a config
// object.
const Name = "swarmup-lock"

// DefaultTTL is for how long a lock holds that is not renewed. It outlasts a
// swarm that replaces a dead leader (11 to 13 s, measured on Engine 29.7), twice,
// and a manager that restarts.
const DefaultTTL = time.Minute

// Store is one place for the one record of a lock. Its methods may be called
// concurrently, by several runs at once.
type Store interface {
	// Where names the place, for people, and tells it from others.
	Where() string
	// Read gives the record, and what time it is by the clock that its Updated is
	// by; engine.ErrNotFound where there is none.
	Read(ctx context.Context) (record engine.Config, now time.Time, err error)
	// Create makes the record and returns it, as far as it is known then. Of
	// several who do so at once one succeeds; the others get engine.ErrExists.
	Create(ctx context.Context, labels map[string]string) (engine.Config, error)
	// Update gives the record, as it was read, other labels. Where somebody else
	// has written it since, it is engine.ErrOutdated or engine.ErrNotFound.
	Update(ctx context.Context, record engine.Config, labels map[string]string) error
	// Remove removes the record of that ID; one that is gone is success.
	Remove(ctx context.Context, record engine.Config) error
}

// Run is a run of swarmup, as others are told of it.
type Run struct {
	ID      string // tells it from all others; never shown
	Holder  string // user@computer
	Process int    // its number on that computer
	// Space is where that number counts: processes in one space see each other, and
	// nobody else is in it. "" is not known.
	Space   string
	Command string // such as "swarmup apply"
	Since   time.Time
}

// NewID gives a Run its ID.
func NewID() string { return rand.Text() }

// String is "ole@laptop (swarmup apply, process 4711)".
func (r Run) String() string {
	if r.ID == "" {
		return "somebody who does not say who they are"
	}
	return fmt.Sprintf("%s (%s, process %d)", r.Holder, r.Command, r.Process)
}

// The labels of a record. Those who look at it in the swarm understand it
// without swarmup.
const (
	labelRun     = "swarmup.lock.run"
	labelHolder  = "swarmup.lock.holder"
	labelProcess = "swarmup.lock.process"
	labelSpace   = "swarmup.lock.space"
	labelCommand = "swarmup.lock.command"
	labelSince   = "swarmup.lock.since"
	labelExpires = "swarmup.lock.expires" // by the holder's clock: for people only
	labelTTL     = "swarmup.lock.ttl"
)

// labels gives a record for the run.
func (r Run) labels(now time.Time, ttl time.Duration) map[string]string {
	return map[string]string{
		labelRun: r.ID, labelHolder: r.Holder, labelProcess: strconv.Itoa(r.Process), labelCommand: r.Command, labelSpace: r.Space,
		labelSince:   r.Since.UTC().Format(time.RFC3339),
		labelExpires: now.Add(ttl).UTC().Format(time.RFC3339),
		labelTTL:     ttl.String(),
	}
}

// runOf reads who holds a record. What somebody else has made is nobody's.
func runOf(record engine.Config) Run {
	l := record.Labels
	process, _ := strconv.Atoi(l[labelProcess])
	since, _ := time.Parse(time.RFC3339, l[labelSince])
	return Run{
		ID: l[labelRun], Holder: clean(l[labelHolder]), Process: process, Command: clean(l[labelCommand]), Since: since,
		Space: l[labelSpace],
	}
}

// clean takes what could play with a terminal out of words of others.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// ttlOf reads for how long a record holds that is not renewed.
func ttlOf(record engine.Config) time.Duration {
	if ttl, err := time.ParseDuration(record.Labels[labelTTL]); err == nil && ttl > 0 {
		return ttl
	}
	return DefaultTTL
}

// HeldError means that somebody else holds the lock.
type HeldError struct {
	By Run
	// Age is how long ago the holder gave the last sign of life.
	Age time.Duration
	// TTL is how long after its last sign the lock falls.
	TTL time.Duration
}

// Error names the holder.
func (e *HeldError) Error() string {
	s := "it is locked by " + e.By.String()
	if !e.By.Since.IsZero() {
		s += " since " + e.By.Since.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return s + ", last renewed " + max(0, e.Age).Round(time.Second).String() + " ago"
}

// LostError means that the lock is not ours any more, or that nobody can say.
type LostError struct {
	// By is who holds it instead; the zero Run where that is not known.
	By Run
	// Err is why it is not known; nil where it is.
	Err error
}

// Error says what has become of it.
func (e *LostError) Error() string {
	switch {
	case e.Err != nil:
		return "the lock of this run is lost: " + e.Err.Error()
	case e.By.ID != "":
		return "the lock of this run is lost: " + e.By.String() + " has it now"
	}
	return "the lock of this run is lost: somebody has removed it"
}

// Unwrap gives Err.
func (e *LostError) Unwrap() error { return e.Err }
