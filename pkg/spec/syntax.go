package spec

import (
	"bytes"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

// yamlLine is how yaml.v3 begins a message that has a line.
var yamlLine = regexp.MustCompile(`^(yaml: )?(line \d+: )?`)

// maxTries bounds what is parsed to find a place thoroughly, in bytes.
const maxTries = 16 << 20

// syntax says where a file stops being YAML, and why.
//
// yaml.v3 gives no column, and for many mistakes no line, that of the line
// before, or that of the block they are in. But it reads from front to back:
// whatever it stumbles over, it stumbles over as well where the file ends right
// behind that. So the place is the end of the shortest beginning of the file
// from which on every longer one has the same mistake. Where more text would
// mend such a beginning, as in an open list, it is not yet the mistake.
func (r *reader) syntax(data []byte, err error) (Pos, string) {
	why := reason(err)
	same := stumbles(data, why)
	lines := bytes.SplitAfter(data, []byte("\n"))
	starts := make([]int, len(lines)+1)
	for i, l := range lines {
		starts[i+1] = starts[i] + len(l)
	}
	n := first(len(lines), len(data), func(i int) bool { return same(data[:starts[i+1]]) })
	line := []rune(string(lines[n]))
	col := first(len(line), starts[n+1], func(i int) bool {
		return same(append(bytes.Clone(data[:starts[n]]), string(line[:i+1])...))
	})
	pos := Pos{File: r.file, Line: n + 1, Col: col + 1}
	if strings.Contains(why, "expected ',' or") && strings.Contains(string(line), "${") {
		return pos, "not YAML: within { } and [ ] a value that holds ${ needs quotes"
	}
	var at rune
	if col < len(line) {
		at = line[col]
	}
	return pos, notYAML(why, at)
}

// reason is what yaml.v3 says, without the place.
func reason(err error) string { return yamlLine.ReplaceAllString(err.Error(), "") }

// stumbles gives the question whether a beginning of data has its mistake.
func stumbles(data []byte, why string) func(head []byte) bool {
	fails := func(text ...[]byte) bool {
		_, err := parseYAML(bytes.Join(text, nil))
		return err != nil && reason(err) == why
	}
	more := []byte(" more")
	mended := !fails(data, more)
	return func(head []byte) bool { return fails(head) && (mended || fails(head, more)) }
}

// first gives the first of n beginnings of a text of that many bytes from which
// on all are bad; the last is. Where asking each would take too long it takes
// the first bad one that it meets, which nearly always is the same.
func first(n, size int, bad func(int) bool) int {
	if n*size > maxTries {
		return sort.Search(n-1, bad)
	}
	i := max(n-1, 0)
	for i > 0 && bad(i-1) {
		i--
	}
	return i
}

// notYAML puts the words of yaml.v3 so that a user can act on them; at is the
// character it stumbled over.
func notYAML(why string, at rune) string {
	switch {
	case at == '\t' && strings.Contains(why, "tab") || at == '\t' && strings.Contains(why, "cannot start any token"):
		return "not YAML: a tab where spaces indent"
	case strings.Contains(why, "cannot start any token"):
		return fmt.Sprintf("not YAML: %q begins no value: put the value in quotes", at)
	case strings.HasPrefix(why, "mapping values are not allowed"):
		return "not YAML: no key may stand here: put a value that holds a colon in quotes, and see to the indentation"
	case why == "did not find expected key":
		return "not YAML: no key of the map above: see to the indentation"
	case why == "could not find expected ':'":
		return "not YAML: a key without a colon"
	case why == "found unexpected end of stream":
		return "not YAML: this quote is not closed"
	case why == "did not find expected node content":
		return "not YAML: a value or a closing bracket is missing"
	case why == "did not find expected ',' or ']'":
		return "not YAML: a comma or a closing ] is missing"
	case why == "did not find expected ',' or '}'":
		return "not YAML: a comma or a closing } is missing"
	case strings.HasPrefix(why, "unknown anchor '"):
		name := strings.TrimSuffix(strings.TrimPrefix(why, "unknown anchor '"), "' referenced")
		return fmt.Sprintf("not YAML: no anchor &%s before this alias", name)
	}
	return "not YAML: " + why
}
