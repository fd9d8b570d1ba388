package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/swarmup/swarmup/pkg/plan"
)

// ErrSkipped is the error of a step that a failed one held back.
var ErrSkipped = errors.New("skipped")

// Run does the steps of a plan, Adopt among them, at most limit at once (1 where limit is less),
// each as soon as the steps it waits for have ended; among those that could
// begin, the first of the plan does. A step that fails holds back those that are
// After it, and nobody else. When ctx ends no further step begins; those that run
// are given ctx and are waited for. Watch may be nil.
func Run(ctx context.Context, p plan.Plan, limit int, do Doer, watch Watcher) Report {
	r := newRun(p, watch)
	ends := make(chan int)
	for running := 0; running > 0 || len(r.ready) > 0; {
		if running < max(1, limit) && len(r.ready) > 0 {
			i := r.ready[0]
			r.ready = r.ready[1:]
			if !r.begin(ctx, i) {
				continue
			}
			running++
			go func() {
				r.report[i].do(ctx, do)
				ends <- i
			}()
			continue
		}
		r.end(<-ends)
		running--
	}
	return r.report
}

// run is one Run. Only the goroutine of Run works on it; a step's own writes
// nothing but its result, until it has ended.
type run struct {
	report Report
	index  map[string]int // of a step, by its ID
	awaits []int          // how many ends each step still waits for
	next   [][]int        // the steps that wait for each one's end
	ready  []int          // those that wait for nobody any more, in plan order
	watch  Watcher
}

func newRun(p plan.Plan, watch Watcher) *run {
	p.Steps = slices.Concat(p.Steps, p.Adopt)
	n := len(p.Steps)
	r := &run{report: make(Report, n), index: make(map[string]int, n), awaits: make([]int, n), next: make([][]int, n), watch: watch}
	for i, s := range p.Steps {
		r.report[i].Step, r.index[s.ID] = s, i
	}
	for i, s := range p.Steps {
		for _, id := range slices.Concat(s.Behind, s.After) {
			if before, known := r.index[id]; known {
				r.awaits[i]++
				r.next[before] = append(r.next[before], i)
			}
		}
		if r.awaits[i] == 0 {
			r.ready = append(r.ready, i)
		}
	}
	return r
}

// begin says whether a step that waits for nobody begins. After an interruption
// it ends instead.
func (r *run) begin(ctx context.Context, i int) bool {
	res := &r.report[i]
	if ctx.Err() != nil {
		res.Status, res.Err = Canceled, context.Cause(ctx)
		r.end(i)
		return false
	}
	res.Began = time.Now()
	r.tell(*res)
	return true
}

// do does a step that has begun.
func (res *Result) do(ctx context.Context, do Doer) {
	res.Note, res.Err = do(ctx, res.Step)
	res.Took, res.Status = time.Since(res.Began), Done
	if res.Err != nil {
		res.Status = Failed
	}
}

// end makes those ready that waited for a step only, and ends those that it
// holds back.
func (r *run) end(i int) {
	r.tell(r.report[i])
	for _, next := range r.next[i] {
		if r.awaits[next]--; r.awaits[next] > 0 {
			continue
		}
		res := &r.report[next]
		if by := r.failedBefore(res.Step); by != "" {
			res.Status, res.Err = Skipped, fmt.Errorf("%w: %s did not succeed", ErrSkipped, by)
			r.end(next)
			continue
		}
		place, _ := slices.BinarySearch(r.ready, next)
		r.ready = slices.Insert(r.ready, place, next)
	}
}

// failedBefore gives the first step that must have succeeded and did not. A
// canceled one counts only if it was canceled: then this one is canceled too,
// since the context has ended.
func (r *run) failedBefore(s plan.Step) string {
	for _, id := range s.After {
		before, known := r.index[id]
		if known && (r.report[before].Status == Failed || r.report[before].Status == Skipped) {
			return id
		}
	}
	return ""
}

func (r *run) tell(res Result) {
	if r.watch != nil {
		r.watch(res)
	}
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
