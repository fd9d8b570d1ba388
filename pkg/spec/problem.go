package spec

import (
	"cmp"
	"slices"
	"strings"
)

// Errors is what Parse returns for a file with mistakes: all of them, sorted by
// their place in the file.
type Errors struct {
	// Problems are the mistakes; there is at least one.
	Problems []Problem
}

// Error gives one line for each mistake: FILE:LINE:COL: PATH: TEXT.
func (e *Errors) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// String gives FILE:LINE:COL: PATH: TEXT; a problem of the whole file has no PATH.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Pos.String() + ": " + p.Text
	}
	return p.Pos.String() + ": " + p.Path + ": " + p.Text
}

// inOrder sorts problems by place and drops those that say the same of the
// same place: an anchored value is read once for each of its aliases.
func inOrder(problems []Problem) []Problem {
	out := slices.Clone(problems)
	slices.SortStableFunc(out, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Text, b.Text),
			cmp.Compare(a.Path, b.Path))
	})
	return slices.CompactFunc(out, func(a, b Problem) bool {
		return a.Pos == b.Pos && a.Text == b.Text
	})
}
