package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// ready plans what makes an engine run as the file wants it on one node, and
// returns the step after which it does; "" where it does already. ok is false
// where something is in the way.
func (d *differ) ready(p pair) (last string, ok bool) {
	last = d.reach(p)
	h := p.host
	s := Step{Node: p.node.Name, Role: p.node.Role, Machine: machineOf(h)}
	if h != nil && h.Answer == Off && p.entry != nil && h.Machine.Power == Stopped {
		d.partial = true // it is known once it is on whether its engine has to restart
		return last, true
	}
	if h == nil || h.Answer != Answered {
		// Nothing is known of the engine. A machine that is made in this run
		// certainly gets its configuration; all else looks first.
		s.Action, s.Maybe, s.After, s.Downgrade = Install, true, []string{last}, d.opt.AllowDowngrade
		last = d.add(s)
		s.Downgrade = false
		s.Action, s.Maybe, s.After = Configure, h != nil && h.Machine.Power != Incomplete, []string{last}
		return d.add(s), true
	}
	if h.Engine == EngineRunning && oldAPI(h.Info.API) {
		f := d.running(p)[0]
		d.block(p.node.Name, f.Hint, "%s: %s: %s", p.node.Name, f.Situation, f.Text)
		return "", false
	}
	change := d.version(p)
	if change != nil && p.node.Engine.Install == spec.InstallNone {
		d.block(p.node.Name, "change its engine by hand, or engine.version or engine.install in the file",
			"%s has engine %s, engine.version says %s, and engine.install is none", p.node.Name, h.EngineVersion, p.node.Engine.Version)
		if !h.member() {
			return "", false // in the swarm it would be a member that needs an upgrade
		}
		change = nil
	}
	switch h.Engine {
	case EngineAbsent:
		if p.node.Engine.Install == spec.InstallNone {
			d.block(p.node.Name, "install an engine on it, or let engine.install say docker or distro", "%s has no engine, and engine.install is none", p.node.Name)
			return "", false
		}
		s.Action = Install
		last = d.add(s)
		s.Action, s.After = Configure, []string{last}
		return d.add(s), true
	case EngineStopped:
		if change != nil { // nothing runs there that it could hurt
			last = d.upgrade(s, change)
		}
		s.Action, s.Why, s.Effect, s.After = Configure, "its engine is stopped", daemon.Restart, []string{last}
		return d.add(s), true
	default:
		return d.configure(p, s, change)
	}
}

// upgrade changes the version of an engine that stops nothing by that.
func (d *differ) upgrade(s Step, change *Change) string {
	s.Action, s.Changes, s.Downgrade = Upgrade, []Change{*change}, d.opt.AllowDowngrade
	return d.add(s)
}

// configure plans daemon.json, the environment and the version of an engine that
// runs. What would stop the tasks of a member is kept for the roll.
func (d *differ) configure(p pair, s Step, version *Change) (string, bool) {
	h := p.host
	patch, err := daemon.Diff(h.Daemon, h.Owned, live(h), WantDaemon(p.node.Engine))
	if err != nil {
		d.block(p.node.Name, "mend the file on the machine by hand", "read /etc/docker/daemon.json of %s: %v", p.node.Name, err)
		return "", false
	}
	opens, env := d.opens(p), d.environ(p)
	s.Action, s.Effect, s.Changes = Configure, patch.Effect, opens
	var restarts []string
	for _, c := range patch.Changes {
		s.Changes = append(s.Changes, Change{What: c.Key, From: text(c.From), To: text(c.To)})
		if c.Effect() == daemon.Restart {
			restarts = append(restarts, c.Key)
		}
	}
	for _, name := range env.Names() {
		s.Changes = append(s.Changes, Change{What: "env." + name})
	}
	for _, name := range env.Restart {
		restarts = append(restarts, "env."+name)
		s.Effect = daemon.Restart
	}
	if h.member() && (version != nil || len(restarts) > 0) {
		d.rolls = append(d.rolls, rolling{pair: p, version: version, restarts: restarts, changes: s.Changes[len(opens):]})
		if s.Changes = opens; len(opens) == 0 {
			return "", true
		}
		s.Effect = daemon.None
		return d.add(s), true
	}
	last := ""
	if version != nil {
		last = d.upgrade(Step{Node: s.Node, Role: s.Role, Machine: s.Machine}, version)
		s.After = []string{last}
	}
	switch {
	case len(s.Changes) == 0 && proxied(p.node) && d.newcomers():
		s.Maybe, s.Why = true, "NO_PROXY gets the addresses of new nodes"
	case len(s.Changes) == 0:
		return last, true
	case h.member() && len(patch.Changes)+len(opens) == 0:
		s.Why = "its engine takes it over at its next start"
	}
	return d.add(s), true
}

