package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// refuse collects the reasons why nothing may be done at all, and says whether
// there are any.
func (d *differ) refuse() bool {
	d.refuseReplace()
	d.refuseStrangers()
	d.refuseBarred()
	d.refuseForeign()
	d.refuseFixed()
	d.refuseDowngrades()
	d.preflight()
	return len(d.refused) > 0
}

// refuseStrangers: machines of this cluster's name and none of them in the file
// means a wrong account, region or file.
func (d *differ) refuseStrangers() {
	var names []string
	for _, h := range d.have.Hosts {
		if !h.Machine.Owned {
			continue
		}
		if _, ok := d.want.Node(h.Node); ok {
			return
		}
		names = append(names, h.Machine.Name)
	}
	if len(names) > 0 {
		d.refusef("", "is this the right file for that cluster? If so, destroy it first",
			"cluster %s has machines (%s) and none of them is a node of the file", d.want.Name, list(names))
	}
}

// refuseBarred: a wrong key or an unknown host key is a mistake in the file or
// an attack; neither gets better by trying.
func (d *differ) refuseBarred() {
	for _, p := range d.pairs {
		if p.host != nil && p.host.Answer == Barred {
			d.refused = append(d.refused, Finding{Node: p.node.Name, Text: p.host.Why, Err: p.host.Err})
		}
	}
}

// refuseForeign: never two swarms, and never a swarm that is not ours.
func (d *differ) refuseForeign() {
	ours := d.want.Swarm.ID
	if d.have.Swarm != nil {
		if ours != "" && d.have.Swarm.ID != ours {
			d.refusef("", "correct swarm.id, or the addresses of the managers",
				"the managers are in swarm %s and the file pins %s", d.have.Swarm.ID, ours)
			return
		}
		ours = d.have.Swarm.ID
	}
	for _, h := range d.have.Hosts {
		switch id := h.clusterID(); {
		case id == "" || id == ours:
		case ours == "":
			ours = id
		default:
			d.refusef(h.name(), "leave that swarm on it by hand if it shall come over", "%s is in another swarm (%s)", h.name(), id)
		}
	}
}

// refuseFixed: some settings cannot be changed after init.
func (d *differ) refuseFixed() {
	if d.have.Swarm == nil {
		return
	}
	want, have := d.want.Swarm, d.have.Swarm.Settings
	fixed := func(what, wants, has string) {
		d.refusef("", "put back the old value, or make a new swarm", "%s is fixed when a swarm is made: it is %s, and the file wants %s", what, has, wants)
	}
	if len(want.DefaultAddrPool) > 0 && !slices.Equal(want.DefaultAddrPool, have.DefaultAddrPool) {
		fixed("swarm.default_addr_pool", list(want.DefaultAddrPool), list(have.DefaultAddrPool))
	}
	if want.SubnetSize != 0 && want.SubnetSize != have.SubnetSize {
		fixed("swarm.subnet_size", fmt.Sprint(want.SubnetSize), fmt.Sprint(have.SubnetSize))
	}
	if want.DataPathPort != 0 && want.DataPathPort != have.DataPathPort {
		fixed("swarm.data_path_port", fmt.Sprint(want.DataPathPort), fmt.Sprint(have.DataPathPort))
	}
}

// refuseDowngrades: Docker does not support them, and an older engine may not
// understand what a newer one has left on the disk.
func (d *differ) refuseDowngrades() {
	if d.opt.AllowDowngrade {
		return
	}
	type step struct{ from, to string }
	var order []step
	nodes := map[step][]string{}
	for _, p := range d.pairs {
		if p.host == nil || p.host.Answer != Answered {
			continue
		}
		c := d.version(p)
		if c == nil || spec.CompareVersions(c.To, c.From) >= 0 {
			continue
		}
		k := step{c.From, c.To}
		if nodes[k] == nil {
			order = append(order, k)
		}
		nodes[k] = append(nodes[k], p.node.Name)
	}
	for _, k := range order {
		verb := "has"
		if len(nodes[k]) > 1 {
			verb = "have"
		}
		d.refusef("", "correct engine.version, or allow it with --allow-downgrade",
			"%s %s engine %s, and engine.version says %s: Docker does not support older engines on what newer ones left", list(nodes[k]), verb, k.from, k.to)
	}
}

