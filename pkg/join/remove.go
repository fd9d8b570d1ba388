package join

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

// Drain sets a node's availability to drain and waits until no task lives on
// it. timeout 0 means 10 min; a *wait.TimeoutError names the services that
// hold. progress, which may be nil, is told who holds whenever that changes.
// A node that is down has nothing to wait for: nobody can stop its tasks.
//
// A swarm stops tasks without waiting for those that replace them. Where
// Control is a Counter too, Drain therefore waits up to 30 s more for the
// replacements; services that cannot move then are told to progress and are no
// error.
func Drain(ctx context.Context, c Control, nodeID string, timeout time.Duration, progress func(string)) error {
	if timeout <= 0 {
		timeout = drainLimit
	}
	if progress == nil {
		progress = func(string) {}
	}
	err := update(ctx, c, nodeID, func(s *engine.NodeSpec) { s.Availability = string(spec.Drain) })
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	moved := map[string]bool{}
	if err := emptied(ctx, c, nodeID, Withdrawal{Timeout: timeout, Progress: progress}, moved); err != nil {
		return err
	}
	return replaced(ctx, c, moved, progress)
}

// holding says which tasks live on a node, such as "2 tasks of web, 1 of db
// still run"; "" for none. It adds the IDs of their services to moved.
func holding(ctx context.Context, c Control, nodeID string, moved map[string]bool) (string, error) {
	tasks, err := c.Tasks(ctx, nodeID)
	if err != nil {
		return "", err
	}
	count := map[string]int{}
	for _, t := range tasks {
		if !t.Live() {
			continue
		}
		moved[t.Service] = true
		name := t.Name
		if name == "" {
			name = t.Service
		}
		count[name]++
	}
	if len(count) == 0 {
		return "", nil
	}
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return "", err
	}
	if n := find(nodes, nodeID); n == nil || n.State == "down" {
		return "", nil
	}
	return sentence(count), nil
}

func sentence(count map[string]int) string {
	total := 0
	var names []string
	for name, n := range count {
		total += n
		names = append(names, name)
	}
	slices.Sort(names)
	if total == 1 {
		return "1 task of " + names[0] + " still runs"
	}
	return fmt.Sprintf("%d tasks of %s still run", total, strings.Join(names, ", "))
}

// Counter is a Control that knows the counts of services.
type Counter interface {
	Services(ctx context.Context) ([]engine.Service, error)
}

// replaced waits for services to have all their tasks again.
func replaced(ctx context.Context, c Control, moved map[string]bool, progress func(string)) error {
	counter, ok := c.(Counter)
	if !ok || len(moved) == 0 {
		return nil
	}
	lacking := ""
	err := wait.Until(ctx, "tasks to run elsewhere", replaceLimit, pollTasks, func(ctx context.Context) (bool, error) {
		services, err := counter.Services(ctx)
		if err != nil {
			return false, err
		}
		lacking = shortage(services, moved)
		if lacking != "" {
			return false, errors.New(lacking)
		}
		return true, nil
	})
	if late := (*wait.TimeoutError)(nil); errors.As(err, &late) && lacking != "" {
		progress(lacking + " elsewhere")
		return nil
	}
	return err
}

// shortage says which of the services have too few tasks; "" for none.
func shortage(services []engine.Service, of map[string]bool) string {
	var short []string
	for _, s := range services {
		if of[s.ID] && s.Running < s.Desired {
			short = append(short, fmt.Sprintf("%s has %d of %d tasks", s.Name, s.Running, s.Desired))
		}
	}
	return strings.Join(short, ", ")
}

// Leave makes an engine leave its swarm and waits until it says that it is in
// none. Being in none is success. Without force a manager refuses: demote it
// before.
func Leave(ctx context.Context, m Member, force bool) error {
	i, err := m.Info(ctx)
	if err != nil {
		return err
	}
	if i.State == engine.Inactive {
		return nil
	}
	return quit(ctx, m, force)
}

// quit leaves. What the call says is only half the truth: its answer may be
// lost on the way.
func quit(ctx context.Context, m Member, force bool) error {
	err := m.Leave(ctx, force)
	if err != nil && (!errors.Is(err, engine.ErrNoAnswer) || ctx.Err() != nil) {
		return err
	}
	return wait.Until(ctx, "the engine to be in no swarm", leaveLimit, pollJoin, func(ctx context.Context) (bool, error) {
		i, err := m.Info(ctx)
		if err != nil {
			return false, err
		}
		if i.State != engine.Inactive {
			return false, fmt.Errorf("it is %s", describe(i))
		}
		return true, nil
	})
}

// Forget removes a node's entry. A member of the raft group is demoted before,
// under the same guard as in Demote. An unknown ID is success. The host must
// have left, or be gone for good: a removed engine is not told, and goes on
// running its tasks.
func Forget(ctx context.Context, c Control, nodeID string) error {
	nodes, err := list(ctx, c)
	if err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	n := find(nodes, nodeID)
	if n == nil {
		return nil
	}
	if n.Manager != nil {
		if err := Demote(ctx, c, nil, nodeID, nil); err != nil && !errors.Is(err, engine.ErrNotFound) {
			return fmt.Errorf("forget: %w", err)
		}
	}
	err = patiently(ctx, "a leader to remove the entry", func(ctx context.Context) error { return c.RemoveNode(ctx, nodeID, true) })
	if err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	return wait.Until(ctx, "the entry to be gone", forgetLimit, pollNodes, func(ctx context.Context) (bool, error) {
		nodes, err := c.Nodes(ctx)
		return err == nil && find(nodes, nodeID) == nil, err
	})
}
