package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	// startLimit bounds a start or restart. Containers get their time to stop, and
	// a member whose swarm does not answer takes 20 s more to start (moby
	// daemon/cluster/cluster.go, swarmConnectTimeout).
	startLimit = 3 * time.Minute
	// answerLimit bounds the wait for a started engine to answer.
	answerLimit    = time.Minute
	answerInterval = time.Second
)

// RefusedError means that dockerd does not start with, or does not take, what it
// was given.
type RefusedError struct {
	Doing  string // "start engine", "restart engine", "reload engine" or "check daemon.json"
	Reason string // dockerd's own words
	// Restored means that daemon.json is as it was before.
	Restored bool
}

// Error is "start engine: dockerd: REASON".
func (e *RefusedError) Error() string {
	s := e.Doing + ": dockerd: " + e.Reason
	if e.Restored {
		s += "; daemon.json is as it was"
	}
	return s
}

// EnsureRunning starts the engine if it does not run, has it started at every
// boot, and waits until it answers. An engine that will not start is a
// *RefusedError.
func EnsureRunning(ctx context.Context, h Host) error {
	if err := control(ctx, h, "start"); err != nil {
		return err
	}
	return answers(ctx, h, "start")
}

// control has the machine's service manager start, restart or reload the
// engine. For start and restart a failure is a *RefusedError where dockerd says
// why.
func control(ctx context.Context, h Host, verb string) error {
	a, err := run(ctx, h, call{script: "engine", args: []string{verb}, limit: startLimit, changes: true})
	if err == nil {
		return nil
	}
	if failed := new(scriptError); errors.As(err, &failed) {
		if lines, logErr := readLog(ctx, h, a.text("mark")); logErr == nil {
			if why := startReason(lines); why != "" {
				return &RefusedError{Doing: verb + " engine", Reason: why}
			}
		}
	}
	return fmt.Errorf("%s engine: %w", verb, err)
}

// answers waits until the engine answers after it was started or restarted.
func answers(ctx context.Context, h Host, verb string) error {
	err := wait.Until(ctx, "the engine to answer", answerLimit, answerInterval, func(ctx context.Context) (bool, error) {
		_, err := run(ctx, h, call{script: "answers", limit: 30 * time.Second})
		if failed := new(scriptError); err != nil && ctx.Err() == nil && !errors.As(err, &failed) {
			return false, wait.Stop(err) // the machine, not the engine
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("%s engine: %w", verb, err)
	}
	return nil
}
