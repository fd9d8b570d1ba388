package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/wait"
)

// How long an engine whose process is there may take to answer: one that is
// only looked at, and one that was just started. A member blocks its start for
// up to 20 s while its swarm does not answer (moby daemon/cluster/cluster.go,
// swarmConnectTimeout). Once it answers it may take a little longer to be a
// member again.
const (
	lookWait   = 26 * time.Second // more than the limit of one question to an engine
	startWait  = 60 * time.Second
	resumeWait = 10 * time.Second
)

// look asks the machine and its engine how they are.
func (h *host) look(ctx context.Context, patience time.Duration) error {
	facts, err := bootstrap.Probe(ctx, h)
	if err != nil {
		return err
	}
	return h.examine(ctx, facts, patience)
}

// examine asks the engine of a machine that was probed, and keeps both.
func (h *host) examine(ctx context.Context, facts bootstrap.Facts, patience time.Duration) error {
	var info engine.Info
	if facts.Engine == bootstrap.Running {
		var err error
		if info, err = ask(ctx, h, h, patience); err != nil {
			return hung(ctx, err)
		}
		if info, err = h.resumed(ctx, info); err != nil {
			return err
		}
		facts.EngineVersion = info.Version
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.facts, h.info = facts, info
	h.manager = info.Manager && info.State == engine.Active
	return nil
}

// hungError is of an engine whose process is there and that does not answer.
type hungError struct{ error }

func (e *hungError) Unwrap() error { return e.error }

// hung tells an engine that takes requests and does not answer from a way to it
// that broke.
func hung(ctx context.Context, err error) error {
	var late *wait.TimeoutError
	if ctx.Err() == nil && !broke(err) && errors.As(err, &late) && errors.Is(err, engine.ErrNoAnswer) {
		return &hungError{err}
	}
	return err
}

// resumed waits a while for an engine that is about to be a member, of a swarm
// that it makes, joins, or was in when it was started: until it is one it does
// not say which role it has. What it says in the end counts.
func (h *host) resumed(ctx context.Context, info engine.Info) (engine.Info, error) {
	if !underway(info) {
		return info, nil
	}
	err := wait.Until(ctx, "its engine to be a member again", resumeWait, 500*time.Millisecond, func(ctx context.Context) (bool, error) {
		i, err := h.Info(ctx)
		if err == nil {
			info = i
		}
		return err == nil && !underway(i), err
	})
	var late *wait.TimeoutError
	if errors.As(err, &late) {
		return info, nil
	}
	return info, err
}

// underway says whether a membership is about to begin: pending, or of a swarm of
// which the engine knows no manager yet, not even itself.
func underway(i engine.Info) bool {
	return i.State == engine.Pending || i.State == engine.Active && !i.Manager && len(i.Remotes) == 0
}

// informant says how an engine is: a host, or a member.
type informant interface {
	Info(ctx context.Context) (engine.Info, error)
}

// ask asks the engine of a host that may just be starting.
func ask(ctx context.Context, h *host, of informant, patience time.Duration) (info engine.Info, err error) {
	err = wait.Until(ctx, "its engine to answer", patience, 250*time.Millisecond, func(ctx context.Context) (bool, error) {
		info, err = of.Info(ctx)
		if err != nil && (!errors.Is(err, engine.ErrNoAnswer) || h.gone()) {
			return false, wait.Stop(err)
		}
		return err == nil, err
	})
	return info, err
}

// reuseWait is how long a connection that was made before may take to show that
// it still works. A dead one is noticed after 45 s only.
const reuseWait = 10 * time.Second

// visit logs in and looks. A connection from an earlier visit that works no
// more is made anew.
func (h *host) visit(ctx context.Context, patience time.Duration) error {
	if h.connected() {
		short, cancel := context.WithTimeoutCause(ctx, reuseWait, fmt.Errorf("no answer within %s", reuseWait))
		facts, err := bootstrap.Probe(short, h)
		cancel()
		if err == nil {
			return h.examine(ctx, facts, lookWait)
		}
		h.disconnect()
	}
	if err := h.connect(ctx, patience); err != nil {
		return err
	}
	return h.look(ctx, lookWait)
}
