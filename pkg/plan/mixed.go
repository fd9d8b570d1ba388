package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/spec"
)

// mixed notes that engines of members have different versions, where the file does
// not say which they are to have: with it apply changes them.
func (l *liveDiff) mixed() {
	by := map[string][]string{}
	for _, p := range l.pairs {
		if p.entry != nil && p.entry.Version != "" && p.node.Engine.Version == "" {
			by[p.entry.Version] = append(by[p.entry.Version], p.node.Name)
		}
	}
	if len(by) < 2 {
		return
	}
	var versions []string
	for v := range by {
		versions = append(versions, v)
	}
	slices.SortFunc(versions, spec.CompareVersions)
	var parts []string
	for _, v := range versions {
		parts = append(parts, fmt.Sprintf("%s on %s", v, some(by[v])))
	}
	l.notes = append(l.notes, Finding{
		Text: "engines have different versions: " + strings.Join(parts, "; "), Hint: "engine.version in the file makes them one",
	})
}

// some lists names, of many the first.
func some(names []string) string {
	const most = 5
	if n := len(names); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n-most)
	}
	return strings.Join(names, ", ")
}
