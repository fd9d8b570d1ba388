package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/wait"
)

// backWait is for a manager whose engine was stopped for a while to be one again:
// its start takes 20 s where its swarm does not answer (moby
// daemon/cluster/cluster.go, swarmConnectTimeout), and others may choose a leader.
const backWait = 90 * time.Second

// Stream runs a command as root; what it prints goes to out.
func (h *host) Stream(ctx context.Context, cmd string, stdin io.Reader, out io.Writer) error {
	return h.with(ctx, func(l *link) error { return l.ssh.Stream(ctx, cmd, stdin, out) })
}

// SaveSwarm stops the engine of a manager, hands the tar of its swarm folder to
// read, and starts the engine again. When it returns the manager is one again,
// whatever went wrong before; a locked one was given its key.
func (c *Cluster) SaveSwarm(ctx context.Context, node string, read func(io.Reader) error) error {
	h := c.lookup("", node)
	if h == nil {
		return fmt.Errorf("save the swarm of %s: no such machine is known", node)
	}
	err := bootstrap.Save(ctx, h, read)
	// An interrupt does not leave a manager behind that is none.
	if again := c.again(context.WithoutCancel(ctx), h); err == nil {
		err = again
	}
	if err != nil {
		return fmt.Errorf("save the swarm of %s: %w", node, err)
	}
	return nil
}

// again waits until a host whose engine was started is a manager with a leader.
func (c *Cluster) again(ctx context.Context, h *host) error {
	if err := c.unlock(ctx, h); err != nil {
		return err
	}
	return wait.Until(ctx, h.node+" to be a manager again", backWait, 500*time.Millisecond, func(ctx context.Context) (bool, error) {
		i, err := h.Info(ctx)
		if err == nil && (!i.Manager || i.ClusterID == "") {
			err = fmt.Errorf("it is %s: %s", i.State, i.Error)
		}
		return err == nil, err
	})
}

// RestoreSwarm makes the host of a node the only manager of the swarm whose folder
// it is given as a tar, at the address that the file says, and returns the swarm's
// ID once it leads.
func (c *Cluster) RestoreSwarm(ctx context.Context, node string, content io.Reader) (swarmID string, err error) {
	h := c.lookup("", node)
	if h == nil {
		return "", errors.New("no such machine is known")
	}
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	advertise, _, err := addresses(h, n)
	if err != nil {
		return "", err
	}
	if err := bootstrap.Restore(ctx, h, content); err != nil {
		return "", err
	}
	if err := c.unlockAlone(ctx, h); err != nil {
		return "", err
	}
	err = wait.Until(ctx, node+" to take itself for a manager", backWait, 500*time.Millisecond, func(ctx context.Context) (bool, error) {
		i, err := h.Info(ctx)
		if err == nil && !i.Manager {
			err = fmt.Errorf("it is %s: %s", i.State, i.Error)
		}
		return err == nil, err
	})
	if err != nil {
		return "", err
	}
	if err := c.renew(ctx, h, advertise); err != nil {
		return "", err
	}
	return c.leads(ctx, h)
}