// lost says whether there are members without a manager that works, and what
// that means: their swarm is somewhere, and a second one must not be born.
func (d *differ) lost() bool {
	var managers, workers, remotes []string
	for _, h := range d.have.Hosts {
		if !h.member() || h.Engine != EngineRunning {
			continue
		}
		switch {
		case h.Info.State == engine.Locked:
			d.blockLocked(h)
		case h.Info.State == engine.Failed:
			d.gaveUp(h)
		case h.Info.Manager:
			managers = append(managers, h.name())
		case h.Info.State == engine.Pending, len(h.Info.Remotes) == 0:
			d.block(h.name(), "run again in a moment", "%s is on its way into a swarm", h.name())
		default:
			workers = append(workers, h.name())
			remotes = append(remotes, h.Info.Remotes...)
		}
	}
	switch {
	case len(managers) > 0:
		q, _ := Lost(d.have)
		d.block("", q.Hint(), "%s", q.Text())
	case len(workers) > 0 && d.couldBe(remotes):
		d.block("", "run again once they answer"+d.silentManagers(),
			"%s in a swarm whose managers (%s) did not answer", are(workers), list(remotes))
	case len(workers) > 0:
		d.refusef("", "put its managers back into the file, or leave the swarm on these nodes by hand",
			"%s in a swarm whose managers (%s) are not in the file: a second swarm would be born", are(workers), list(remotes))
	}
	return len(d.refused)+len(d.blocked) > 0
}

// gaveUp is about a host whose engine has given up its membership of a swarm
// none of whose managers answers. Nothing is thrown away then: of a swarm whose
// managers have all expired there may be no other trace.
func (d *differ) gaveUp(h Host) {
	if !d.expired(&h) {
		d.block(h.name(), "bring its managers back, and run again", "%s: %s: %s", h.name(), JoinFailed, h.Info.Error)
		return
	}
	d.block(h.name(), "if the certificates of all managers have expired: set their clocks back to before that day, start their engines and rotate the root CA (docker swarm ca --rotate); or make one the first anew (docker swarm init --force-new-cluster)",
		"%s: %s: %s, and no manager works that could let it in again", h.name(), Expired, expired(&h).Text)
}

// couldBe says whether a host that did not answer, or is off, could be one of
// those managers: it is to be one, was one, or has the address of one.
func (d *differ) couldBe(remotes []string) bool {
	for _, p := range d.pairs {
		if p.host != nil && !p.host.asked() && (p.node.Role == spec.Manager || p.host.isOneOf(remotes)) {
			return true
		}
	}
	return slices.ContainsFunc(d.extras, func(h Host) bool { return !h.asked() })
}

func (h Host) isOneOf(remotes []string) bool {
	return slices.ContainsFunc(remotes, func(r string) bool {
		a, err := netip.ParseAddrPort(r)
		return err == nil && a.Addr().String() == h.Machine.Address
	})
}

func (d *differ) silentManagers() string {
	var out []string
	for _, p := range d.pairs {
		if p.node.Role == spec.Manager && p.host != nil && p.host.Answer == Silent {
			out = append(out, p.node.Name+": "+p.host.reason())
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}

// mayInit is promise 1: a swarm is made only if nobody who could be in one is
// left unasked.
func (d *differ) mayInit() bool {
	if id := d.want.Swarm.ID; id != "" {
		d.refusef("", "remove swarm.id to make a new swarm", "the file pins swarm %s, and no host is in it", id)
		return false
	}
	unasked := func(h *Host) {
		d.because(*h, "run again once it answers", "no swarm is made while %s may hold one: %s", h.name(), h.reason())
	}
	for _, p := range d.pairs {
		if p.node.Role == spec.Manager && p.host != nil && !p.host.asked() {
			unasked(p.host)
		}
	}
	for i, h := range d.extras {
		switch {
		case !h.asked():
			unasked(&d.extras[i])
		case h.member():
			d.block(h.name(), "start its engine and run again", "no swarm is made while %s is in one: its engine is %s", h.name(), h.Engine)
		}
	}
	return len(d.blocked) == 0
}

// reason says why a host could not be asked.
func (h Host) reason() string {
	if h.Why == "" && h.Answer == Off {
		return "it is switched off"
	}
	return h.Why
}

// asked says whether it is known that the host is in no swarm, or in which.
func (h Host) asked() bool {
	return h.Answer == Answered || h.Machine.Power == Incomplete
}

func list(names []string) string {
	s := slices.Clone(names)
	slices.Sort(s)
	return strings.Join(slices.Compact(s), ", ")
}

func are(names []string) string {
	if len(names) == 1 {
		return names[0] + " is"
	}
	return list(names) + " are"
}
