package join

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/wait"
)

// clean takes back a failed attempt: the host is in no swarm then, and its
// entries are gone. Entries without a name are only waited for at the end,
// since it takes a while to tell them from those of joins under way. If the
// join went well after all the host stays a member.
func (j *joining) clean(ctx context.Context, end bool) (member bool, err error) {
	i, err := j.m.Info(ctx)
	if err != nil || i.State == engine.Active {
		return err == nil, err
	}
	if i.NodeID != "" {
		j.mine[i.NodeID] = true
	}
	if i.State != engine.Inactive {
		if err := j.withdraw(ctx, i); err != nil {
			return false, err
		}
	}
	if err := j.reap(ctx); err != nil || !end {
		return false, err
	}
	return false, j.reapNameless(ctx)
}

// withdraw leaves a swarm that was joined by half. What would be a manager is
// no member of the raft group then, so that force breaks nothing.
func (j *joining) withdraw(ctx context.Context, i engine.Info) error {
	nodes, err := list(ctx, j.c)
	if err != nil {
		return err
	}
	switch entry := find(nodes, i.NodeID); {
	case entry != nil && entry.Hostname != "" && j.before[entry.ID]:
		return fmt.Errorf("the node %s was a member before and does not reach its managers", entry.ID)
	case entry != nil && entry.Manager != nil:
		return errors.New("it is a manager to the others and none to itself")
	}
	return quit(ctx, j.m, i.Manager || j.r.Role == "manager")
}

// reap removes the entries that the host made and that have a name or are
// known by their ID. The host is in no swarm.
func (j *joining) reap(ctx context.Context) error {
	return wait.Until(ctx, "the entries of the failed join to go", ghostLimit, pollNodes, func(ctx context.Context) (bool, error) {
		nodes, err := j.c.Nodes(ctx)
		if err != nil {
			return false, err
		}
		left := 0
		for _, n := range nodes {
			named := n.Hostname == j.hostname && n.Hostname != "" && !j.before[n.ID]
			if n.Manager != nil || !named && !j.mine[n.ID] {
				continue
			}
			// A name may be another host's too, which may be joining.
			if !j.mine[n.ID] && n.State != "down" {
				left++
				continue
			}
			if err := j.c.RemoveNode(ctx, n.ID, j.mine[n.ID]); err != nil {
				return false, err
			}
		}
		if left > 0 {
			return false, fmt.Errorf("%d of them are not down", left)
		}
		return true, nil
	})
}

// reapNameless removes entries that came since the first attempt and stay
// without a name for longer than any join can be under way.
func (j *joining) reapNameless(ctx context.Context) error {
	start := time.Now()
	var watched []string
	return wait.Until(ctx, "entries without a name to get one", namelessAge+ghostLimit, pollNodes, func(ctx context.Context) (bool, error) {
		nodes, err := j.c.Nodes(ctx)
		if err != nil {
			return false, err
		}
		if watched == nil {
			for _, n := range nodes {
				if nameless(n) && !j.before[n.ID] {
					watched = append(watched, n.ID)
				}
			}
		}
		watched = slices.DeleteFunc(watched, func(id string) bool {
			n := find(nodes, id)
			return n == nil || !nameless(*n)
		})
		if len(watched) == 0 {
			return true, nil
		}
		if time.Since(start) < namelessAge {
			return false, fmt.Errorf("%d have none", len(watched))
		}
		for _, id := range watched {
			if err := j.c.RemoveNode(ctx, id, false); err != nil {
				return false, err
			}
		}
		return false, nil
	})
}

// nameless entries are of joins that never registered: swarmkit makes the entry
// when it signs the certificate (swarmkit ca/server.go, IssueNodeCertificate).
func nameless(n engine.Node) bool {
	return n.Hostname == "" && n.Manager == nil && n.State != "ready"
}

// Sweep removes what failed joins have left: entries that never got a name and
// are older than olderThan, and entries that are down and have the same name as
// one of claimed, the IDs that hosts say they have. It never touches claimed
// ones, members of the raft group, or nodes that merely are down. It returns
// the IDs of what it removed, in order, also beside an error.
//
// Age is by the clocks of this machine and of the leader: olderThan has to
// allow for their difference.
func Sweep(ctx context.Context, c Control, claimed map[string]bool, olderThan time.Duration) (removed []string, err error) {
	nodes, err := list(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	names := map[string]bool{}
	for _, n := range nodes {
		if claimed[n.ID] && n.Hostname != "" {
			names[n.Hostname] = true
		}
	}
	now := time.Now()
	for _, n := range nodes {
		old := nameless(n) && now.Sub(n.Created) > olderThan
		twin := n.State == "down" && names[n.Hostname]
		if claimed[n.ID] || n.Manager != nil || !old && !twin {
			continue
		}
		if err := patiently(ctx, "a leader to sweep", func(ctx context.Context) error { return c.RemoveNode(ctx, n.ID, false) }); err != nil {
			return removed, fmt.Errorf("sweep %s: %w", n.ID, err)
		}
		removed = append(removed, n.ID)
	}
	slices.Sort(removed)
	return removed, nil
}
