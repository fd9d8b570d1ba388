package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/swarm"
)

// mostVolumes is how many volumes of a machine are named.
const mostVolumes = 8

// Losses asks what goes with the nodes that a plan for the world as it was
// observed removes or replaces: volumes on the disks of machines that are
// destroyed, and services that no other node may run. Where nothing goes nobody
// is asked, and what could not be asked is said in its place.
func (c *Cluster) Losses(ctx context.Context, have plan.State, p plan.Plan) []plan.Loss {
	going := p.Departures()
	if len(going) == 0 {
		return nil
	}
	out := make([]plan.Loss, len(going))
	bounded(ctx, observers, indexes(going), func(ctx context.Context, i int) {
		out[i] = plan.Loss{Node: going[i].Node}
		if going[i].Deleted {
			c.volumes(ctx, going[i], &out[i])
		}
	})
	if have.Swarm != nil && !p.Teardown {
		services, err := control{c}.Services(ctx)
		bound := plan.Bound(c.cfg.Spec, have.Swarm, p, services)
		for i := range out {
			out[i].Services = bound[going[i].Member]
			if err != nil {
				out[i].Unknown = strings.TrimPrefix(out[i].Unknown+fmt.Sprintf("; its services are not known: %v", err), "; ")
			}
		}
	}
	return slices.DeleteFunc(out, func(l plan.Loss) bool { return len(l.Volumes)+len(l.Services) == 0 && l.Unknown == "" })
}

// volumes asks the engine of a machine that is destroyed.
func (c *Cluster) volumes(ctx context.Context, d plan.Departure, into *plan.Loss) {
	h := c.lookup(d.Machine, d.Node)
	if h == nil || h.is().State == provider.Incomplete {
		return
	}
	facts, _ := h.seen()
	if facts.Engine == bootstrap.Absent {
		return
	}
	var list []engine.Volume
	err := h.tell(ctx, func(e *swarm.Engine) (err error) {
		list, err = e.Volumes(ctx)
		return err
	})
	switch {
	case err == nil:
	case h.is().State == provider.Stopped:
		into.Unknown = "its machine is switched off, and its volumes are not known"
		return
	case errors.Is(err, engine.ErrNoAnswer):
		into.Unknown = "its engine does not answer, and its volumes are not known"
		return
	default:
		into.Unknown = fmt.Sprintf("its volumes are not known: %v", err)
		return
	}
	into.Volumes = described(list)
	if n := len(into.Volumes); n > mostVolumes {
		into.Volumes, into.More = into.Volumes[:mostVolumes], n-mostVolumes
	}
}

// described names the volumes that somebody has or has labelled, those with a
// name first.
func described(list []engine.Volume) (out []string) {
	for _, anonymous := range []bool{false, true} {
		for _, v := range list {
			if v.Anonymous != anonymous || len(v.Users) == 0 && !v.Labelled {
				continue
			}
			text := v.Name
			if anonymous {
				text = text[:min(12, len(text))]
			}
			if len(v.Users) > 0 {
				text += " (" + strings.Join(v.Users, ", ") + ")"
			}
			out = append(out, text)
		}
	}
	return out
}
