package cluster

import (
	"context"
	"fmt"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// install puts an engine on a host that has none.
func (c *Cluster) install(ctx context.Context, h *host) (string, error) {
	if h.facts.Engine != bootstrap.Absent {
		return "engine " + h.facts.EngineVersion + " is there", nil
	}
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	if err := bootstrap.Install(ctx, h.conn, h.facts, n.Engine.Install, c.note(h.node)); err != nil {
		return "", err
	}
	if err := h.look(ctx, startWait); err != nil {
		return "", err
	}
	return "engine " + h.facts.EngineVersion, nil
}

// configure makes daemon.json what the file says and the engine run by it. A
// member is never restarted here: that would stop its tasks.
func (c *Cluster) configure(ctx context.Context, h *host) (string, error) {
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	stopped := h.facts.Engine != bootstrap.Running
	effect, err := bootstrap.Configure(ctx, h.conn, bootstrap.Settings{
		Want: plan.WantDaemon(n.Engine), AllowRestart: stopped || h.facts.CertNode == "", Live: h.live,
	})
	if err != nil {
		return "", err
	}
	if stopped {
		if err := bootstrap.EnsureRunning(ctx, h.conn); err != nil {
			return "", err
		}
	}
	if err := h.look(ctx, startWait); err != nil {
		return "", err
	}
	if effect == daemon.None {
		return "", nil
	}
	return string(effect), nil
}

// live asks the engine what it works by.
func (h *host) live(ctx context.Context) (daemon.Live, error) {
	i, err := h.engine.Info(ctx)
	if err != nil {
		return daemon.Live{}, err
	}
	return daemon.Live{
		Labels: i.Labels, InsecureRegistries: i.InsecureRegistries,
		RegistryMirrors: i.RegistryMirrors, Known: true,
	}, nil
}

func (c *Cluster) unconfigure(ctx context.Context, h *host) error {
	return bootstrap.Unconfigure(ctx, h.conn)
}

// node gives the file's node of a host.
func (c *Cluster) node(h *host) (spec.Node, error) {
	n, ok := c.cfg.Spec.Node(h.node)
	if !ok {
		return spec.Node{}, fmt.Errorf("%s is not in the file", h.node)
	}
	return n, nil
}
