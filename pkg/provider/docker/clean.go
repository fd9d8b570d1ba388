package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

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

// Leftovers names the networks and volumes of a cluster. Volumes of a machine
// that exists are part of it and not named.
func (p *Provider) Leftovers(ctx context.Context, cluster string) ([]string, error) {
	left, err := p.leftovers(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("list leftovers of %s: %w", cluster, err)
	}
	return left, nil
}

func (p *Provider) leftovers(ctx context.Context, cluster string) ([]string, error) {
	machines, err := p.containers(ctx, cluster)
	if err != nil {
		return nil, err
	}
	exists := map[string]bool{}
	for _, m := range machines {
		exists[m.Labels[labelName]] = true
	}
	networks, err := p.api.NetworkList(ctx, network.ListOptions{Filters: ofCluster(cluster)})
	if err != nil {
		return nil, p.explain(err)
	}
	volumes, err := p.volumes(ctx, ofCluster(cluster))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, n := range networks {
		out = append(out, "network "+n.Name)
	}
	for _, v := range volumes {
		if !exists[v.Labels[labelName]] {
			out = append(out, "volume "+v.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}

func (p *Provider) volumes(ctx context.Context, filter filters.Args) ([]*volume.Volume, error) {
	found, err := p.api.VolumeList(ctx, volume.ListOptions{Filters: filter})
	return found.Volumes, p.explain(err)
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
	found, err := p.volumes(ctx, filter)
	if err != nil {
		return err
	}
	for _, v := range found {
		err := p.mutate(ctx, func(ctx context.Context) error { return p.api.VolumeRemove(ctx, v.Name, false) })
		if err != nil && !cerrdefs.IsNotFound(err) {
			return fmt.Errorf("remove volume %s: %w", v.Name, err)
		}
	}
	return nil
}
