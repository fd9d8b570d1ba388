// Package docker is the provider whose machines are containers on a Docker
// Engine: systemd, sshd and an engine of their own in each. It reaches the
// engine through its API only. It never logs in to a machine, keeps no state
// outside the engine, and touches nothing there that does not carry its labels.
package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/swarmup/swarmup/pkg/provider"
)

// Settings are the choices about all machines of a cluster. The zero value is
// usable.
type Settings struct {
	// Image is the image of requests that name none: one that swarmup builds
	// (see Images) or any other; "" means DefaultImage.
	Image string
	// Subnet is the CIDR of the cluster's network; "" means one that is free.
	Subnet string
	// Host is where the engine is, such as "unix:///var/run/docker.sock"; ""
	// means DOCKER_HOST with its companions, else the engine's usual socket.
	Host string
	// Reach is how swarmup gets to the machines' sshd.
	Reach Reach
}

// Provider has machines on one engine. It is safe for concurrent use.
type Provider struct {
	api      *client.Client
	settings Settings

	// What one process must not do twice at once: choose addresses in a cluster's
	// network, make the same machine, make the same image. Between processes the
	// engine arbitrates.
	clusters, names, images locks

	// unfinished is how long a machine that exists and was never started may
	// still be in the making by another process; after that it is made anew.
	unfinished time.Duration
	// step is the shortest pause before another attempt at what was taken.
	step time.Duration
}

// New connects to nothing yet: an engine that does not answer is the first
// call's error.
func New(s Settings) (*Provider, error) {
	if err := s.Reach.check(); err != nil {
		return nil, err
	}
	if err := checkSubnet(s.Subnet); err != nil {
		return nil, err
	}
	api, err := connect(s.Host)
	if err != nil {
		return nil, err
	}
	return &Provider{api: api, settings: s, unfinished: 3 * time.Second, step: 100 * time.Millisecond}, nil
}

// Close ends the idle connections to the engine.
func (p *Provider) Close() error { return p.api.Close() }

// List returns the machines of a cluster, sorted by name.
func (p *Provider) List(ctx context.Context, cluster string) ([]provider.Machine, error) {
	found, err := p.containers(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("list machines of %s: %w", cluster, err)
	}
	machines := make([]provider.Machine, 0, len(found))
	for _, c := range found {
		machines = append(machines, p.machine(fromSummary(c)))
	}
	slices.SortFunc(machines, func(a, b provider.Machine) int { return strings.Compare(a.Name, b.Name) })
	return machines, nil
}

// containers returns all containers of a cluster in the engine's order.
func (p *Provider) containers(ctx context.Context, cluster string) ([]container.Summary, error) {
	found, err := p.api.ContainerList(ctx, container.ListOptions{All: true, Filters: ofCluster(cluster)})
	return found, p.explain(err)
}
