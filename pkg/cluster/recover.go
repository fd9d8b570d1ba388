package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/wait"
)

// leadWait is for a manager that was made the only one to lead: it chooses itself
// after an election's time (10 ticks of 1 s and as much again by chance; swarmkit
// manager/state/raft/raft.go, DefaultNodeConfig).
const leadWait = 60 * time.Second

// unledWait is for a manager that was demoted to notice it.
const unledWait = 30 * time.Second

// unled fails if a host is a manager that has a leader: of a second swarm then,
// where the one that is meant does not count it. Its state is not thrown away.
func (h *host) unled(ctx context.Context) error {
	return wait.Until(ctx, "it to have no leader of its own", unledWait, time.Second, func(ctx context.Context) (bool, error) {
		i, err := ask(ctx, h, h, lookWait)
		if err == nil && i.Manager && i.ClusterID != "" {
			err = errors.New("it is a manager of a swarm that has a leader")
		}
		return err == nil, err
	})
}

// ForceNew makes a manager that has lost its leader the only manager of its swarm
// (moby daemon/cluster/swarm.go, Init with ForceNewCluster), at the address that it
// had, and returns the swarm's ID once it leads. What the swarm is to run stays;
// what its other managers had agreed on without it is lost, and they are no part of
// it any more. A manager that has a leader is left alone.
func (c *Cluster) ForceNew(ctx context.Context, node string) (clusterID string, err error) {
	h := c.lookup("", node)
	if h == nil {
		return "", fmt.Errorf("make %s the only manager: no such machine is known", node)
	}
	if err := c.forceNew(ctx, h); err != nil {
		return "", fmt.Errorf("make %s the only manager: %w", node, err)
	}
	return c.leads(ctx, h)
}

// leads waits until a host leads its swarm, and gives the swarm's ID.
func (c *Cluster) leads(ctx context.Context, h *host) (clusterID string, err error) {
	err = wait.Until(ctx, h.node+" to lead", leadWait, 500*time.Millisecond, func(ctx context.Context) (bool, error) {
		i, err := h.Info(ctx)
		if clusterID = i.ClusterID; err == nil && clusterID == "" {
			err = errors.New(i.Error)
		}
		return err == nil, err
	})
	if err != nil {
		return "", err
	}
	h.setManager(true)
	return clusterID, nil
}

func (c *Cluster) forceNew(ctx context.Context, h *host) error {
	i, err := ask(ctx, h, h, lookWait)
	switch {
	case err != nil:
		return err
	case !i.Manager:
		return engine.ErrNotManager
	case i.ClusterID != "":
		return errors.New("it has a leader")
	}
	return c.renew(ctx, h, i.NodeAddr)
}

// renew has a manager start anew as the only one of its swarm.
func (c *Cluster) renew(ctx context.Context, h *host, advertise string) error {
	r := engine.InitRequest{ForceNew: true, Advertise: advertise, DataPathPort: c.cfg.Spec.Swarm.DataPathPort}
	_, err := h.Init(ctx, r)
	if errors.Is(err, engine.ErrLocked) { // it starts anew, and so it needs its key
		if err := c.unlock(ctx, h); err != nil {
			return err
		}
		_, err = h.Init(ctx, r)
	}
	return err
}

// unlockAlone gives a locked engine its key, and does not wait for it to be a
// member: it may be one of several managers, of which it is the only one now.
func (c *Cluster) unlockAlone(ctx context.Context, h *host) error {
	i, err := ask(ctx, h, h, startWait)
	if err != nil || i.State != engine.Locked {
		return err
	}
	return c.open(ctx, h)
}
