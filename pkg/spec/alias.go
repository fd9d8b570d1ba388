package spec

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// The bounds of what a file may hold once every alias is followed: a short
// file of aliases of aliases may stand for more than a memory holds.
const (
	maxValues = 200_000
	maxDepth  = 100
)

// bounded reports aliases that hold themselves and trees beyond the bounds.
// Only after it said true may the tree be walked.
func (r *reader) bounded(root *yaml.Node) bool {
	m := measure{reader: r, known: map[*yaml.Node]extent{}}
	total, ok := extent{}, true
	for i, n := range root.Content {
		if root.Kind == yaml.MappingNode && private(root.Content[i&^1]) {
			continue
		}
		e, fine := m.node(n)
		ok = ok && fine
		total.values += e.values
		if ok && total.values > maxValues {
			r.wrong(r.place(n, ""), "more than %d values with every alias followed", maxValues)
			return false
		}
	}
	return ok
}

// private says whether a key of the top is for the user's anchors.
func private(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && strings.HasPrefix(key.Value, "x-")
}

// extent is the size of a tree.
type extent struct{ values, depth int }

// measure counts each node once, however many aliases lead to it.
type measure struct {
	*reader
	known map[*yaml.Node]extent
}

// node measures the tree below n; false means that it was reported.
func (m measure) node(n *yaml.Node) (extent, bool) {
	t := target(n)
	if e, seen := m.known[t]; seen {
		if e.values == 0 {
			m.wrong(m.place(n, ""), "the alias *%s is part of what it stands for", n.Value)
			return e, false
		}
		return e, true
	}
	m.known[t] = extent{} // under way
	sum := extent{values: 1}
	for _, c := range t.Content {
		e, ok := m.node(c)
		if !ok {
			return extent{}, false
		}
		sum.values = min(sum.values+e.values, maxValues+1)
		sum.depth = max(sum.depth, e.depth+1)
	}
	if sum.depth > maxDepth {
		m.wrong(m.place(n, ""), "more than %d levels", maxDepth)
		return sum, false
	}
	m.known[t] = sum
	return sum, true
}

// target is the node that an alias stands for, else the node itself.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
