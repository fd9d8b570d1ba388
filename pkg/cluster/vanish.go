package cluster

import (
	"context"
	"slices"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
)

// recheck asks the provider once more where hosts did not answer: a machine that
// somebody was about to destroy or to switch off when it was listed is gone, or
// off, by now. So a run that was killed in the middle of that holds nobody up.
func (c *Cluster) recheck(ctx context.Context) error {
	silent := slices.DeleteFunc(c.all(), func(h *host) bool { return h.state().Answer != plan.Silent })
	if len(silent) == 0 {
		return nil
	}
	machines, err := c.cfg.Provider.List(ctx, c.cfg.Spec.Name)
	if err != nil {
		return err
	}
	for _, h := range silent {
		i := slices.IndexFunc(machines, func(m provider.Machine) bool { return m.ID == h.is().ID })
		switch {
		case i < 0:
			h.retire()
			c.drop(h)
		case machines[i].State == provider.Stopped:
			h.become(machines[i], h.way())
			h.off(switchedOff)
		}
	}
	return nil
}
