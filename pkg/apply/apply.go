// Package apply runs a plan: in the order that its edges ask for, a bounded
// number of steps at once. It knows no Docker and no SSH.
package apply

import (
	"context"
	"time"

	"github.com/swarmup/swarmup/pkg/plan"
)

// Doer does one step and returns once it is done. The note says what was found
// or done in a few words; "" where the step says it all. It is called from
// several goroutines.
type Doer func(ctx context.Context, s plan.Step) (note string, err error)

// Status is how a step ended.
type Status string

const (
	// Done steps succeeded.
	Done Status = "done"
	// Failed steps were tried.
	Failed Status = "failed"
	// Skipped steps were held back by a failed one.
	Skipped Status = "skipped"
	// Canceled steps were not begun because of an interruption.
	Canceled Status = "canceled"
)

// Result is how one step ended. Began and Took are zero for a step that was
// never begun.
type Result struct {
	Step   plan.Step     `json:"step"`
	Status Status        `json:"status"`
	Note   string        `json:"note,omitempty"`
	Err    error         `json:"-"`
	Began  time.Time     `json:"began,omitzero"`
	Took   time.Duration `json:"took_ns,omitempty"`
}

// Report has one result for each step, in plan order.
type Report []Result

// Watcher is told when a step begins (its Status is "" then) and when it ended,
// also when it ended without having begun. Calls come one at a time.
type Watcher func(r Result)
