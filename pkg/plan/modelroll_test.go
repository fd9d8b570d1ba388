package plan_test

import (
	"errors"
	"fmt"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// newest is the version that packages have where nobody asks for one.
const newest = "28.5.2"

var errNewer = errors.New("it is newer")

// install puts an engine on a machine, or changes the version of one that no swarm
// knows.
func (m *model) install(s plan.Step, x *machine, want *spec.Cluster) error {
	n, _ := want.Node(s.Node)
	switch older := spec.CompareVersions(versionFor(n), x.version) < 0; {
	case x.installed && n.Engine.Takes(x.version) && (x.member != "" || !x.unfinished):
		return nil
	case x.installed && x.member != "":
		return fmt.Errorf("it has engine %s and is a member", x.version)
	case x.installed && older && !x.unfinished && !s.Downgrade:
		return errNewer
	}
	x.installed, x.unfinished, x.version = true, false, versionFor(n)
	return nil
}

func versionFor(n spec.Node) string {
	if n.Engine.Version == "" {
		return newest
	}
	return n.Engine.Version + ".0"
}

// configure starts an engine, and gives it its settings where that stops no tasks.
func (m *model) configure(s plan.Step, x *machine, want *spec.Cluster) error {
	switch {
	case !x.installed:
		return errors.New("no engine")
	case x.running && x.member != "":
		return nil
	}
	x.running = true
	return m.load(s, x, want)
}

// load makes an engine that starts work by what the file says.
func (m *model) load(s plan.Step, x *machine, want *spec.Cluster) (err error) {
	n, _ := want.Node(s.Node)
	x.settings, x.record, err = daemon.Apply(x.settings, x.record, daemon.Live{Known: true}, plan.WantDaemon(n.Engine))
	return err
}

// stop is the first half of a restart or upgrade: the engine is gone, and with it
// its tasks and, for a manager, a vote.
func (m *model) stop(s plan.Step) {
	x := m.of(s)
	if x == nil || !x.on || x.silent || !x.running {
		return
	}
	sw := m.swarms[x.swarm]
	if sw == nil || x.failed || sw.get(x.member) == nil {
		return // no swarm minds
	}
	for _, y := range m.machines {
		if y.down {
			m.hurt(s, "%s and %s are down at once", x.name, y.name)
		}
	}
	e := sw.get(x.member)
	all, reachable := m.raft(sw)
	if e.raft && all >= 3 && reachable-1 < all/2+1 {
		m.hurt(s, "the swarm loses its quorum (%d of %d reachable)", reachable, all)
	}
	for _, o := range sw.members {
		if o != e && o.availability == "active" && m.state(o) == "ready" && e.availability != "drain" {
			m.hurt(s, "its tasks are lost, which %s could take", o.hostname)
		}
	}
	x.down = true
}

// start is the second half.
func (m *model) start(s plan.Step, x *machine, want *spec.Cluster) error {
	n, _ := want.Node(s.Node)
	x.down = false
	if s.Action == plan.Restart {
		return m.load(s, x, want)
	}
	if spec.CompareVersions(n.Engine.Version, x.version) < 0 && !n.Engine.Takes(x.version) && !s.Downgrade {
		m.hurt(s, "it becomes older")
	}
	x.version, x.unfinished = versionFor(n), false
	return nil
}

// killed is what is left of a restart or upgrade that nobody waited for any more:
// how far it came.
func (m *model) killed(s plan.Step, how int, want *spec.Cluster) {
	x := m.of(s)
	if x == nil {
		return
	}
	x.down = false
	n, _ := want.Node(s.Node)
	switch {
	case how == 0: // nothing has happened
	case s.Action == plan.Upgrade:
		x.version, x.unfinished, x.running = versionFor(n), how < 3, how != 2
	case how == 1:
		_ = m.load(s, x, want)
	case how == 2:
		x.running = false
	}
}

// stalled says whether the control plane stands still because an engine restarts:
// whoever needs it waits.
func (m *model) stalled() bool {
	for _, x := range m.machines {
		if sw := m.swarms[x.swarm]; x.down && sw != nil && !m.quorum(sw) {
			return true
		}
	}
	return false
}

// hurtByRole is for changes of roles while a manager is away.
func (m *model) hurtByRole(s plan.Step) {
	for _, x := range m.machines {
		if x.down && m.manages(x) {
			m.hurt(s, "roles change while the manager %s restarts", x.name)
		}
	}
}

// drawEngines gives the engines a version and settings, and the members an
// availability, which they may have lost for a while.
func drawEngines(t *rapid.T, m *model, sw *swarm) {
	for _, x := range m.machines {
		e := sw.get(x.member)
		if x.installed {
			x.version = rapid.SampledFrom([]string{"26.1.5", "28.5.2"}).Draw(t, "engine")
			x.unfinished = e != nil && len(e.labels) > 0 && rapid.IntRange(0, 5).Draw(t, "unfinished") == 0
		}
		if rapid.Bool().Draw(t, "configured") {
			x.settings, x.record = []byte(`{"log-driver": "local"}`), daemon.Owned{Keys: []string{"log-driver"}}
		}
	}
	m.rest = map[string]string{}
	for _, e := range sw.members {
		if len(e.labels) == 0 {
			continue // a join that was cut off
		}
		e.availability = rapid.SampledFrom([]string{"active", "active", "active", "pause", "drain"}).Draw(t, "availability")
		m.rest[e.id] = e.availability
		if rapid.IntRange(0, 5).Draw(t, "withdrawn") == 0 {
			e.labels[plan.MarkBefore], e.availability = e.availability, "drain"
		}
	}
}
