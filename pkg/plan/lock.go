package plan

import (
	"fmt"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// unlockHint is what helps where nothing can be loaded.
const unlockHint = "swarmup unlock asks for the key, or takes it from --key-file"

// KeepsOut says why a manager of this swarm that restarts would stay locked
// with nobody to bring it back; nil where that is not so. Whoever plans the
// restart of a manager's engine calls it before the first one, and plans none if
// it gives a finding: that is one for Plan.Refused where the restart was asked
// for, else for Plan.Blocked. Where it gives nil each restart of a manager ends
// in the unlocking of its host, and waits (After) for the Settings step, and for
// keyStored of the liveDiff, which is "" where the key is stored already.
func KeepsOut(want *spec.Cluster, have State) *Finding {
	asked := want.Swarm.Autolock
	locks := have.Swarm != nil && have.Swarm.AutoLock
	switch {
	case asked != nil && !asked.On, asked == nil && !locks:
		return nil // they are not locked, or not any more
	case !asked.Store():
		return &Finding{
			Text: "managers that restart are locked, and the file does not say where their key is kept",
			Hint: "say it in swarm.autolock: key_file, or store_command and load_command",
		}
	case have.Key.Why != "":
		return &Finding{Text: "managers that restart are locked, and their key cannot be loaded: " + have.Key.Why, Hint: unlockHint}
	case have.Key.Taken != "" && !have.Key.Current:
		return taken(have.Key)
	}
	return nil // it is loadable, or will be stored in this plan
}

func taken(k StoredKey) *Finding {
	return &Finding{
		Text: "the unlock key cannot be stored: " + k.Taken,
		Hint: "move that file away, or name another one in swarm.autolock.key_file",
	}
}

// locked says whether the host is a manager that waits for the swarm's key.
func (h Host) locked() bool {
	return h.Answer == Answered && h.Engine == EngineRunning && h.Info.State == engine.Locked
}

// canUnlock says whether there is a key for locked managers: in the store, or
// with the managers that work, which is stored first.
func (d *differ) canUnlock() bool {
	k := d.have.Key
	willBe := d.have.Swarm != nil && d.want.Swarm.Autolock.Store() && k.Why == "" && k.Taken == ""
	return k.Loadable || willBe
}

// unlockHost plans what brings a locked host back, and returns that step; "" if
// there is no key for it, which is in Blocked then.
func (d *differ) unlockHost(h Host, id string, s Step) string {
	if !d.canUnlock() {
		d.blockLocked(h)
		return ""
	}
	s.ID, s.Action, s.Node, s.Machine = id, Unlock, h.name(), h.Machine.Name
	return d.add(s)
}

func (d *differ) blockLocked(h Host) {
	if why := d.have.Key.Why; why != "" {
		d.block(h.name(), unlockHint, "%s is a manager and locked, and its key cannot be loaded: %s", h.name(), why)
		return
	}
	d.block(h.name(), unlockHint, "%s is a manager and locked", h.name())
}

// unlock plans the return of a locked node. What else it needs is planned once
// it is a member again, or is found to be none any more.
func (l *liveDiff) unlock(p pair, ready string) {
	l.hold(p)
	id := l.unlockHost(*p.host, "", Step{Role: p.node.Role, After: []string{ready}, Behind: []string{l.keyStored}})
	if id == "" {
		return
	}
	l.partial = true
	if p.entry != nil && p.entry.Manager != nil {
		l.heals(p, id)
	}
}

// autolock gives what has to change about the locking of managers.
func (l *liveDiff) autolock() []Change {
	want, on := l.want.Swarm.Autolock, l.have.Swarm.AutoLock
	switch {
	case want == nil || want.On == on:
		return nil
	case want.On && l.have.Key.Taken != "":
		l.blocked = append(l.blocked, *taken(l.have.Key))
		return nil
	case want.On && l.have.Key.Why != "":
		l.block("", "mend what swarm.autolock names", "managers are not locked while the store of their key cannot be asked: %s", l.have.Key.Why)
		return nil
	}
	return []Change{{What: "autolock", From: fmt.Sprint(on), To: fmt.Sprint(want.On)}}
}

// storeKey plans that the key of now is stored, where the file wants it and it
// is not.
func (l *liveDiff) storeKey() {
	want, key := l.want.Swarm.Autolock, l.have.Key
	if want == nil || !want.On || !l.have.Swarm.AutoLock || key.Current {
		return
	}
	switch {
	case key.Taken != "":
		l.blocked = append(l.blocked, *taken(key))
	case key.Why != "":
		l.block("", "mend what swarm.autolock names", "nobody knows whether the unlock key is stored: %s", key.Why)
	case key.Loadable:
		l.keyStored = l.add(Step{Action: StoreKey, Why: "an older one is stored"})
	default:
		l.keyStored = l.add(Step{Action: StoreKey, Why: "none is stored"})
	}
}

// lockFresh plans that the managers of a new swarm are locked when they restart,
// once there is a first one. No other step waits for it.
func (d *differ) lockFresh(initialised string) {
	want := d.want.Swarm.Autolock
	switch {
	case want == nil || !want.On || initialised == "":
	case d.have.Key.Taken != "":
		d.blocked = append(d.blocked, *taken(d.have.Key))
	default:
		d.add(Step{Action: Settings, After: []string{initialised}, Changes: []Change{{What: "autolock", From: "false", To: "true"}}})
	}
}

// waitsForRotation says whether a node does not join now since the root CA is
// being changed: what the tokens say would be wrong in a moment.
func (l *liveDiff) waitsForRotation(node string) bool {
	if !l.have.Swarm.Rotating {
		return false
	}
	var down []string
	for _, e := range l.have.Swarm.Nodes {
		if e.State == "down" {
			down = append(down, e.Hostname)
		}
	}
	hint := "run again once it has ended"
	if len(down) > 0 {
		hint = "it waits for nodes that are down (" + list(down) + "): bring them back or remove them"
	}
	l.block(node, hint, "%s joins once the rotation of the root CA has ended, which is in progress", node)
	return true
}
