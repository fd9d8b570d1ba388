package cluster

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

// grace is what a call in flight gets when the run is interrupted.
const grace = 30 * time.Second

// preparation is the work that a provider does once before the first machine;
// all creations of a run wait for the one that does it.
type preparation struct {
	once sync.Once
	err  error
}

// create makes a machine, or finishes one that was begun.
func (c *Cluster) create(ctx context.Context, s plan.Step) (string, error) {
	n, ok := c.cfg.Spec.Node(s.Node)
	if !ok {
		return "", fmt.Errorf("create %s: it is not in the file", s.Node)
	}
	key, err := c.ensureKey()
	if err != nil {
		return "", err
	}
	if err := c.prepare(ctx); err != nil {
		return "", err
	}
	req := c.request(n, s.Machine)
	req.AuthorizedKeys = []string{key}
	calls, cancel := wait.Grace(ctx, grace)
	defer cancel()
	m, err := c.cfg.Provider.Create(calls, req)
	if err != nil {
		return "", err
	}
	c.add(&host{node: s.Node, machine: m, target: target(m, n.SSH), answer: plan.Silent})
	return m.Address, nil
}

func (c *Cluster) request(n spec.Node, name string) provider.Request {
	if name == "" {
		name = fmt.Sprintf("%s-%s-%s", c.cfg.Spec.Name, n.Name, generation())
	}
	return provider.Request{
		Cluster: c.cfg.Spec.Name, Node: n.Name, Name: name,
		CPUs: n.Machine.CPUs, Memory: n.Machine.Memory, Image: n.Machine.Image,
		Progress: c.note(n.Name),
	}
}

// generation tells a machine from those that had the node's name before.
func generation() string { return strings.ToLower(rand.Text()[:4]) }

// prepare lets the provider do what it does once, for all machines that the
// file asks for and that are not there.
func (c *Cluster) prepare(ctx context.Context) error {
	p, ok := c.cfg.Provider.(provider.Preparer)
	if !ok {
		return nil
	}
	c.mu.Lock()
	if c.prepared == nil {
		c.prepared = &preparation{}
	}
	work := c.prepared
	there := map[string]bool{}
	for _, h := range c.hosts {
		there[h.node] = h.machine.State != provider.Incomplete
	}
	c.mu.Unlock()
	work.once.Do(func() {
		var reqs []provider.Request
		for _, n := range c.cfg.Spec.Nodes {
			if !there[n.Name] {
				reqs = append(reqs, c.request(n, ""))
			}
		}
		work.err = p.Prepare(ctx, reqs, c.note(""))
	})
	return work.err
}

// start switches a machine on.
func (c *Cluster) start(ctx context.Context, h *host) (string, error) {
	st, ok := c.cfg.Provider.(provider.Starter)
	if !ok {
		return "", fmt.Errorf("start %s: %w", h.machine.Name, provider.ErrUnsupported)
	}
	calls, cancel := wait.Grace(ctx, grace)
	defer cancel()
	m, err := st.Start(calls, h.machine)
	if err != nil {
		return "", err
	}
	n, _ := c.cfg.Spec.Node(h.node)
	h.machine, h.target = m, target(m, n.SSH)
	if a, ok := c.cfg.Provider.(provider.Authorizer); ok && c.cfg.Local {
		key, err := c.ensureKey()
		if err != nil {
			return "", err
		}
		return m.Address, a.Authorize(ctx, m, []string{key})
	}
	return m.Address, nil
}

// connect waits until a machine lets us in.
func (c *Cluster) connect(ctx context.Context, h *host) error {
	o := c.sshOptions()
	o.Patience = c.cfg.ConnectTimeout
	if err := h.connect(ctx, o); err != nil {
		return err
	}
	return h.look(ctx, startWait)
}

// delete destroys a machine of ours, and forgets its connection.
func (c *Cluster) delete(ctx context.Context, h *host) error {
	h.disconnect()
	h.setManager(false)
	calls, cancel := wait.Grace(ctx, grace)
	defer cancel()
	return c.cfg.Provider.Delete(calls, h.machine)
}
