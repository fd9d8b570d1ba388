package cluster

import (
	"context"
	"crypto/rand"
	"errors"
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

// errNotInFile means that a step asks for a node that the file does not have.
var errNotInFile = errors.New("it is not in the file")

// preparation is the work that a provider does once before the first machine;
// all creations of a round wait for the one that does it.
type preparation struct {
	once sync.Once
	err  error
}

// create makes a machine, or finishes one that was begun.
func (c *Cluster) create(ctx context.Context, s plan.Step) (string, error) {
	n, ok := c.cfg.Spec.Node(s.Node)
	if !ok {
		return "", errNotInFile
	}
	key, err := c.ensureKey(true)
	if err != nil {
		return "", err
	}
	if err := c.prepare(ctx); err != nil {
		return "", err
	}
	req := c.request(n, s.Machine)
	req.AuthorizedKeys = []string{key.authorized}
	c.mu.Lock()
	c.named[req.Name] = true
	c.mu.Unlock()
	calls, cancel := wait.Grace(ctx, grace)
	defer cancel()
	m, err := c.cfg.Provider.Create(calls, req)
	if err != nil {
		return "", err
	}
	c.put(s.Node, m)
	return m.Address, nil
}

func (c *Cluster) request(n spec.Node, name string) provider.Request {
	if name == "" {
		name = fmt.Sprintf("%s-%s-%s", c.cfg.Spec.Name, n.Name, generation())
	}
	return provider.Request{
		Cluster: c.cfg.Spec.Name, Node: n.Name, Name: name,
		CPUs: n.Machine.CPUs, Memory: n.Machine.Memory, Image: n.Machine.Image,
		Progress: c.progress(n.Name),
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
	work := c.round.prepared
	c.mu.Unlock()
	work.once.Do(func() { work.err = p.Prepare(ctx, c.missing(), c.progress("")) })
	return work.err
}

// missing asks for the machines that are not there, or not finished.
func (c *Cluster) missing() (reqs []provider.Request) {
	there := map[string]bool{}
	for _, h := range c.all() {
		there[h.node] = there[h.node] || h.is().State != provider.Incomplete && !c.leaving(h)
	}
	for _, n := range c.cfg.Spec.Nodes {
		if !there[n.Name] {
			reqs = append(reqs, c.request(n, ""))
		}
	}
	return reqs
}

// start switches a machine on.
func (c *Cluster) start(ctx context.Context, h *host) (string, error) {
	st, ok := c.cfg.Provider.(provider.Starter)
	if !ok {
		return "", provider.ErrUnsupported
	}
	calls, cancel := wait.Grace(ctx, grace)
	defer cancel()
	m, err := st.Start(calls, h.is())
	if err != nil {
		return "", err
	}
	h.become(m, c.target(h.node, m))
	return m.Address, nil
}

// connect waits until a machine lets us in, and looks at it. One that cannot
// become a member for what it says goes no further.
func (c *Cluster) connect(ctx context.Context, h *host) error {
	if err := h.connect(ctx, c.cfg.ConnectTimeout); err != nil {
		return err
	}
	if err := h.look(ctx, startWait); err != nil {
		return err
	}
	h.answered()
	if h.locked() { // a manager that was switched on: others rely on it
		_, err := c.unlockStep(ctx, h)
		return err
	}
	return c.admit(ctx, h)
}

// delete destroys a machine of ours. Nothing is asked of it any more from the
// first moment.
func (c *Cluster) delete(ctx context.Context, h *host) error {
	h.setManager(false)
	h.retire()
	calls, cancel := wait.Grace(ctx, grace)
	defer cancel()
	if err := c.cfg.Provider.Delete(calls, h.is()); err != nil {
		return err
	}
	c.drop(h)
	return nil
}
