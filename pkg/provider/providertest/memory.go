package providertest

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/swarmup/swarmup/pkg/provider"
)

// Memory is a provider whose machines are entries of a table. It can do all
// that a provider may be able to do and keeps the whole contract. Its zero value
// is ready; the hooks must be set before its first use.
type Memory struct {
	// OnList can make List fail.
	OnList func(ctx context.Context, cluster string) error
	// OnCreate is called before a machine is made: an error leaves nothing.
	OnCreate func(ctx context.Context, req provider.Request) error
	// OnBoot is called when the machine is listed as Incomplete and before it
	// runs: it may take its time, say where the machine is, or leave it
	// Incomplete by an error.
	OnBoot func(ctx context.Context, req provider.Request) (Place, error)
	// OnDelete is called before a machine is deleted: an error leaves it.
	OnDelete func(ctx context.Context, m provider.Machine) error

	mu      sync.Mutex
	byName  map[string]*entry
	kept    map[string]bool // clusters that have a network
	lastIP  netip.Addr
	created int
}

// Place is where a machine is. Zero values mean what Memory invents: an address
// in 198.18.0.0/15 (RFC 2544, for tests), its port 22, root, and no host key.
type Place struct {
	Address string
	SSH     provider.Endpoint
	HostKey string
}

type entry struct {
	machine    provider.Machine
	authorized []string
	// turn holds one token: who has it may change the machine.
	turn chan struct{}
}

// List returns the machines of a cluster.
func (p *Memory) List(ctx context.Context, cluster string) ([]provider.Machine, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if p.OnList != nil {
		if err := p.OnList(ctx, cluster); err != nil {
			return nil, err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []provider.Machine
	for _, e := range p.byName {
		if e.machine.Cluster == cluster && e.machine.Name != "" {
			out = append(out, e.machine)
		}
	}
	slices.SortFunc(out, func(a, b provider.Machine) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Create makes a machine, or finishes one.
func (p *Memory) Create(ctx context.Context, req provider.Request) (provider.Machine, error) {
	e, release, err := p.take(ctx, req.Name)
	if err != nil {
		return provider.Machine{}, err
	}
	defer release()
	switch have := p.read(e); {
	case have.Name != "" && have.Cluster != req.Cluster:
		return provider.Machine{}, fmt.Errorf("create machine %s: it is of cluster %s", req.Name, have.Cluster)
	case have.Name != "" && have.State != provider.Incomplete:
		return have, nil
	}
	if p.OnCreate != nil {
		if err := p.OnCreate(ctx, req); err != nil {
			return provider.Machine{}, fmt.Errorf("create machine %s: %w", req.Name, err)
		}
	}
	p.reserve(e, req)
	var place Place
	if p.OnBoot != nil {
		if place, err = p.OnBoot(ctx, req); err != nil {
			return provider.Machine{}, fmt.Errorf("create machine %s: %w", req.Name, err)
		}
	}
	return p.boot(e, place), nil
}

// reserve writes the machine down as Incomplete.
func (p *Memory) reserve(e *entry, req provider.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string]bool{}
	}
	p.kept[req.Cluster] = true
	e.authorized = slices.Clone(req.AuthorizedKeys)
	if e.machine.Name != "" {
		return
	}
	p.created++
	e.machine = provider.Machine{
		ID: fmt.Sprintf("mem-%d", p.created), Name: req.Name, Cluster: req.Cluster, Node: req.Node,
		State: provider.Incomplete, Owned: true, Settings: p.Describe(req),
	}
}

// Describe gives the settings of a machine that a request would make.
func (p *Memory) Describe(req provider.Request) map[string]string { return provider.Describe(req) }

// boot switches the machine on for the first time.
func (p *Memory) boot(e *entry, at Place) provider.Machine {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.Address == "" {
		if !p.lastIP.IsValid() {
			p.lastIP = netip.AddrFrom4([4]byte{198, 18, 0, 0})
		}
		p.lastIP = p.lastIP.Next()
		at.Address = p.lastIP.String()
	}
	if at.SSH == (provider.Endpoint{}) {
		at.SSH = provider.Endpoint{Host: at.Address, Port: 22, User: "root"}
	}
	e.machine.Address, e.machine.SSH, e.machine.HostKey = at.Address, at.SSH, at.HostKey
	e.machine.State = provider.Running
	return e.machine
}

// Delete destroys a machine.
func (p *Memory) Delete(ctx context.Context, m provider.Machine) error {
	if !m.Owned {
		return fmt.Errorf("delete machine %s: %w", m.Name, provider.ErrUnsupported)
	}
	e, release, err := p.take(ctx, m.Name)
	if err != nil {
		return err
	}
	defer release()
	if have := p.read(e); have.Name == "" || have.ID != m.ID {
		return nil
	}
	if p.OnDelete != nil {
		if err := p.OnDelete(ctx, m); err != nil {
			return fmt.Errorf("delete machine %s: %w", m.Name, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e.machine, e.authorized = provider.Machine{}, nil
	return nil
}

// take waits for the turn to change the machine of that name.
func (p *Memory) take(ctx context.Context, name string) (*entry, func(), error) {
	p.mu.Lock()
	if p.byName == nil {
		p.byName = map[string]*entry{}
	}
	e := p.byName[name]
	if e == nil {
		e = &entry{turn: make(chan struct{}, 1)}
		p.byName[name] = e
	}
	p.mu.Unlock()
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	select {
	case e.turn <- struct{}{}:
		return e, func() { <-e.turn }, nil
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
}

func (p *Memory) read(e *entry) provider.Machine {
	p.mu.Lock()
	defer p.mu.Unlock()
	return e.machine
}
