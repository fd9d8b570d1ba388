package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

// verifyWait is for how long managers may show what was: an agent describes
// itself every 20 s (moby swarmkit agent/agent.go, nodeUpdatePeriod).
const verifyWait = 45 * time.Second

// verify waits until the managers show every node of the file as it shall be,
// but for those of which it was told already that they will not be: with a step
// that failed, or that was held back.
func (c *Cluster) verify(ctx context.Context) (string, error) {
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
		seen, wrong = c.compare(nodes)
		if len(wrong) == 0 {
			return true, nil
		}
		return false, errors.New(strings.Join(wrong, "; "))
	})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d of %d nodes are as the file says", seen, len(c.cfg.Spec.Nodes)), nil
}

// compare counts the nodes of the file that the managers show as they shall be,
// and says what is wrong with those that are still to become so.
func (c *Cluster) compare(nodes []engine.Node) (right int, wrong []string) {
	live := c.engineLabels()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.cfg.Spec.Nodes {
		f := flawOf(c.cfg.Spec.Name, n, nodes, live[n.Name])
		switch {
		case f == nil:
			right++
		case !c.round.failed[n.Name] && c.promised(n, f, live[n.Name]):
			wrong = append(wrong, n.Name+" "+f.text)
		}
	}
	return right, wrong
}

// engineLabels gives the labels that the engines of connected hosts show, by node.
func (c *Cluster) engineLabels() map[string]map[string]string {
	live := map[string]map[string]string{}
	for _, h := range c.connected() {
		if c.leaving(h) {
			continue
		}
		facts, info := h.seen()
		if facts.Engine != bootstrap.Running {
			continue
		}
		live[h.node] = map[string]string{}
		maps.Copy(live[h.node], info.Labels)
	}
	return live
}

// promised says whether a flaw is one that the round should have mended or must
// not have made. One for which no step was done is that of a step that was held
// back, or that comes in the next round.
func (c *Cluster) promised(n spec.Node, f *flaw, live map[string]string) bool {
	return flawOf(c.cfg.Spec.Name, n, c.round.nodes, live) == nil ||
		slices.ContainsFunc(c.round.done[n.Name], func(a plan.Action) bool { return slices.Contains(f.mending, a) })
}

// flaw is one way in which a node is not as the file says, and the steps that
// mend it.
type flaw struct {
	text    string
	mending []plan.Action
}

// flawOf finds what the managers do not show of a node as it shall be; nil if
// all is well. live are the engine labels that the node's own engine shows, also
// those that are not ours; nil where it was not asked.
func flawOf(cluster string, n spec.Node, nodes []engine.Node, live map[string]string) *flaw {
	own := slices.DeleteFunc(slices.Clone(nodes), func(e engine.Node) bool {
		return e.Labels[plan.MarkCluster] != cluster || e.Labels[plan.MarkNode] != n.Name || e.Labels[plan.MarkLeaving] != ""
	})
	if len(own) == 0 {
		return &flaw{"is not there", []plan.Action{plan.Label}}
	}
	slices.SortStableFunc(own, readyFirst)
	e := own[0]
	switch {
	case e.State != "ready":
		return &flaw{"is " + e.State, []plan.Action{plan.Label, plan.Start, plan.Configure, plan.Promote, plan.Demote, plan.Upgrade, plan.Restart}}
	case e.Role != string(n.Role):
		return &flaw{"is a " + e.Role, []plan.Action{plan.Join, plan.Promote, plan.Demote}}
	case n.Role == spec.Manager && (e.Manager == nil || e.Manager.Reachability != "reachable"):
		return &flaw{"is not reachable as a manager", []plan.Action{plan.Init, plan.Join, plan.Promote, plan.Start, plan.Configure, plan.Upgrade, plan.Restart}}
	}
	if text := labelFlaw(e.EngineLabels, n.Engine.Labels, live); text != "" {
		return &flaw{text, []plan.Action{plan.Configure, plan.Restart}}
	}
	return nil
}

// labelFlaw says which engine label is not shown as the file and the engine
// itself have it, or is still shown and has gone; "" for none.
func labelFlaw(shown, file, live map[string]string) string {
	want := maps.Clone(live)
	if want == nil {
		want = map[string]string{}
	}
	maps.Copy(want, file)
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if v, ok := shown[k]; !ok || v != want[k] {
			return "does not show engine label " + k
		}
	}
	for _, k := range slices.Sorted(maps.Keys(shown)) {
		if _, ok := want[k]; !ok && live != nil {
			return "still shows engine label " + k
		}
	}
	return ""
}
