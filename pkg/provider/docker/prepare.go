package docker

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"

	"github.com/swarmup/swarmup/pkg/provider"
)

// Prepare makes sure that the host can carry the machines, then makes the images
// and the networks that they need.
func (p *Provider) Prepare(ctx context.Context, reqs []provider.Request, progress func(string)) error {
	if err := p.prepare(ctx, reqs, progress); err != nil {
		return fmt.Errorf("prepare the docker provider: %w", err)
	}
	return nil
}

func (p *Provider) prepare(ctx context.Context, reqs []provider.Request, progress func(string)) error {
	if err := p.checkHost(ctx, reqs); err != nil {
		return err
	}
	done := map[string]bool{}
	for _, req := range reqs {
		if name := p.imageOf(req); !done[name] {
			done[name] = true
			if _, err := p.ensureImage(ctx, name, progress); err != nil {
				return err
			}
		}
	}
	return p.prepareNetworks(ctx, reqs)
}

// checkHost compares the machines with the limits of the host, where it is this
// one: nobody else's can be read.
func (p *Provider) checkHost(ctx context.Context, reqs []provider.Request) error {
	d, err := p.demand(ctx, reqs)
	if err != nil || !p.isLocalEngine() {
		return err
	}
	info, err := p.api.Info(ctx)
	if err != nil {
		return p.explain(err)
	}
	return readHost(info.DockerRootDir).shortages(d)
}

// demand counts the machines of all clusters, for they share the host.
func (p *Provider) demand(ctx context.Context, reqs []provider.Request) (demand, error) {
	running, err := p.api.ContainerList(ctx, container.ListOptions{
		Filters: filters.NewArgs(filters.Arg("label", labelCluster)),
	})
	if err != nil {
		return demand{}, p.explain(err)
	}
	d := demand{clusters: map[string]int{}}
	on := map[string]bool{}
	for _, c := range running {
		on[c.Labels[labelName]] = true
		d.clusters[c.Labels[labelCluster]]++
	}
	for _, req := range reqs {
		if on[req.Name] {
			continue
		}
		d.clusters[req.Cluster]++
		d.more++
		if r, known, _ := findRecipe(p.imageOf(req)); known && !d.image {
			has, err := p.hasImage(ctx, r.tag())
			if err != nil {
				return demand{}, err
			}
			d.image = !has
		}
	}
	return d, nil
}

func (p *Provider) prepareNetworks(ctx context.Context, reqs []provider.Request) error {
	count := map[string]int{}
	for _, req := range reqs {
		count[req.Cluster]++
	}
	for _, req := range reqs {
		n := count[req.Cluster]
		if n == 0 {
			continue
		}
		count[req.Cluster] = 0
		net, err := p.networkAlone(ctx, req.Cluster)
		if err != nil {
			return err
		}
		if room := net.room(); n > room {
			return fmt.Errorf("subnet %s has room for %d machines", net.subnet, room)
		}
	}
	return nil
}

func (p *Provider) networkAlone(ctx context.Context, cluster string) (clusterNet, error) {
	release, err := p.clusters.hold(ctx, cluster)
	if err != nil {
		return clusterNet{}, err
	}
	defer release()
	return p.ensureNetwork(ctx, cluster)
}