// opens gives what changes about the firewall of a host: ports are opened, and
// those that were are closed once the file does not want it any more. A node
// that becomes a worker keeps what it had.
func (d *differ) opens(p pair) []Change {
	have := p.host.Owned.Opened
	switch {
	case p.node.Engine.OpenPorts:
		if lacks := have.Lacks(Ports(d.want, p.node)); len(lacks) > 0 {
			return []Change{{What: "open_ports", To: strings.Join(lacks, ", ")}}
		}
	case have != nil:
		return []Change{{What: "open_ports", From: strings.Join(have.Ports, ", ")}}
	}
	return nil
}

// Ports are what others have to reach on a node: 2377/tcp, and so on.
func Ports(want *spec.Cluster, n spec.Node) (out []string) {
	for _, p := range preflight.Ports(n.Role == spec.Manager, int(want.Swarm.DataPathPort)) {
		out = append(out, p.String())
	}
	return out
}

// reach plans what lets us in, and returns the step after which we are.
func (d *differ) reach(p pair) string {
	h := p.host
	if h != nil && h.Answer == Answered {
		return ""
	}
	s := Step{Node: p.node.Name, Role: p.node.Role, Machine: machineOf(h)}
	last := ""
	switch {
	case h == nil:
		s.Action = Create
		last = d.add(s)
	case h.Machine.Power == Incomplete:
		s.Action, s.Why = Create, "it was never finished"
		last = d.add(s)
	case h.Machine.Power == Stopped:
		s.Action, s.Why = Start, "it is switched off"
		last = d.add(s)
	}
	s.Action, s.Why, s.After = Connect, "", []string{last}
	if h != nil && h.Answer == Silent {
		s.Maybe, s.Why = true, h.Why
	}
	return d.add(s)
}

// reveal plans only what has to be done before more can be known: it switches
// machines and engines on that may hold the swarm, and unlocks managers. It says
// whether there are any.
func (d *differ) reveal() bool {
	for _, p := range d.pairs {
		h := p.host
		if h == nil {
			continue
		}
		switch {
		case h.Machine.Power == Stopped && h.Answer == Off:
			d.reach(p)
		case h.Answer == Answered && h.Engine == EngineStopped && h.Cert.Node != "":
			d.add(Step{
				Action: Configure, Node: p.node.Name, Role: p.node.Role, Machine: machineOf(h),
				Effect: daemon.Restart, Why: "its engine is stopped, and it is a member of a swarm",
			})
		case h.locked() && d.canUnlock():
			d.unlockHost(*h, "", Step{Role: p.node.Role})
		}
	}
	for i, h := range d.extras {
		if h.Machine.Power == Stopped && h.Machine.Owned {
			s := Step{ID: "start/" + h.Machine.Name, Action: Start, Node: h.Node, Machine: h.Machine.Name, Why: "it is switched off, and may hold the swarm"}
			id := d.add(s)
			d.add(Step{ID: "connect/" + d.extras[i].Machine.Name, Action: Connect, Node: h.Node, Machine: h.Machine.Name, After: []string{id}})
		}
		if h.locked() && d.canUnlock() {
			d.unlockHost(h, "unlock/"+h.Machine.Name, Step{Why: "it may hold the swarm"})
		}
	}
	return len(d.steps) > 0
}

// fresh plans a swarm where there is none.
func (d *differ) fresh() {
	first := d.pairs[0].node.Name // the file's first manager; spec.Parse sees to it that there is one
	var initialised string
	for _, p := range d.pairs {
		gate, from := d.clear(p.node.Name), len(d.steps)
		last, ok := d.ready(p)
		d.gate(from, gate)
		if !ok {
			continue
		}
		s := Step{Node: p.node.Name, Role: p.node.Role, Machine: machineOf(p.host)}
		if p.node.Name == first {
			s.Action, s.After = Init, []string{last}
			if pool := AddressPool(d.want, d.have); pool != "" {
				s.Changes = []Change{{What: "default_addr_pool", To: pool}}
			}
			initialised = d.add(s)
			s.Action, s.After, s.Changes = Label, []string{initialised}, nil
			d.add(s)
			continue
		}
		if initialised == "" {
			continue // the first manager is in the way of all
		}
		s.Action, s.After, s.Maybe = Join, []string{last, initialised}, maybe(p.host)
		joined := d.add(s)
		s.Action, s.After = Label, []string{joined}
		d.add(s)
	}
	d.lockFresh(initialised)
	d.removeLeftovers()
	d.finish()
}

