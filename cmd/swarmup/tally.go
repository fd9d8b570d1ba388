package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/plan"
)

// tally counts what becomes of the nodes in a plan, each node once.
type tally struct{ add, change, replace, remove int }

func tallyOf(p plan.Plan) tally {
	removed := p.Removes()
	var added, changed []string
	for _, s := range p.Steps {
		switch s.Action {
		case plan.Create, plan.Init, plan.Join:
			added = append(added, s.Node)
		case plan.Mark, plan.Connect, plan.Verify, plan.Sweep, plan.Clean, plan.Settings:
			// They are about no node in particular, or only look.
		default:
			changed = append(changed, s.Node)
		}
	}
	var t tally
	for _, node := range distinct(slices.Concat(added, changed)) {
		comes, goes := slices.Contains(added, node), slices.Contains(removed, node)
		switch {
		case comes && goes:
			t.replace++
		case comes:
			t.add++
		case goes:
			t.remove++
		default:
			t.change++
		}
	}
	return t
}

// distinct keeps the first of each name, in order.
func distinct(names []string) []string {
	var out []string
	for _, n := range names {
		if n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// String is such as "3 nodes to add, 1 to remove"; "" if nothing becomes of any.
func (t tally) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		verb string
	}{{t.add, "add"}, {t.change, "change"}, {t.replace, "replace"}, {t.remove, "remove"}} {
		switch {
		case part.n == 0:
		case len(parts) == 0:
			parts = append(parts, count(part.n, "node")+" to "+part.verb)
		default:
			parts = append(parts, fmt.Sprintf("%d to %s", part.n, part.verb))
		}
	}
	return strings.Join(parts, ", ")
}
