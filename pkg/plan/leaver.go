package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// leaver is a host of a node of the file that another host takes the place of.
type leaver struct {
	host Host
	why  string
	// marked ones need no mark: their entry has it, or the file itself says that
	// they go.
	marked bool
	// entry is theirs where they cannot say so themselves; nil for none.
	entry *engine.Node
	works bool // it is a member that can be asked to leave
	stays bool // something is in the way of its removal
	// gone is the last step of its removal, where that comes first.
	gone string
}

// ref names a host where its node's name does not say which one it is.
func (h Host) ref() string {
	if h.Machine.Name != "" {
		return h.Machine.Name
	}
	return h.Node + "@" + h.Machine.Address
}

// leaver gives what is known of a host that is on its way out; nil if it is not.
func (d *differ) leaver(h Host) *leaver {
	for _, v := range d.leavers {
		if v.host.Node == h.Node && v.host.ref() == h.ref() {
			return v
		}
	}
	return nil
}

// leaverOf gives the host of a node that is on its way out; nil for none.
func (d *differ) leaverOf(node string) *leaver {
	for _, v := range d.leavers {
		if v.host.Node == node {
			return v
		}
	}
	return nil
}

// staying gives the hosts of a node of the file, the best first, without those
// that another takes the place of: they are as good as not in the file.
func (d *differ) staying(n spec.Node, hosts []Host) (out []Host) {
	listed := slices.ContainsFunc(hosts, func(h Host) bool { return h.Machine.Name != "" })
	for _, h := range hosts {
		switch {
		case h.Machine.Name == "" && listed:
			d.leave(leaver{host: h, why: "the file has another address", marked: true})
		case d.isMarked(h):
			d.leave(leaver{host: h, why: "it is being replaced", marked: true})
		default:
			out = append(out, h)
		}
	}
	slices.SortStableFunc(out, d.better)
	if len(out) > 0 && d.asked(n.Name, out[0]) {
		d.leave(leaver{host: out[0], why: "it is to be replaced"})
		d.extras = append(d.extras, out[1:]...)
		return nil
	}
	return out
}

// asked says whether a machine is to be replaced by the wish of the user. One that
// was made for a replacement which is under way is what was wished for, unless it
// has come to nothing.
func (d *differ) asked(node string, h Host) bool {
	if !slices.Contains(d.opt.Replace, node) || d.opt.Teardown || !h.Machine.Owned || h.Machine.Power == Incomplete {
		return false
	}
	return d.leaverOf(node) == nil || h.Answer != Answered && d.have.Swarm != nil
}

func (d *differ) leave(v leaver) {
	d.leavers = append(d.leavers, &v)
	d.extras = append(d.extras, v.host)
}

// isMarked says whether a machine's entry has the mark of one that goes. A host
// that cannot say which member it is is known by the machine's name.
func (d *differ) isMarked(h Host) bool {
	if d.have.Swarm == nil || !h.Machine.Owned {
		return false
	}
	return slices.ContainsFunc(d.have.Swarm.Nodes, func(e engine.Node) bool {
		if id := h.nodeID(); id != "" {
			return e.ID == id && e.Labels[MarkLeaving] != ""
		}
		return h.Answer != Answered && d.marked(e) && e.Labels[MarkLeaving] == h.Machine.Name
	})
}

// leaves says whether an entry that no host claims is that of a host which goes
// and cannot say who it is. Of several the one that lives is taken.
func (d *differ) leaves(e engine.Node) bool {
	for _, v := range d.leavers {
		if v.host.Answer == Answered || !d.isOf(e, v.host) {
			continue
		}
		switch {
		case v.entry == nil:
			v.entry = &e
		case v.entry.State != "ready":
			d.stale(v.host.Node, *v.entry)
			v.entry = &e
		default:
			d.stale(v.host.Node, e)
		}
		return true
	}
	return false
}

// stale notes that an entry was a node's and is nobody's now.
func (d *differ) stale(node string, e engine.Node) {
	for i := range d.pairs {
		if d.pairs[i].node.Name == node {
			d.pairs[i].stale = append(d.pairs[i].stale, e)
		}
	}
}

func (d *differ) isOf(e engine.Node, h Host) bool {
	switch mark := e.Labels[MarkLeaving]; {
	case mark != "":
		return d.marked(e) && mark == h.Machine.Name
	case d.marked(e):
		return e.Labels[MarkNode] == h.Node
	}
	return h.Machine.Owned && e.Hostname == h.Node // a join without its label
}

// refuseReplace: only machines of ours can be made anew.
func (d *differ) refuseReplace() {
	for _, name := range d.opt.Replace {
		if _, ok := d.want.Node(name); !ok {
			d.refusef("", "name a node of the file", "no node %q is in the file, so that it cannot be replaced", name)
			continue
		}
		for _, p := range d.pairs {
			if p.node.Name == name && p.host != nil && !p.host.Machine.Owned {
				d.refusef(name, "change its address in the file: the machine at the new address joins, and the one at the old leaves",
					"%s is on a machine that swarmup did not make, and cannot make anew", name)
			}
		}
	}
}

// replaces gives the nodes that get another host in this plan.
func (d *differ) replaces() (out []string) {
	for _, v := range d.leavers {
		away := func(s Step) bool {
			return s.Node == v.host.Node && s.Machine == v.host.Machine.Name && (s.Action == Delete || s.Action == Leave)
		}
		if slices.ContainsFunc(d.steps, away) && !slices.Contains(out, v.host.Node) {
			out = append(out, v.host.Node)
		}
	}
	slices.Sort(out)
	return out
}

// differing tells of machines that were made with other settings than the file
// has now, which only a new machine can have.
func (d *differ) differing() {
	if d.opt.Teardown {
		return
	}
	for _, p := range d.pairs {
		if p.host == nil || !p.host.Machine.Owned || p.host.Machine.Power == Incomplete {
			continue
		}
		var changes []string
		m := p.host.Machine
		for _, k := range slices.Sorted(maps.Keys(m.Wanted)) {
			if was, known := m.Settings[k]; known && was != m.Wanted[k] {
				changes = append(changes, k+": "+byDefault(was)+" -> "+byDefault(m.Wanted[k]))
			}
		}
		if len(changes) > 0 {
			d.drift = append(d.drift, Finding{
				Node: p.node.Name, Text: p.node.Name + "'s machine differs (" + strings.Join(changes, ", ") + ")",
				Hint: "--replace " + p.node.Name + " replaces it",
			})
		}
	}
}

func byDefault(value string) string {
	if value == "" {
		return "the default"
	}
	return value
}