// removeLeftovers deletes machines of ours that are no node of the file and in
// no swarm, where there is no swarm yet.
func (d *differ) removeLeftovers() {
	for _, h := range d.extras {
		if h.Machine.Owned && d.leaver(h) == nil && (h.Machine.Power == Incomplete || h.Answer == Answered && !h.member()) {
			d.add(Step{ID: "delete/" + h.Machine.Name, Action: Delete, Node: h.Node, Machine: h.Machine.Name, Why: "it is not in the file"})
		}
	}
}

// finish adds what comes behind everything else, and needs a swarm.
func (d *differ) finish() {
	d.openFirst()
	var joins, every, swarm []string
	for _, s := range d.steps {
		every = append(every, s.ID)
		switch s.Action {
		case Join:
			joins = append(joins, s.ID)
		case Init:
			swarm = []string{s.ID}
		default:
		}
	}
	if n := d.orphans(); n > 0 {
		every = append(every, d.add(Step{Action: Sweep, Why: fmt.Sprintf("%d entries of joins that never finished", n), After: swarm, Behind: joins}))
	} else if len(joins) > 0 {
		every = append(every, d.add(Step{Action: Sweep, Maybe: true, After: swarm, Behind: joins}))
	}
	if len(every) > 0 && slices.ContainsFunc(d.steps, func(s Step) bool { return s.Action != Delete }) {
		d.add(Step{Action: Verify, After: swarm, Behind: every})
	}
}

// openFirst lets the firewalls of members be opened before anybody joins by way
// of them.
func (d *differ) openFirst() {
	var opening []string
	for _, p := range d.pairs {
		if p.host == nil || !p.host.member() || d.leaverOf(p.node.Name) != nil {
			continue
		}
		for _, s := range d.steps {
			if s.Action == Configure && s.Node == p.node.Name && slices.ContainsFunc(s.Changes, func(c Change) bool { return c.What == "open_ports" && c.To != "" }) {
				opening = append(opening, s.ID)
			}
		}
	}
	for i := range d.steps {
		if s := &d.steps[i]; s.Action == Join {
			s.Behind = edges(slices.Concat(s.Behind, slices.DeleteFunc(slices.Clone(opening), func(id string) bool { return slices.Contains(s.After, id) })))
		}
	}
}

// orphans counts the entries that a join left behind which never finished.
func (d *differ) orphans() int {
	n := 0
	for _, e := range d.entries {
		if orphan(e) {
			n++
		}
	}
	return n
}

// orphan entries have a certificate and never were a node (moby swarmkit mints
// the entry when it signs).
func orphan(e engine.Node) bool {
	return e.Hostname == "" && e.Manager == nil && e.State != "ready"
}

// maybe says whether steps on this host have to look first.
func maybe(h *Host) bool {
	return h != nil && h.Answer != Answered && h.Machine.Power != Incomplete
}

func machineOf(h *Host) string {
	if h == nil {
		return ""
	}
	return h.Machine.Name
}

func live(h *Host) daemon.Live {
	return daemon.Live{
		Labels: h.Info.Labels, InsecureRegistries: h.Info.InsecureRegistries,
		RegistryMirrors: h.Info.RegistryMirrors, Known: true, Flags: h.Flags,
	}
}

// WantDaemon is what the file asks of a node's daemon.json.
func WantDaemon(e spec.Engine) daemon.Want {
	return daemon.Want{
		Labels: e.Labels, InsecureRegistries: e.InsecureRegistries,
		RegistryMirrors: e.RegistryMirrors, Keys: e.Daemon,
	}
}

// text is how a value of daemon.json is told of, as it would stand in the file.
// Words stay as they are, so that those that are secret are found in it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		items := make([]string, len(v))
		for i := range v {
			items[i] = text(v[i])
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		var items []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			items = append(items, k+": "+text(v[k]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	default:
		return fmt.Sprint(v)
	}
}
