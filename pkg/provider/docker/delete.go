package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/wait"
)

// removal is how long the engine may take to remove a container.
const removal = time.Minute

// Delete destroys a machine and its volumes, also those that an interrupted
// Delete has left.
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
	case err != nil:
		return err
	default:
		if err := p.remove(ctx, c.ID); err != nil {
			return err
		}
	}
	return p.removeVolumes(ctx, m.Cluster, m.Name)
}

// Clean removes the volumes and the network of a cluster without machines.
func (p *Provider) Clean(ctx context.Context, cluster string) error {
	if err := p.clean(ctx, cluster); err != nil {
		return fmt.Errorf("clean up after %s: %w", cluster, err)
	}
	return nil
}

func (p *Provider) clean(ctx context.Context, cluster string) error {
	left, err := p.containers(ctx, cluster)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("%d of its machines still exist", len(left))
	}
	if err := p.removeVolumes(ctx, cluster, ""); err != nil {
		return err
	}
	return p.removeNetworks(ctx, cluster)
}

// remove destroys a container and returns when it is gone, even if another has
// begun to remove it.
func (p *Provider) remove(ctx context.Context, id string) error {
	gone := func(ctx context.Context) (bool, error) {
		err := p.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
		switch {
		case cerrdefs.IsNotFound(err):
			return true, nil
		case err == nil || cerrdefs.IsConflict(err) || strings.Contains(err.Error(), "already in progress"):
			return false, err
		}
		return false, wait.Stop(p.explain(err))
	}
	return p.mutate(ctx, func(ctx context.Context) error {
		return wait.Until(ctx, "its container to be gone", removal, 100*time.Millisecond, gone)
	})
}

// removeVolumes removes the volumes of one machine, or of all with name "".
func (p *Provider) removeVolumes(ctx context.Context, cluster, name string) error {
	if cluster == "" {
		return errors.New("a machine without a cluster has no volumes of ours")
	}
	filter := ofCluster(cluster)
	if name != "" {
		filter.Add("label", labelName+"="+name)
	}
	found, err := p.api.VolumeList(ctx, volume.ListOptions{Filters: filter})
	if err != nil {
		return p.explain(err)
	}
	for _, v := range found.Volumes {
		err := p.mutate(ctx, func(ctx context.Context) error { return p.api.VolumeRemove(ctx, v.Name, false) })
		if err != nil && !cerrdefs.IsNotFound(err) {
			return fmt.Errorf("remove volume %s: %w", v.Name, err)
		}
	}
	return nil
}
