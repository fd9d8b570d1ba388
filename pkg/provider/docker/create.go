package docker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/wait"
)

// errTaken means that another was faster to take a name or an address.
var errTaken = errors.New("taken meanwhile")

// Create makes a machine and switches it on. One that was left unfinished was
// never started, so that nothing is lost by making it anew.
func (p *Provider) Create(ctx context.Context, req provider.Request) (provider.Machine, error) {
	m, err := p.create(ctx, req)
	if err != nil {
		return provider.Machine{}, fmt.Errorf("create machine %s: %w", req.Name, err)
	}
	return m, nil
}

func (p *Provider) create(ctx context.Context, req provider.Request) (provider.Machine, error) {
	if err := checkRequest(req); err != nil {
		return provider.Machine{}, err
	}
	release, err := p.names.hold(ctx, req.Name)
	if err != nil {
		return provider.Machine{}, err
	}
	defer release()
	var last error
	for attempt := range maxTries {
		p.pause(ctx, attempt)
		m, err := p.existing(ctx, req)
		if err != nil || m.ID != "" {
			return m, err
		}
		image, err := p.ensureImage(ctx, p.imageOf(req), req.Progress)
		if err != nil {
			return provider.Machine{}, err
		}
		m, err = p.assemble(ctx, req, image, attempt)
		if !errors.Is(err, errTaken) {
			return m, err
		}
		last = err
	}
	return provider.Machine{}, last
}

// pause comes before each attempt but the first and lets whoever was faster get
// on: the engine reserves a container's name before it shows the container.
func (p *Provider) pause(ctx context.Context, attempt int) {
	if attempt == 0 {
		return
	}
	longest := min(p.step<<attempt, 20*p.step)
	timer := time.NewTimer(longest/2 + rand.N(longest/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Describe gives the settings of a machine that a request would make.
func (p *Provider) Describe(req provider.Request) map[string]string {
	if req.Image == "" {
		req.Image = p.settings.Image
	}
	return provider.Describe(req)
}

func checkRequest(req provider.Request) error {
	if req.Cluster == "" || req.Node == "" || req.Name == "" {
		return errors.New("cluster, node and name are needed")
	}
	if req.CPUs < 0 || req.Memory < 0 {
		return errors.New("cpus and memory must not be negative")
	}
	if len(req.AuthorizedKeys) == 0 {
		return errors.New("no authorized key: nobody could log in")
	}
	return nil
}

// existing returns the machine if it is there and complete. What is left of an
// interrupted Create it removes. The zero Machine means that there is none.
func (p *Provider) existing(ctx context.Context, req provider.Request) (provider.Machine, error) {
	var found provider.Machine
	look := func(ctx context.Context) (bool, error) {
		c, err := p.api.ContainerInspect(ctx, req.Name)
		if cerrdefs.IsNotFound(err) {
			found = provider.Machine{}
			return true, nil
		}
		if err != nil {
			return false, stopUnless(ctx, p.explain(err))
		}
		if !ours(c.Config.Labels, req.Cluster) || c.Config.Labels[labelName] != req.Name {
			return false, wait.Stop(fmt.Errorf("container %s exists and is not swarmup's", req.Name))
		}
		found = p.machine(fromInspect(c))
		return found.State != provider.Incomplete, nil
	}
	err := wait.Until(ctx, "machine "+req.Name, p.unfinished, 100*time.Millisecond, look)
	var late *wait.TimeoutError
	if !errors.As(err, &late) || found.ID == "" {
		return found, err
	}
	err = p.remove(ctx, found.ID)
	return provider.Machine{}, err
}

// assemble makes the container, puts the keys in and starts it.
func (p *Provider) assemble(ctx context.Context, req provider.Request, image string, attempt int) (provider.Machine, error) {
	keys, err := newKeys(req.AuthorizedKeys)
	if err != nil {
		return provider.Machine{}, err
	}
	id, err := p.reserve(ctx, req, image, keys.fingerprint, attempt)
	if err != nil {
		return provider.Machine{}, err
	}
	err = p.mutate(ctx, func(ctx context.Context) error {
		return p.api.CopyToContainer(ctx, id, "/", keys.archive(), container.CopyToContainerOptions{})
	})
	if err == nil {
		err = p.start(ctx, id)
	}
	if err != nil {
		return provider.Machine{}, p.undo(ctx, id, err)
	}
	return p.inspect(ctx, id)
}

// undo removes a container whose address another has taken, or that another has
// removed, and asks for a new attempt. After any other error it stays: what
// keeps this one from starting would keep the next.
func (p *Provider) undo(ctx context.Context, id string, cause error) error {
	if !addressInUse(cause) && !cerrdefs.IsNotFound(cause) {
		return cause
	}
	if err := p.remove(ctx, id); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w", errTaken, cause)
}

// addressInUse knows the allocator's word for a fixed address that an endpoint
// has already (moby libnetwork/ipamapi, ErrIPAlreadyAllocated).
func addressInUse(err error) bool {
	return strings.Contains(strings.ToLower(err.Error()), "address already in use") &&
		!strings.Contains(err.Error(), "bind")
}

// reserve makes the container with an address that no other machine of the
// cluster has. The engine hands addresses out at the start only, so that two
// processes may choose the same: whoever sees the other gives way.
func (p *Provider) reserve(ctx context.Context, req provider.Request, image, hostKey string, attempt int) (string, error) {
	release, err := p.clusters.hold(ctx, req.Cluster)
	if err != nil {
		return "", err
	}
	defer release()
	net, err := p.ensureNetwork(ctx, req.Cluster)
	if err != nil {
		return "", err
	}
	others, err := p.addresses(ctx, req.Cluster, "")
	if err != nil {
		return "", err
	}
	address, err := net.freeAddress(others, parting(attempt))
	if err != nil {
		return "", err
	}
	b := blueprint{req: req, made: p.Describe(req), image: image, net: net, address: address.String(), hostKey: hostKey}
	if p.published(net.gateway) {
		b.publish, b.publishOn = true, p.publishOn()
	}
	b.modules = p.bindModules()
	id, err := p.place(ctx, b)
	if err != nil {
		return "", err
	}
	if others, err = p.addresses(ctx, req.Cluster, id); err != nil {
		return "", err
	}
	if others[b.address] {
		return "", p.undo(ctx, id, fmt.Errorf("%s: address already in use", b.address))
	}
	return id, nil
}

// addresses are those of the cluster's machines, in any state, but one.
func (p *Provider) addresses(ctx context.Context, cluster, but string) (map[string]bool, error) {
	found, err := p.containers(ctx, cluster)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, c := range found {
		if c.ID != but {
			out[c.Labels[labelAddress]] = true
		}
	}
	return out, nil
}

// place asks the engine for the container.
func (p *Provider) place(ctx context.Context, b blueprint) (id string, err error) {
	err = p.mutate(ctx, func(ctx context.Context) error {
		made, err := p.api.ContainerCreate(ctx, b.config(), b.host(), b.networking(), nil, b.req.Name)
		id = made.ID
		return err
	})
	if cerrdefs.IsConflict(err) || cerrdefs.IsNotFound(err) {
		// The name was taken, or the network or image removed, since we looked.
		return "", fmt.Errorf("%w: %w", errTaken, err)
	}
	return id, err
}
