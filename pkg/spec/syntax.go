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

// syntax says where a file stops being YAML, and why.
//
// yaml.v3 gives no column, and for many mistakes no line, that of the line
// before, or that of the block they are in. But it reads from front to back:
// whatever it stumbles over, it stumbles over as well where the file ends right
// behind that. So the place is the end of the shortest beginning of the file
// that has the same mistake.
func (r *reader) syntax(data []byte, err error) (Pos, string) {
	why := yamlLine.ReplaceAllString(err.Error(), "")
	wrong := func(head []byte) bool {
		_, err := parseYAML(head)
		return err != nil && yamlLine.ReplaceAllString(err.Error(), "") == why
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	starts := make([]int, len(lines)+1)
	for i, l := range lines {
		starts[i+1] = starts[i] + len(l)
	}
	n := sort.Search(len(lines)-1, func(i int) bool { return wrong(data[:starts[i+1]]) })
	line := []rune(string(lines[n]))
	col := sort.Search(len(line)-1, func(i int) bool {
		return wrong(append(bytes.Clone(data[:starts[n]]), string(line[:i+1])...))
	})
	pos := Pos{File: r.file, Line: n + 1, Col: max(1, col+1)}
	var at rune
	if col >= 0 && col < len(line) {
		at = line[col]
	}
	text := notYAML(why, at)
	if strings.Contains(why, "expected ',' or") && strings.Contains(string(line), "${") {
		text = "not YAML: within { } and [ ] a value that holds ${ needs quotes"
	}
	return pos, text
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
