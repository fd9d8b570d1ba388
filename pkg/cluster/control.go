package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/wait"
)

// leaderPatience is for how long a swarm may be without a leader before a call
// gives up. A killed leader costs 11 to 13 s (measured on Engine 29.7), and all
// calls made here may be repeated.
const leaderPatience = 45 * time.Second

// controllers gives the hosts that can be asked as managers: the one that gave
// the last answer first, since one that hangs costs 25 s each time; the others
// by name.
func (c *Cluster) controllers() []*host {
	out := slices.DeleteFunc(c.all(), func(h *host) bool { return !h.manages() })
	slices.SortStableFunc(out, func(a, b *host) int {
		return cmp.Or(strings.Compare(a.node, b.node), strings.Compare(a.is().Name, b.is().Name))
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(out, c.via); i > 0 {
		out = slices.Concat(out[i:i+1], out[:i], out[i+1:])
	}
	return out
}

// prefer remembers the manager that gave an answer; nil for none.
func (c *Cluster) prefer(h *host) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.via = h
}

// errNoManager means that there is no connection to any manager.
var errNoManager = errors.New("no manager of the swarm can be reached")

// control is the swarm's control plane as a whole: each call goes to one
// manager, and to the next one where that is none any more.
type control struct{ c *Cluster }

// ask calls f with the engines of managers, one after the other, until one has
// an answer. Being without a leader passes, so it is waited for. A caller whose
// own time is over first gets the last reason, not that it is over.
func (k control) ask(ctx context.Context, what string, f func(context.Context, *swarm.Engine) error) error {
	var last error
	err := wait.Until(ctx, "a manager to "+what, leaderPatience, time.Second, func(ctx context.Context) (bool, error) {
		hosts := k.c.controllers()
		for _, h := range hosts {
			err := h.tell(ctx, func(e *swarm.Engine) error { return f(ctx, e) })
			if err == nil {
				k.c.prefer(h)
				return true, nil
			}
			if !elsewhere(err) {
				return false, wait.Stop(err)
			}
			if ctx.Err() == nil || last == nil {
				last = fmt.Errorf("%s: %w", h.node, err)
			}
		}
		if len(hosts) == 0 {
			return false, wait.Stop(errNoManager)
		}
		return false, last
	})
	if err != nil && last != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return last
	}
	return err
}

// elsewhere says whether another manager, or a later moment, may do better. A
// manager that passes a call on to a leader that just died gives the words of the
// connection that failed (swarmkit protobuf/plugin/raftproxy).
func elsewhere(err error) bool {
	var said *swarm.Error
	if errors.As(err, &said) && said.Code == http.StatusServiceUnavailable && !errors.Is(err, engine.ErrLocked) {
		return true
	}
	return errors.Is(err, engine.ErrNotManager) || errors.Is(err, engine.ErrNoLeader) ||
		errors.Is(err, engine.ErrNoAnswer) || errors.Is(err, engine.ErrNotMember)
}

// Nodes lists the swarm's nodes. All who join wait for their entries at the same
// time, so they share their looks.
func (k control) Nodes(ctx context.Context) ([]engine.Node, error) {
	nodes, err := k.c.nodes.get(ctx, func(ctx context.Context) (out []engine.Node, err error) {
		err = k.ask(ctx, "list the nodes", func(ctx context.Context, e *swarm.Engine) (err error) {
			out, err = e.Nodes(ctx)
			return err
		})
		return out, err
	})
	return slices.Clone(nodes), err
}

// Swarm shows the swarm's own record. All who join ask for their tokens at the
// same time, so they share their looks.
func (k control) Swarm(ctx context.Context) (engine.Swarm, error) {
	return k.c.swarm.get(ctx, func(ctx context.Context) (out engine.Swarm, err error) {
		err = k.ask(ctx, "show the swarm", func(ctx context.Context, e *swarm.Engine) (err error) {
			out, err = e.Swarm(ctx)
			return err
		})
		return out, err
	})
}

