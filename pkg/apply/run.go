package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/swarmup/swarmup/pkg/plan"
)

// ErrSkipped is the error of a step that a failed one held back.
var ErrSkipped = errors.New("skipped")

// Run does the steps of a plan, at most limit at once (1 where limit is less),
// each as soon as the steps it waits for have ended. A step that fails holds
// back those that are After it, and nobody else. When ctx ends no further step
// begins; those that run are given ctx and are waited for. Watch may be nil.
func Run(ctx context.Context, p plan.Plan, limit int, do Doer, watch Watcher) Report {
	r := &run{
		report: make(Report, len(p.Steps)),
		ended:  make(map[string]*slot, len(p.Steps)),
		places: make(chan struct{}, max(1, limit)),
		do:     do, watch: watch,
	}
	for i, s := range p.Steps {
		r.ended[s.ID] = &slot{done: make(chan struct{}), result: &r.report[i]}
	}
	var wg sync.WaitGroup
	for i, s := range p.Steps {
		wg.Go(func() {
			defer close(r.ended[s.ID].done)
			r.report[i] = r.step(ctx, s)
			r.tell(r.report[i])
		})
	}
	wg.Wait()
	return r.report
}

// run is one Run. Every step writes its own result; the closed channel of its
// slot publishes it.
type run struct {
	report Report
	ended  map[string]*slot
	places chan struct{}
	do     Doer

	mu    sync.Mutex // keeps calls of watch apart
	watch Watcher
}

type slot struct {
	done   chan struct{}
	result *Result
}

// step waits for its turn and does one step.
func (r *run) step(ctx context.Context, s plan.Step) Result {
	res := Result{Step: s}
	for _, id := range slices.Concat(s.Behind, s.After) {
		if e := r.ended[id]; e != nil {
			<-e.done // always comes: every step ends, begun or not
		}
	}
	if by := r.failedBefore(s); by != "" {
		res.Status, res.Err = Skipped, fmt.Errorf("%w: %s did not succeed", ErrSkipped, by)
		return res
	}
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		res.Status, res.Err = Canceled, context.Cause(ctx)
		return res
	}
	res.Began = time.Now()
	r.tell(res)
	res.Note, res.Err = r.do(ctx, s)
	res.Took, res.Status = time.Since(res.Began), Done
	if res.Err != nil {
		res.Status = Failed
	}
	return res
}

// failedBefore gives the first step that must have succeeded and did not. A
// canceled one counts only if it was canceled: then this one is canceled too,
// since the context has ended.
func (r *run) failedBefore(s plan.Step) string {
	for _, id := range s.After {
		e := r.ended[id]
		if e != nil && (e.result.Status == Failed || e.result.Status == Skipped) {
			return id
		}
	}
	return ""
}

func (r *run) tell(res Result) {
	if r.watch == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watch(res)
}

// Err gathers the failures in plan order, without the steps they held back. It
// is nil if nothing failed, also where an interruption left steps undone.
func (r Report) Err() error {
	var errs *multierror.Error
	for _, res := range r {
		if res.Status == Failed {
			errs = multierror.Append(errs, fmt.Errorf("%s: %w", title(res.Step), res.Err))
		}
	}
	if errs != nil {
		errs.ErrorFormat = lines
	}
	return errs.ErrorOrNil()
}

// Interrupted says whether steps were left undone because the context ended.
func (r Report) Interrupted() bool {
	for _, res := range r {
		if res.Status == Canceled {
			return true
		}
	}
	return false
}

// Count says how many steps ended in that way.
func (r Report) Count(s Status) int {
	n := 0
	for _, res := range r {
		if res.Status == s {
			n++
		}
	}
	return n
}

func title(s plan.Step) string {
	if s.Node == "" {
		return string(s.Action)
	}
	return string(s.Action) + " " + s.Node
}

// lines prints one failure a line; go-multierror's own format ends in blank lines.
func lines(errs []error) string {
	out := make([]string, len(errs))
	for i, err := range errs {
		out[i] = err.Error()
	}
	return strings.Join(out, "\n")
}
