package join

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/wait"
)

// Load is what a swarm runs.
type Load interface {
	Services(ctx context.Context) ([]engine.Service, error)
	// Unplaced gives the tasks that shall run and have no node.
	Unplaced(ctx context.Context) ([]engine.Task, error)
}

// Withdrawal says how a node is taken out of scheduling for a while.
type Withdrawal struct {
	// Change drains the node's entry, and notes in it what it was before.
	Change func(*engine.NodeSpec)
	// Timeout bounds each wait for tasks; 0 means 10 min.
	Timeout time.Duration
	// Progress is told what is waited for, and which services do not move; nil is
	// allowed.
	Progress func(string)
}

// Withdraw drains a node for a while, and returns when its tasks have ended and the
// services that had tasks there are whole again elsewhere: as many of their tasks
// run as shall, or as ran before. Since a swarm stops tasks without waiting for
// those that replace them, it first gives services that are not whole, such as
// after the node before, up to a minute to become so.
//
// A service that cannot move, for it has tasks that no other node suits, is told to
// Progress and not waited for. A wait that runs out of Timeout is a
// *wait.TimeoutError that names the services; the node is drained then.
func Withdraw(ctx context.Context, c Control, l Load, nodeID string, w Withdrawal) error {
	if w.Timeout <= 0 {
		w.Timeout = drainLimit
	}
	if w.Progress == nil {
		w.Progress = func(string) {}
	}
	here := map[string]bool{}
	if _, err := holding(ctx, c, nodeID, here); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	m := &move{l: l, of: here, progress: w.Progress}
	late := (*wait.TimeoutError)(nil)
	if err := m.whole(ctx, "services to be whole", wholeLimit); err != nil && !errors.As(err, &late) {
		return fmt.Errorf("drain: %w", err)
	}
	if err := m.measure(ctx); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	if err := update(ctx, c, nodeID, w.Change); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	if err := emptied(ctx, c, nodeID, w, here); err != nil {
		return err
	}
	return m.whole(ctx, "tasks to run elsewhere", w.Timeout)
}

// emptied waits until no task lives on a node, and adds their services to moved.
func emptied(ctx context.Context, c Control, nodeID string, w Withdrawal, moved map[string]bool) error {
	last := ""
	return wait.Until(ctx, "the node's tasks to stop", w.Timeout, pollTasks, func(ctx context.Context) (bool, error) {
		holds, err := holding(ctx, c, nodeID, moved)
		if err != nil || holds == "" {
			return err == nil, err
		}
		if holds != last {
			last = holds
			w.Progress(holds)
		}
		return false, errors.New(holds)
	})
}

// move is the way of services to other nodes.
type move struct {
	l        Load
	of       map[string]bool   // by ID
	most     map[string]uint64 // how many of their tasks ran before; nil before that was asked
	progress func(string)
}

// measure notes how many tasks of the services run.
func (m *move) measure(ctx context.Context) error {
	services, err := m.l.Services(ctx)
	if err != nil {
		return err
	}
	m.most = map[string]uint64{}
	for _, s := range services {
		m.most[s.ID] = s.Running
	}
	return nil
}

// whole waits until as many tasks run as shall, or as did, but for those of services
// that no node suits: these stay so for a few looks, since a scheduler takes a
// moment for every task.
func (m *move) whole(ctx context.Context, what string, limit time.Duration) error {
	if len(m.of) == 0 {
		return nil
	}
	stuckFor := 0
	return wait.Until(ctx, what, limit, pollTasks, func(ctx context.Context) (bool, error) {
		services, err := m.l.Services(ctx)
		if err != nil {
			return false, err
		}
		lacking := m.lacking(services)
		if len(lacking) == 0 {
			return true, nil
		}
		tasks, err := m.l.Unplaced(ctx)
		if err != nil {
			return false, err
		}
		text := shortage(lacking, m.of)
		if !homeless(lacking, tasks) {
			stuckFor = 0
			return false, errors.New(text)
		}
		if stuckFor++; stuckFor < stuckLooks {
			return false, errors.New(text)
		}
		m.progress("no other node suits: " + text + " elsewhere")
		return true, nil
	})
}

// lacking gives the services that have too few tasks.
func (m *move) lacking(services []engine.Service) []engine.Service {
	return slices.DeleteFunc(slices.Clone(services), func(s engine.Service) bool {
		enough := s.Desired
		if m.most != nil {
			enough = min(enough, m.most[s.ID])
		}
		return !m.of[s.ID] || s.Running >= enough
	})
}

// homeless says whether all services lack tasks that the scheduler has tried and
// found no node for (swarmkit manager/scheduler, noSuitableNode).
func homeless(services []engine.Service, tasks []engine.Task) bool {
	for _, s := range services {
		if !slices.ContainsFunc(tasks, func(t engine.Task) bool { return t.Service == s.ID && strings.Contains(t.Error, "no suitable node") }) {
			return false
		}
	}
	return true
}

// Reachable says whether the control plane can do without a manager for a moment:
// there is a leader, all others in the raft group are reached that must be, and of
// three and more enough are left for a quorum. must are the NodeIDs of managers that
// have to be reached; others are given up as lost. nodes must have been read just
// now. For a node that is no manager it only says whether there is a leader.
func Reachable(nodes []engine.Node, id string, must []string) error {
	all, others, leader, away := 0, 0, false, []string(nil)
	manages := false
	for _, n := range nodes {
		if n.Manager == nil {
			continue
		}
		all++
		leader = leader || n.Manager.Leader
		switch {
		case n.ID == id:
			manages = true
		case n.Manager.Reachability == "reachable":
			others++
		case slices.Contains(must, n.ID):
			away = append(away, n.Hostname)
		}
	}
	switch {
	case !leader:
		return engine.ErrNoLeader
	case !manages:
		return nil
	case len(away) > 0:
		return fmt.Errorf("the other managers do not reach %s: %w", strings.Join(away, ", "), engine.ErrQuorum)
	case all >= 3 && others < all/2+1:
		return fmt.Errorf("%d of the %d other managers can be reached, %d are needed: %w", others, all-1, all/2+1, engine.ErrQuorum)
	}
	return nil
}
