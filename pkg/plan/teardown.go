package plan

import (
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// teardown plans against an empty wish. Nothing is drained, demoted or counted:
// machines of ours are deleted, all at once; others leave the swarm, workers
// before managers, and give our settings back.
func (d *differ) teardown() {
	if d.want.Protect {
		d.refusef("", "remove protect from the file first", "cluster %s is protected", d.want.Name)
		return
	}
	var workers, managers []Host
	var every []string
	for _, h := range d.have.Hosts {
		switch {
		case h.Machine.Owned:
			every = append(every, d.add(Step{ID: "delete/" + h.Machine.Name, Action: Delete, Node: h.name(), Machine: h.Machine.Name}))
		case h.Answer != Answered:
			d.because(h, "leave the swarm on it by hand: docker swarm leave --force", "%s cannot be asked: %s", h.name(), h.reason())
		case d.foreign(h):
			d.block(h.name(), "", "%s is in a swarm that is not this cluster's, and is left alone", h.name())
		case h.mayManage():
			managers = append(managers, h)
		default:
			workers = append(workers, h)
		}
	}
	var left []string
	for _, h := range workers {
		steps := d.takeBack(h, spec.Worker, nil)
		left = append(left, steps[:min(1, len(steps))]...)
		every = append(every, steps...)
	}
	for _, h := range managers {
		every = append(every, d.takeBack(h, spec.Manager, left)...)
	}
	if len(every) > 0 || len(d.have.Leftovers) > 0 {
		d.add(Step{Action: Clean, Why: list(d.have.Leftovers), After: every})
	}
}

// takeBack makes a host that is not ours leave the swarm, first, and takes our
// keys out of its daemon.json.
func (d *differ) takeBack(h Host, role spec.Role, behind []string) []string {
	s := Step{Node: h.name(), Role: role, Machine: h.Machine.Name}
	var out []string
	if h.member() {
		s.ID, s.Action, s.Force, s.Behind = "leave/"+h.name(), Leave, h.mayManage(), behind
		out = append(out, d.add(s))
	}
	if h.member() || h.ours() { // a member's record is there also if it owns nothing
		s.ID, s.Action, s.Force, s.Behind, s.After = "unconfigure/"+h.name(), Unconfigure, false, nil, out
		out = append(out, d.add(s))
	}
	return out
}

// ours says whether there is anything of ours in the configuration of its engine.
func (h Host) ours() bool { return !h.Owned.Empty() || h.Environ.File != nil }

// mayManage says whether the host is, or was when it was last well, a manager: it
// leaves by force only.
func (h Host) mayManage() bool {
	return h.Info.Manager || h.Info.State == engine.Locked || h.Cert.Role == string(spec.Manager)
}

// foreign says whether a host is in a swarm that cannot be this cluster's.
func (d *differ) foreign(h Host) bool {
	ours := d.want.Swarm.ID
	if ours == "" && d.have.Swarm != nil {
		ours = d.have.Swarm.ID
	}
	id := h.clusterID()
	return id != "" && ours != "" && id != ours
}
