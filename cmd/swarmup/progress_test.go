package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

func TestProgressSaysWhenAndWhoAndWhat(t *testing.T) {
	var b bytes.Buffer
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := newProgress(env{err: &b, now: func() time.Time { return clock }}, strings.ToLower)
	after := func(d time.Duration) { clock = clock.Add(d) }

	create := plan.Step{Action: plan.Create, Node: "n1"}
	join := plan.Step{Action: plan.Join, Node: "n1", Role: spec.Worker}
	p.watch(apply.Result{Step: create})
	after(1250 * time.Millisecond)
	p.line("n1", "Pulling\nand unpacking\n")
	p.watch(apply.Result{Step: create, Status: apply.Done, Took: 1250 * time.Millisecond})
	p.watch(apply.Result{Step: join})
	after(2 * time.Minute)
	p.watch(apply.Result{Step: join, Status: apply.Failed, Took: 2 * time.Minute, Err: errors.New("no route")})
	p.watch(apply.Result{Step: plan.Step{Action: plan.Label, Node: "n1"}, Status: apply.Skipped})
	p.watch(apply.Result{Step: plan.Step{Action: plan.Drain, Node: "n2"}, Status: apply.Canceled})
	p.watch(apply.Result{Step: plan.Step{Action: plan.Install, Node: "n2", Maybe: true}})
	p.watch(apply.Result{Step: plan.Step{Action: plan.Verify}, Status: apply.Done, Note: "all is well"})

	want := `swarmup:    0.0s  n1: create machine ...
swarmup:    1.2s  n1: pulling
swarmup:    1.2s  n1: and unpacking
swarmup:    1.2s  n1: create machine: done in 1.2s
swarmup:  121.2s  n1: join as worker: failed after 120.0s: no route
swarmup:  121.2s  verify: done in 0.0s (all is well)
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
