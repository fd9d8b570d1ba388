package chaos

import (
	"math/rand/v2"
	"slices"
)

// mutation makes another shape of one; false where it cannot.
type mutation struct {
	name string
	do   func(*rand.Rand, shape) (shape, bool)
}

// Clusters stay within what two processors carry.
const (
	maxManagers = 5
	maxNodes    = 7
)

// mutations are the ways in which a file changes.
func mutations() []mutation {
	return []mutation{
		{"more workers", func(r *rand.Rand, s shape) (shape, bool) { return grow(s, worker, 1+r.IntN(2)) }},
		{"fewer workers", func(r *rand.Rand, s shape) (shape, bool) { return shrink(r, s, worker, 1) }},
		{"more managers", func(r *rand.Rand, s shape) (shape, bool) { return grow(s, manager, 1+r.IntN(2)) }},
		{"fewer managers", func(r *rand.Rand, s shape) (shape, bool) { return shrink(r, s, manager, 1+r.IntN(2)) }},
		{"roles swapped", swap},
		{"other labels", relabel},
		{"a worker replaced", func(r *rand.Rand, s shape) (shape, bool) { return replace(r, s, worker) }},
		{"a manager replaced", func(r *rand.Rand, s shape) (shape, bool) { return replace(r, s, manager) }},
	}
}

const (
	fromNothing = "from nothing"
	several     = "several at once"
)

// change makes the next shape of a cluster, and says what changed.
func change(r *rand.Rand, from shape) (name string, to shape) {
	if from == nil {
		return fromNothing, fresh(r)
	}
	if r.IntN(5) == 0 {
		to = from
		for range 3 {
			to = mutate(r, to, mutations()[r.IntN(len(mutations()))])
		}
		if !slices.Equal(to, from) {
			return several, to
		}
	}
	for {
		m := mutations()[r.IntN(len(mutations()))]
		if to := mutate(r, from, m); !slices.Equal(to, from) {
			return m.name, to
		}
	}
}

// mutate gives the shape itself where the change is none or too much.
func mutate(r *rand.Rand, s shape, m mutation) shape {
	to, ok := m.do(r, slices.Clone(s))
	if n := len(to.of(manager)); !ok || n < 1 || n > maxManagers || len(to) > maxNodes || len(to.of(worker)) < 1 {
		return s
	}
	return slices.Concat(to.of(manager), to.of(worker))
}

func fresh(r *rand.Rand) (s shape) {
	managers, workers := 3, 2
	if r.IntN(4) == 0 {
		managers, workers = 1, 3
	}
	s, _ = grow(nil, manager, managers)
	s, _ = grow(s, worker, workers)
	for i := range s {
		s[i].zone, s[i].tier = pick(r, "", "a", "b"), pick(r, "", "fast", "slow")
	}
	return s
}

func grow(s shape, role string, n int) (shape, bool) {
	for _, name := range s.free(n) {
		s = append(s, member{name: name, role: role, zone: "new"})
	}
	return s, true
}

func shrink(r *rand.Rand, s shape, role string, n int) (shape, bool) {
	for range n {
		of := s.of(role)
		if len(of) < 2 {
			return s, false
		}
		gone := of[r.IntN(len(of))].name
		s = slices.DeleteFunc(s, func(m member) bool { return m.name == gone })
	}
	return s, true
}

// swap makes a manager a worker and a worker a manager.
func swap(r *rand.Rand, s shape) (shape, bool) {
	m, w := s.of(manager), s.of(worker)
	s.find(m[r.IntN(len(m))].name).role = worker
	up := s.find(w[r.IntN(len(w))].name)
	up.role = manager
	if up.availability != "" {
		up.availability = "active"
	}
	return s, true
}

// relabel changes labels of both kinds and availabilities. Managers stay active,
// so that a service always has a place.
func relabel(r *rand.Rand, s shape) (shape, bool) {
	for i := range s {
		if r.IntN(2) == 0 {
			s[i].zone = pick(r, "", "a", "b", "c")
		}
		if r.IntN(2) == 0 {
			s[i].tier = pick(r, "", "fast", "slow", "none")
		}
		if s[i].role == worker && r.IntN(3) == 0 {
			s[i].availability = pick(r, "active", "pause", "drain")
		}
	}
	return s, true
}

// replace takes a node out and puts one of another name in its place.
func replace(r *rand.Rand, s shape, role string) (shape, bool) {
	of := s.of(role)
	next := s.free(1)[0]
	m := s.find(of[r.IntN(len(of))].name)
	*m = member{name: next, role: role, zone: m.zone, tier: m.tier}
	return s, true
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }
