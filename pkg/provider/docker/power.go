package docker

import (
	"context"
	"fmt"

	"github.com/docker/docker/api/types/container"

	"github.com/swarmup/swarmup/pkg/provider"
)

// Start switches a machine on.
func (p *Provider) Start(ctx context.Context, m provider.Machine) (provider.Machine, error) {
	on, err := p.switchOn(ctx, m)
	if err != nil {
		return provider.Machine{}, fmt.Errorf("start machine %s: %w", m.Name, err)
	}
	return on, nil
}

func (p *Provider) switchOn(ctx context.Context, m provider.Machine) (provider.Machine, error) {
	c, err := p.own(ctx, m)
	if err != nil {
		return provider.Machine{}, err
	}
	switch {
	case c.State.Paused:
		err = p.mutate(ctx, func(ctx context.Context) error { return p.api.ContainerUnpause(ctx, c.ID) })
	default:
		err = p.start(ctx, c.ID)
	}
	if err != nil {
		return provider.Machine{}, err
	}
	return p.inspect(ctx, c.ID)
}

// Stop switches a machine off; its disks stay. One that is off is no error.
func (p *Provider) Stop(ctx context.Context, m provider.Machine) error {
	c, err := p.own(ctx, m)
	if err == nil {
		err = p.mutate(ctx, func(ctx context.Context) error {
			return p.api.ContainerStop(ctx, c.ID, container.StopOptions{})
		})
	}
	if err != nil {
		return fmt.Errorf("stop machine %s: %w", m.Name, err)
	}
	return nil
}

func (p *Provider) start(ctx context.Context, id string) error {
	return p.mutate(ctx, func(ctx context.Context) error {
		return p.api.ContainerStart(ctx, id, container.StartOptions{})
	})
}

func (p *Provider) inspect(ctx context.Context, id string) (provider.Machine, error) {
	c, err := p.api.ContainerInspect(ctx, id)
	if err != nil {
		return provider.Machine{}, p.explain(err)
	}
	return p.machine(fromInspect(c)), nil
}

// own looks a machine up and refuses what swarmup did not make for its cluster.
func (p *Provider) own(ctx context.Context, m provider.Machine) (container.InspectResponse, error) {
	if !m.Owned {
		return container.InspectResponse{}, fmt.Errorf("not made by swarmup: %w", provider.ErrUnsupported)
	}
	c, err := p.api.ContainerInspect(ctx, handle(m))
	if err != nil {
		return c, p.explain(err)
	}
	if !ours(c.Config.Labels, m.Cluster) || c.Config.Labels[labelName] != m.Name {
		return c, fmt.Errorf("container %s is not swarmup's: %w", handle(m), provider.ErrUnsupported)
	}
	return c, nil
}

func handle(m provider.Machine) string {
	if m.ID != "" {
		return m.ID
	}
	return m.Name
}
