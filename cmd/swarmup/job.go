package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// maxRounds bounds how often a plan that revealed more is followed by another.
const maxRounds = 3

// job is one apply or destroy: rounds of observing, planning and doing, until
// the last plan hides nothing more.
type job struct {
	env
	cluster  *spec.Cluster
	options  plan.Options
	parallel int
	patience time.Duration // for managers that do not answer at first
	consent  consent
	json     bool
	mask     mask
	progress *progress
	lock     *lock.Lock
	lockWait time.Duration // for another run to end

	last    plan.Plan
	size    int    // how many nodes there are
	locked  string // the place where the lock was taken; "" for none
	reports []apply.Report
	lost    []plan.Loss // with what went in the rounds before the last
}

func (j *job) run(ctx context.Context, world conductor) (err error) {
	j.lock.While(ctx, func(ctx context.Context) { err = j.rounds(ctx, world) })
	j.release(ctx)
	return err
}

func (j *job) rounds(ctx context.Context, world conductor) error {
	for range maxRounds {
		before := j.last
		err := j.look(ctx, world, "look at "+j.cluster.Name, j.patience)
		if err == nil && !j.last.Idle() {
			if err := j.forbidden(ctx); err != nil {
				return err
			}
			err = j.guarded(ctx, world)
		}
		if err != nil {
			return j.stopped(err)
		}
		if j.inVain(before) {
			break
		}
		if len(j.reports) == 0 || !j.last.Idle() {
			j.show()
		}
		if j.last.Idle() {
			break
		}
		if err := j.agreed(ctx); err != nil {
			return j.stopped(err)
		}
		j.consent.removed = distinct(append(j.consent.removed, j.last.Removes()...))
		j.reports = append(j.reports, apply.Run(ctx, j.last, j.parallel, j.do(world), j.progress.watch))
		if ctx.Err() != nil || !j.last.Partial {
			break
		}
		j.lost = append(j.lost, j.last.Loses...)
		// What this round has replaced is not replaced once more by the next one.
		j.options.Replace = slices.DeleteFunc(slices.Clone(j.options.Replace), func(n string) bool { return slices.Contains(j.last.Replaces, n) })
	}
	return j.end(ctx)
}

// look observes the world and plans.
func (j *job) look(ctx context.Context, world conductor, what string, patience time.Duration) error {
	j.progress.line("", what+" ...")
	have, err := world.Observe(ctx, patience)
	if err != nil {
		return fmt.Errorf("observe %s: %w", j.cluster.Name, err)
	}
	j.last, j.size = j.diff(j.cluster, have, j.options), sizeOf(have)
	j.last.Loses = world.Losses(ctx, have, j.last)
	return nil
}

// forbidden refuses a plan that nobody will agree to, before even a lock is taken.
func (j *job) forbidden(ctx context.Context) error {
	question, err := j.consent.question(j.last, j.size)
	if err == nil && (question == "" || j.terminal) {
		return nil
	}
	j.show()
	return j.stopped(j.agreed(ctx))
}

// inVain says whether the plan is that of the round before, in which something
// failed: it would fail again.
func (j *job) inVain(before plan.Plan) bool {
	if len(j.reports) == 0 {
		return false
	}
	failed := slices.ContainsFunc(j.reports[len(j.reports)-1], func(r apply.Result) bool { return r.Status == apply.Failed })
	return failed && slices.EqualFunc(before.Steps, j.last.Steps, func(a, b plan.Step) bool { return a.ID == b.ID && a.Why == b.Why })
}

// sizeOf counts the nodes that there are.
func sizeOf(have plan.State) int {
	hosts := 0
	for _, h := range have.Hosts {
		if h.Answer != "" {
			hosts++
		}
	}
	if have.Swarm == nil {
		return hosts
	}
	return max(hosts, len(have.Swarm.Nodes))
}

// show prints a round's plan. In JSON the plan is part of the outcome.
func (j *job) show() {
	if !j.json {
		_, _ = fmt.Fprint(j.out, planText(j.mask.plan(j.last)))
	}
}

func (j *job) agreed(ctx context.Context) error {
	question, err := j.consent.question(j.last, j.size)
	if err != nil || question == "" {
		return err
	}
	if j.json && j.terminal {
		tell(j.err, planText(j.mask.plan(j.last)))
	}
	return j.ask(ctx, question, j.consent.way(j.last, j.size))
}

// stopped ends a job before its end. What was touched already makes a failure
// of what would be a refusal.
func (j *job) stopped(err error) error {
	var exit *exitError
	if errors.As(err, &exit) && len(j.reports) > 0 {
		err = &exitError{code: exitFailed, err: exit.err, hint: exit.hint}
	}
	if len(j.reports) > 0 {
		j.write(j.outcome(resultFailed))
	}
	return j.mask.error(err)
}

// end tells how it went and gives the exit code.
func (j *job) end(ctx context.Context) error {
	o := j.outcome("")
	switch {
	case o.Result == resultFailed && errors.Is(context.Cause(ctx), errInterrupted):
		o.Result = resultInterrupted
	case o.Result == resultDone && j.last.Partial && len(j.last.Steps) > 0:
		o.Result = resultFailed
		tell(j.err, fmt.Sprintf("%s is not settled after %s", j.cluster.Name, count(len(j.reports), "round")))
	}
	gone := lost(ctx)
	if gone != nil {
		o.Result = resultFailed
	}
	j.explain(o)
	if gone != nil {
		sayAll(j.err, []error{gone})
	}
	j.write(o)
	switch o.Result {
	case resultDone:
		return nil
	case resultInterrupted:
		return &exitError{code: exitInterrupted}
	case resultRefused:
		if len(j.reports) == 0 {
			return &exitError{code: exitRefused}
		}
	}
	return &exitError{code: exitFailed}
}

// outcome gives what has come of it so far, with the given result if there is one.
func (j *job) outcome(result string) outcome {
	o := outcomeOf(j.last, j.reports, j.progress.took())
	o.Loses = slices.Concat(j.lost, j.last.Loses)
	o = j.mask.outcome(o)
	if result != "" {
		o.Result = result
	}
	return o
}

func (j *job) write(o outcome) {
	if j.json {
		_ = writeJSON(j.out, o) // run looks at what became of the output
		return
	}
	_, _ = fmt.Fprint(j.out, outcomeText(o))
}

// explain says what went wrong and what can be done, after the lines that told
// of it when it happened may have scrolled away.
func (j *job) explain(o outcome) {
	var failures []error
	for _, report := range j.reports {
		for _, r := range report {
			if r.Status == apply.Failed {
				what := finding(plan.Finding{Node: r.Step.Node, Text: title(r.Step)})
				failures = append(failures, j.mask.error(fmt.Errorf("%s: %w", what, after(r.Step, r.Err))))
			}
		}
	}
	sayAll(j.err, failures)
	for _, line := range heldBack(o) {
		tell(j.err, line)
	}
	tellFindings(j.err, "refused", o.Refused)
	tellFindings(j.err, "blocked", o.Blocked)
	if len(o.Steps) > 0 && (o.Result == resultFailed || o.Result == resultBlocked) {
		tell(j.err, fmt.Sprintf("hint: what was done stays done; run swarmup %s again to go on", j.consent.command))
	}
}
