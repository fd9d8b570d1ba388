package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

// verifyWait is for how long managers may show what was: an agent describes
// itself every 20 s (moby swarmkit agent/agent.go, nodeUpdatePeriod).
const verifyWait = 45 * time.Second

// verify waits until the managers show every node of the file as it shall be,
// but for those with a step that failed: they have been told of already.
func (c *Cluster) verify(ctx context.Context) (string, error) {
	c.mu.Lock()
	failed := maps.Clone(c.failed)
	c.mu.Unlock()
	seen := 0
	err := wait.Until(ctx, "the managers to show what the file says", verifyWait, 500*time.Millisecond, func(ctx context.Context) (bool, error) {
		nodes, err := control{c}.Nodes(ctx)
		if errors.Is(err, errNoManager) {
			return false, wait.Stop(err)
		}
		if err != nil {
			return false, err
		}
		var wrong []string
		seen = 0
		for _, n := range c.cfg.Spec.Nodes {
			if failed[n.Name] {
				continue
			}
			if w := c.differs(n, nodes); w != "" {
				wrong = append(wrong, n.Name+" "+w)
			}
			seen++
		}
		if len(wrong) == 0 {
			return true, nil
		}
		return false, fmt.Errorf("%s", strings.Join(wrong, "; "))
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d nodes are as the file says", seen), nil
}

// differs says in which way the managers do not show a node as it shall be yet.
func (c *Cluster) differs(n spec.Node, nodes []engine.Node) string {
	i := slices.IndexFunc(nodes, func(e engine.Node) bool {
		return e.Labels[plan.MarkCluster] == c.cfg.Spec.Name && e.Labels[plan.MarkNode] == n.Name && e.State != "down"
	})
	if i < 0 {
		return "is not there"
	}
	e := nodes[i]
	switch {
	case e.State != "ready":
		return "is " + e.State
	case e.Role != string(n.Role):
		return "is a " + e.Role
	case n.Role == spec.Manager && (e.Manager == nil || e.Manager.Reachability != "reachable"):
		return "is not reachable as a manager"
	}
	if h := c.lookup("", n.Name); h != nil && !maps.Equal(e.EngineLabels, h.labels()) {
		return "does not show its engine labels yet"
	}
	return ""
}
