package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/swarmup/swarmup/pkg/provider"
)

var errGone = errors.New("there is no such machine")

// Start switches a stopped machine on.
func (p *Memory) Start(ctx context.Context, m provider.Machine) (provider.Machine, error) {
	return p.change(ctx, "start", m, func(e *entry) { e.machine.State = provider.Running })
}

// Stop switches a machine off.
func (p *Memory) Stop(ctx context.Context, m provider.Machine) error {
	_, err := p.change(ctx, "stop", m, func(e *entry) { e.machine.State = provider.Stopped })
	return err
}

// Authorize lets more keys into a machine.
func (p *Memory) Authorize(ctx context.Context, m provider.Machine, authorizedKeys []string) error {
	_, err := p.change(ctx, "authorize a key on", m, func(e *entry) {
		for _, k := range authorizedKeys {
			if !slices.Contains(e.authorized, k) {
				e.authorized = append(e.authorized, k)
			}
		}
	})
	return err
}

// Authorized returns who may log in to the machine of that name.
func (p *Memory) Authorized(name string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byName[name]; e != nil {
		return slices.Clone(e.authorized)
	}
	return nil
}

func (p *Memory) change(ctx context.Context, verb string, m provider.Machine, do func(*entry)) (provider.Machine, error) {
	e, release, err := p.take(ctx, m.Name)
	if err != nil {
		return provider.Machine{}, err
	}
	defer release()
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.machine.Name == "" || e.machine.ID != m.ID {
		return provider.Machine{}, fmt.Errorf("%s machine %s: %w", verb, m.Name, errGone)
	}
	do(e)
	return e.machine, nil
}

// Prepare has nothing to do.
func (p *Memory) Prepare(ctx context.Context, _ []provider.Request, _ func(string)) error {
	return context.Cause(ctx)
}

// Leftovers names the cluster's network, which comes with its first machine and
// goes with Clean.
func (p *Memory) Leftovers(ctx context.Context, cluster string) ([]string, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept[cluster] {
		return []string{"network " + cluster}, nil
	}
	return nil, nil
}

// Clean removes the cluster's network. It refuses while the cluster has machines.
func (p *Memory) Clean(ctx context.Context, cluster string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.byName {
		if e.machine.Name != "" && e.machine.Cluster == cluster {
			return fmt.Errorf("clean up after %s: it still has machines", cluster)
		}
	}
	delete(p.kept, cluster)
	return nil
}
