// Package recovery makes a swarm work again that has lost its quorum for good: one
// of its managers goes on alone, and the others are no part of it any more. It
// decides whether that may be done and says what it costs. It never does it where a
// leader is, or where enough managers work to choose one, and never without being
// told which manager goes on.
package recovery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Swarm is what a recovery needs of a cluster.
type Swarm interface {
	// ForceNew makes a manager without a leader the only manager of its swarm, and
	// returns the swarm's ID once it leads.
	ForceNew(ctx context.Context, node string) (clusterID string, err error)
}

// RefusedError is why nothing is done.
type RefusedError struct {
	Text string
	// Hint is what the user can do instead.
	Hint string
}

// Error is why.
func (e *RefusedError) Error() string { return e.Text }

// Case is a recovery that may be done.
type Case struct {
	Cluster string
	Manager string // the node that goes on
	Quorum  plan.Quorum
}

// Look judges the world as it was observed: may the manager go on alone? A
// *RefusedError says why not.
func Look(want *spec.Cluster, have plan.State, manager string) (Case, error) {
	q, lost := plan.Lost(have)
	c := Case{Cluster: want.Name, Manager: manager, Quorum: q}
	switch {
	case have.Swarm != nil:
		return c, &RefusedError{"the swarm " + have.Swarm.ID + " has a leader: there is nothing to recover", "swarmup apply removes managers that are gone, and adds others"}
	case !lost:
		return c, &RefusedError{"no manager of a swarm without a leader answered" + silent(want, have), "bring one of its managers back, or restore a backup"}
	case q.Enough():
		return c, &RefusedError{q.Text(), q.Hint()}
	case manager == "":
		return c, &RefusedError{"which manager shall go on alone? There are " + strings.Join(q.Here, ", "), "--manager " + q.Here[0]}
	case !slices.Contains(q.Here, manager):
		return c, &RefusedError{fmt.Sprintf("%q is no manager that answered and waits for a leader (those are %s)", manager, strings.Join(q.Here, ", ")), "--manager " + q.Here[0]}
	}
	return c, nil
}

// silent names the file's managers that could not be asked.
func silent(want *spec.Cluster, have plan.State) string {
	var out []string
	for _, h := range have.Hosts {
		if n, ok := want.Node(h.Node); ok && n.Role == spec.Manager && h.Answer != plan.Answered {
			out = append(out, h.Node+": "+h.Why)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}

// Text says what is so, what is done, and what is lost by it, a line each.
func (c Case) Text() string {
	others := append(slices.DeleteFunc(slices.Clone(c.Quorum.Here), func(n string) bool { return n == c.Manager }), missing(c.Quorum)...)
	lines := []string{
		c.Quorum.Text(),
		"to be done: docker swarm init --force-new-cluster on " + c.Manager + ", which then is the only manager",
		"it stays: the swarm's ID, its services, secrets, configs and networks, as " + c.Manager + " knows them; its tokens; workers go on",
		"it starts anew: the tasks that run on " + c.Manager,
		"it is lost: what the other managers agreed on and " + c.Manager + " has not heard of",
		"no part of it any more: " + strings.Join(others, ", ") + "; swarmup apply lets those that come back leave and join again",
		"if those run and only cannot be reached from here, they are a swarm of their own then: switch them off first",
	}
	return strings.Join(lines, "\n") + "\n"
}

func missing(q plan.Quorum) (out []string) {
	for _, s := range q.Missing {
		if s.Node != "" {
			out = append(out, s.Node)
			continue
		}
		out = append(out, s.Addr)
	}
	return out
}

// Run does it, and returns the swarm's ID.
func (c Case) Run(ctx context.Context, s Swarm) (clusterID string, err error) {
	id, err := s.ForceNew(ctx, c.Manager)
	if err != nil {
		return "", fmt.Errorf("recover %s: %w", c.Cluster, err)
	}
	return id, nil
}
