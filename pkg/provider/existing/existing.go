// Package existing is the provider of machines that are there already: those a
// file names by address. It never creates, deletes or contacts one.
package existing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/provider"
)

// Provider has the machines it was given. It never changes after New and is
// safe for concurrent use.
type Provider struct {
	cluster  string
	machines []provider.Machine
}

// New makes a provider of a cluster's machines. Each needs a Node; SSH.Host is
// where it is reached, HostKey may be "". What follows from that is filled in:
// the cluster, the name (CLUSTER-NODE), the ID (the name), State Running, for
// nothing else is known, Owned false, and the Address, where SSH.Host is all
// there is.
func New(cluster string, machines []provider.Machine) *Provider {
	own := slices.Clone(machines)
	for i := range own {
		own[i] = complete(cluster, own[i])
	}
	slices.SortFunc(own, func(a, b provider.Machine) int { return strings.Compare(a.Name, b.Name) })
	return &Provider{cluster: cluster, machines: own}
}

func complete(cluster string, m provider.Machine) provider.Machine {
	m.Cluster, m.State, m.Owned = cluster, provider.Running, false
	if m.Name == "" {
		m.Name = cluster + "-" + m.Node
	}
	if m.ID == "" {
		m.ID = m.Name
	}
	if m.Address == "" {
		m.Address = m.SSH.Host
	}
	return m
}

// List returns the machines of the cluster it was made for, none of any other.
func (p *Provider) List(ctx context.Context, cluster string) ([]provider.Machine, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if cluster != p.cluster {
		return nil, nil
	}
	return slices.Clone(p.machines), nil
}

// Create returns ErrUnsupported.
func (p *Provider) Create(_ context.Context, req provider.Request) (provider.Machine, error) {
	return provider.Machine{}, fmt.Errorf("create machine %s: %w", req.Name, provider.ErrUnsupported)
}

// Delete returns ErrUnsupported.
func (p *Provider) Delete(_ context.Context, m provider.Machine) error {
	return fmt.Errorf("delete machine %s: %w", m.Name, provider.ErrUnsupported)
}
