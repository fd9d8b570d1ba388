package plan_test

import (
	"errors"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// draw gives a random file and a random world, with or without autolock.
func draw(t *rapid.T) (*spec.Cluster, *model) {
	want, m := drawFile(t), drawWorld(t)
	stores := &spec.Autolock{On: true, KeyFile: "/key"}
	want.Swarm.Autolock = rapid.SampledFrom([]*spec.Autolock{nil, nil, {}, stores, stores}).Draw(t, "autolock")
	m.store = want.Swarm.Autolock.Store()
	sw := m.swarms["swarm0"]
	if sw == nil {
		return want, m
	}
	sw.rotating = rapid.IntRange(0, 9).Draw(t, "rotating") == 0
	if rapid.Bool().Draw(t, "locks") {
		sw.key = 1
		for _, x := range m.machines {
			e := sw.get(x.member)
			if e == nil || !e.raft || !x.works() && !m.store {
				continue // what is off comes back by itself, as it was off before
			}
			x.disk = sw.key
			x.locked = x.works() && rapid.IntRange(0, 2).Draw(t, "restarted") == 0
		}
	}
	if m.store && sw.key != 0 {
		m.stored = rapid.SampledFrom([]int{0, 1, 1, 99}).Draw(t, "stored")
		if !m.quorum(sw) {
			m.stored = sw.key // else nobody could ever unlock them
		}
	}
	return want, m
}

// lock changes whether managers are locked when they restart, and stores their
// key.
func (m *model) lock(s plan.Step, want *spec.Cluster) error {
	sw := m.ours()
	if sw == nil {
		return errors.New("no leader")
	}
	lock := want.Swarm.Autolock
	if s.Action == plan.Settings {
		switch {
		case lock == nil:
			return nil
		case !lock.On:
			sw.key = 0
		case sw.key == 0:
			sw.key = m.serial + 100
			m.serial++
		}
		m.rekey(sw)
	}
	if lock.On {
		m.stored = sw.key
	}
	return nil
}

// rekey lets managers that work lock their disks with the key of now.
func (m *model) rekey(sw *swarm) {
	if !m.quorum(sw) {
		return
	}
	for _, x := range m.machines {
		if e := sw.get(x.member); x.swarm == sw.id && e != nil && e.raft && x.works() {
			x.disk = sw.key
		}
	}
}

// locks says whether an engine that starts needs a key: that of a manager, which
// a worker has none of.
func (m *model) locks(x *machine) bool {
	sw := m.swarms[x.swarm]
	return x.disk != 0 && sw != nil && sw.get(x.member) != nil && sw.get(x.member).raft
}

// unlock gives a locked manager the key that is stored, or the one that managers
// that work know.
func (m *model) unlock(x *machine) error {
	if !x.locked {
		return nil
	}
	known := m.store && m.stored == x.disk
	if sw := m.ours(); sw != nil && m.store && sw.key == x.disk {
		known = true
	}
	if !known {
		return errors.New("a wrong key")
	}
	x.locked = false
	if sw := m.swarms[x.swarm]; sw != nil {
		m.rekey(sw)
	}
	return nil
}
