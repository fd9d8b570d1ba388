// Package rotate makes the secrets of a swarm anew: join tokens, the unlock key
// and the root CA. Each is one call or two and a wait; nothing of it is a step of
// a plan, since no file asks for it. The package never shows a secret and never
// stores one itself.
package rotate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

// Swarm is what is needed of a cluster. Its methods ask whichever manager answers.
type Swarm interface {
	// Rotate makes secrets anew, or begins to.
	Rotate(ctx context.Context, what engine.Rotation) error
	// Trust gives the swarm's own record, and all of its nodes.
	Trust(ctx context.Context) (engine.Swarm, []engine.Node, error)
	// StoreKey keeps the unlock key of now where the file says. It is done in full
	// once it has begun. The note says what became of what was there; "" for nothing.
	StoreKey(ctx context.Context) (note string, err error)
}

// Tokens makes the join tokens of roles anew, in one update. Those before open
// nothing from then on; nodes that are members do not notice.
func Tokens(ctx context.Context, s Swarm, roles ...spec.Role) error {
	return s.Rotate(ctx, engine.Rotation{
		WorkerToken: slices.Contains(roles, spec.Worker), ManagerToken: slices.Contains(roles, spec.Manager),
	})
}

// keyGrace is for a new key to be stored after an interrupt, longer than a program
// of the user's may take.
const keyGrace = 2 * time.Minute

// UnlockKey makes the unlock key anew and stores it at once, also if ctx ends in
// between. That the key can be stored is tried before, with the one of now.
func UnlockKey(ctx context.Context, s Swarm) (note string, err error) {
	if note, err = s.StoreKey(ctx); err != nil {
		return "", fmt.Errorf("store the key of now: %w", err)
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	ctx, done := wait.Grace(ctx, keyGrace)
	defer done()
	if err := s.Rotate(ctx, engine.Rotation{UnlockKey: true}); err != nil {
		return "", err
	}
	if _, err := s.StoreKey(ctx); err != nil {
		return "", fmt.Errorf("store the new key: %w", err)
	}
	return note, nil
}

// DownError means that a rotation of the root CA would never end: it waits for the
// certificates of all nodes.
type DownError struct {
	Nodes []string // their host names, sorted
	// Begun says that one is in progress that waits for them.
	Begun bool
}

// Error names the nodes.
func (e *DownError) Error() string {
	if e.Begun {
		return "a rotation is in progress, and waits for nodes that are down: " + strings.Join(e.Nodes, ", ")
	}
	return "a rotation would wait for nodes that are down: " + strings.Join(e.Nodes, ", ")
}

// interval is how often a rotation is looked at: certificates are handed out in
// turns of 3 s (swarmkit ca/reconciler.go).
const interval = time.Second

// CA makes the root CA anew and waits until all nodes have certificates of it, for
// limit at most. One that is in progress already is only waited for. tell gets a
// line whenever something has changed. Nodes that are down are a *DownError, before
// anything is begun.
func CA(ctx context.Context, s Swarm, limit time.Duration, tell func(string)) error {
	now, nodes, err := s.Trust(ctx)
	if err != nil {
		return err
	}
	if down := names(nodes, func(n engine.Node) bool { return n.State == "down" }); len(down) > 0 {
		return &DownError{Nodes: down, Begun: now.Rotating}
	}
	if now.Rotating {
		tell("a rotation is in progress already: its end is waited for")
	} else if err := s.Rotate(ctx, engine.Rotation{CA: true}); err != nil {
		return err
	}
	said := ""
	return wait.Until(ctx, "all nodes to trust the new root CA", limit, interval, func(ctx context.Context) (bool, error) {
		now, nodes, err := s.Trust(ctx)
		if err != nil {
			return false, err
		}
		left := names(nodes, func(n engine.Node) bool { return n.Issuer != now.Issuer })
		if line := fmt.Sprintf("%d of %d nodes have certificates of the new root CA", len(nodes)-len(left), len(nodes)); line != said {
			said = line
			tell(line)
		}
		if now.Rotating {
			return false, missing(left)
		}
		return true, nil
	})
}

// missing says what a rotation waits for.
func missing(left []string) error {
	if len(left) == 0 {
		return errors.New("the managers have yet to end it")
	}
	return errors.New("no new certificate yet: " + strings.Join(left, ", "))
}

// names gives those of some nodes, sorted.
func names(nodes []engine.Node, which func(engine.Node) bool) (out []string) {
	for _, n := range nodes {
		switch {
		case !which(n):
		case n.Hostname == "":
			out = append(out, n.ID)
		default:
			out = append(out, n.Hostname)
		}
	}
	slices.Sort(out)
	return out
}
