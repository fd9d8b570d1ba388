package plan

import "slices"

// inOrder sorts steps so that every step stands after those it waits for, and
// otherwise as they were added. An edge to a step that is not in the plan is
// dropped: there is nothing to wait for. Steps of a cycle, which Diff never
// makes, are left out.
func inOrder(steps []Step) []Step {
	known := map[string]bool{}
	for _, s := range steps {
		known[s.ID] = true
	}
	missing := func(id string) bool { return !known[id] }
	for i := range steps {
		steps[i].After = slices.DeleteFunc(steps[i].After, missing)
		steps[i].Behind = slices.DeleteFunc(steps[i].Behind, missing)
	}
	var out []Step
	placed := map[string]bool{}
	for len(out) < len(steps) {
		before := len(out)
		for _, s := range steps {
			if !placed[s.ID] && all(placed, s.After) && all(placed, s.Behind) {
				placed[s.ID] = true
				out = append(out, s)
			}
		}
		if len(out) == before {
			break
		}
	}
	return out
}

func all(set map[string]bool, ids []string) bool {
	for _, id := range ids {
		if !set[id] {
			return false
		}
	}
	return true
}