// Tasks lists the tasks of a node.
func (k control) Tasks(ctx context.Context, nodeID string) (out []engine.Task, err error) {
	err = k.ask(ctx, "list the tasks", func(ctx context.Context, e *swarm.Engine) (err error) {
		out, err = e.Tasks(ctx, nodeID)
		return err
	})
	return out, err
}

// Services lists the swarm's services.
func (k control) Services(ctx context.Context) (out []engine.Service, err error) {
	err = k.ask(ctx, "list the services", func(ctx context.Context, e *swarm.Engine) (err error) {
		out, err = e.Services(ctx)
		return err
	})
	return out, err
}

// Unplaced lists the tasks that shall run and have no node.
func (k control) Unplaced(ctx context.Context) (out []engine.Task, err error) {
	err = k.ask(ctx, "list the tasks", func(ctx context.Context, e *swarm.Engine) (err error) {
		out, err = e.Unplaced(ctx)
		return err
	})
	return out, err
}

// UpdateNode changes a node's entry. Changes of one entry come one after the
// other: one that meets a change of the role is refused in words that do not say
// so (swarmkit manager/controlapi/node.go checks roles before versions).
func (k control) UpdateNode(ctx context.Context, id string, change func(*engine.NodeSpec)) error {
	return k.inTurn(ctx, id, func(ctx context.Context, e *swarm.Engine) error { return e.UpdateNode(ctx, id, change) })
}

// TouchNode writes a node's entry as it is.
func (k control) TouchNode(ctx context.Context, id string) error {
	return k.inTurn(ctx, id, func(ctx context.Context, e *swarm.Engine) error { return e.TouchNode(ctx, id) })
}

func (k control) inTurn(ctx context.Context, id string, f func(context.Context, *swarm.Engine) error) error {
	turn := k.c.turn(id)
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return k.ask(ctx, "update a node", f)
}

// turn holds one token: who has it may change that entry.
func (c *Cluster) turn(id string) chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turns[id] == nil {
		c.turns[id] = make(chan struct{}, 1)
	}
	return c.turns[id]
}

// RemoveNode removes a node's entry.
func (k control) RemoveNode(ctx context.Context, id string, force bool) error {
	return k.ask(ctx, "remove a node", func(ctx context.Context, e *swarm.Engine) error { return e.RemoveNode(ctx, id, force) })
}

// UpdateSwarm changes the swarm's settings.
func (k control) UpdateSwarm(ctx context.Context, change func(*engine.SwarmSpec)) error {
	return k.ask(ctx, "update the swarm", func(ctx context.Context, e *swarm.Engine) error { return e.UpdateSwarm(ctx, change) })
}

// Ingress shows the network of published ports.
func (k control) Ingress(ctx context.Context) (out engine.Ingress, err error) {
	err = k.ask(ctx, "show the ingress network", func(ctx context.Context, e *swarm.Engine) (err error) {
		out, err = e.Ingress(ctx)
		return err
	})
	return out, err
}

// RemoveIngress removes that network.
func (k control) RemoveIngress(ctx context.Context, id string) error {
	return k.ask(ctx, "remove the ingress network", func(ctx context.Context, e *swarm.Engine) error { return e.RemoveIngress(ctx, id) })
}

// CreateIngress makes it.
func (k control) CreateIngress(ctx context.Context, want engine.IngressRequest) error {
	return k.ask(ctx, "create the ingress network", func(ctx context.Context, e *swarm.Engine) error { return e.CreateIngress(ctx, want) })
}

// leader gives the address at which nodes join: the leader's, since another
// manager would only pass the request on.
func (k control) leader(ctx context.Context) (string, error) {
	nodes, err := k.Nodes(ctx)
	if err != nil {
		return "", err
	}
	addr := ""
	for _, n := range nodes {
		if n.Manager == nil || n.Manager.Addr == "" {
			continue
		}
		if n.Manager.Leader {
			return n.Manager.Addr, nil
		}
		if addr == "" && n.Manager.Reachability == "reachable" {
			addr = n.Manager.Addr
		}
	}
	if addr == "" {
		return "", engine.ErrNoLeader
	}
	return addr, nil
}
