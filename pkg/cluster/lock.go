package cluster

import (
	"context"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
)

// LockPlace is where the record of the lock on a cluster stands: a config object
// of its swarm, or, as long as there is none, a file on its first manager. Its
// methods may be called concurrently, also while the world is observed.
type LockPlace struct {
	c    *Cluster
	name string // of the config object
	node string // whose machine holds the file; "" for the swarm
}

// LockPlace gives where the lock is to stand, as far as the world was observed;
// nil where there is nobody yet whom others would ask too. The name is that of the
// config object. A swarm that was there once stays the place.
func (c *Cluster) LockPlace(name string) *LockPlace {
	c.mu.Lock()
	c.formed = c.formed || c.round.swarmID != ""
	formed := c.formed
	c.mu.Unlock()
	if formed {
		return &LockPlace{c: c, name: name}
	}
	for _, n := range c.cfg.Spec.Nodes[:min(1, len(c.cfg.Spec.Nodes))] {
		if h := c.lookup("", n.Name); h != nil && h.connected() {
			return &LockPlace{c: c, name: name, node: n.Name}
		}
	}
	return nil
}

// Where names the place.
func (p *LockPlace) Where() string {
	if p.node == "" {
		return "the swarm"
	}
	return "/run/swarmup/lock on " + p.node
}

// lockNote is the content of the config object, which cannot be changed later.
const lockNote = "swarmup holds this while it changes the swarm. See: swarmup lock status\n"

// Read gives the record, and what time it is where it stands.
func (p *LockPlace) Read(ctx context.Context) (record engine.Config, now time.Time, err error) {
	if p.node != "" {
		return p.file(func(h *host) (bootstrap.LockFile, error) { return bootstrap.ReadLock(ctx, h) })
	}
	err = control{p.c}.ask(ctx, "read the lock", func(ctx context.Context, e *swarm.Engine) (err error) {
		if record, err = e.Config(ctx, p.name); err == nil {
			now, err = e.Time(ctx)
		}
		return err
	})
	return record, now, err
}

// Create makes the record, unless there is one. Of one in a swarm the version is
// not known then.
func (p *LockPlace) Create(ctx context.Context, labels map[string]string) (engine.Config, error) {
	if p.node != "" {
		return p.createFile(ctx, labels)
	}
	record := engine.Config{Name: p.name, Labels: labels}
	err := control{p.c}.ask(ctx, "take the lock", func(ctx context.Context, e *swarm.Engine) (err error) {
		record.ID, err = e.CreateConfig(ctx, p.name, []byte(lockNote), labels)
		return err
	})
	return record, err
}

// Update gives the record other labels, unless somebody else has written it since
// it was read.
func (p *LockPlace) Update(ctx context.Context, record engine.Config, labels map[string]string) error {
	if p.node != "" {
		return p.updateFile(ctx, record, labels)
	}
	return control{p.c}.ask(ctx, "renew the lock", func(ctx context.Context, e *swarm.Engine) error {
		return e.UpdateConfig(ctx, record, labels)
	})
}

// Remove removes the record.
func (p *LockPlace) Remove(ctx context.Context, record engine.Config) error {
	if p.node != "" {
		return p.on(func(h *host) error { return bootstrap.RemoveLock(ctx, h, record.ID) })
	}
	return control{p.c}.ask(ctx, "give back the lock", func(ctx context.Context, e *swarm.Engine) error {
		return e.RemoveConfig(ctx, record.ID)
	})
}
