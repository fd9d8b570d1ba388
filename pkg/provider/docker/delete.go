package docker

import (
	"context"
	"fmt"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/wait"
)

// removal is how long the engine may take to remove a container.
const removal = time.Minute

// Delete destroys a machine and its volumes, also those that others left when
// they removed the container alone.
func (p *Provider) Delete(ctx context.Context, m provider.Machine) error {
	if err := p.destroy(ctx, m); err != nil {
		return fmt.Errorf("delete machine %s: %w", m.Name, err)
	}
	return nil
}

func (p *Provider) destroy(ctx context.Context, m provider.Machine) error {
	c, err := p.own(ctx, m)
	switch {
	case cerrdefs.IsNotFound(err):
		if _, err := p.api.ContainerInspect(ctx, m.Name); !cerrdefs.IsNotFound(err) {
			return p.explain(err) // another machine has taken the name, and so the volumes
		}
	case err != nil:
		return err
	default:
		if err := p.remove(ctx, c.ID); err != nil {
			return err
		}
	}
	return p.removeVolumes(ctx, m.Cluster, m.Name)
}

// remove destroys a container and returns when it is gone, even if another has
// begun to remove it.
func (p *Provider) remove(ctx context.Context, id string) error {
	gone := func(ctx context.Context) (bool, error) {
		err := p.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
		switch {
		case err == nil || cerrdefs.IsNotFound(err):
			return true, nil
		case cerrdefs.IsConflict(err) || strings.Contains(err.Error(), "already in progress"):
			return false, err
		}
		return false, stopUnless(ctx, p.explain(err))
	}
	return p.mutate(ctx, func(ctx context.Context) error {
		return wait.Until(ctx, "its container to be gone", removal, 100*time.Millisecond, gone)
	})
}
