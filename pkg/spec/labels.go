package spec

import (
	"fmt"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// labels are labels in file order.
type labels []label

type label struct {
	key, value string
	at         place
}

func (*labels) wants() string { return "a map of labels such as {role: db}" }

// read takes values as they are written: a label's value is text, even where
// it looks like a number.
func (l *labels) read(r *reader, n node) bool {
	if n.Kind != yaml.MappingNode {
		r.mismatch(n, l.wants())
		return false
	}
	entries, good := r.entries(n)
	for _, e := range entries {
		one := label{key: e.name, at: place{e.keyPos, e.value.path}}
		lit, ok := r.literal(e.value, "text")
		switch {
		case !ok:
		case lit.tag == "!!null" && !lit.variable:
			r.wrong(e.value.place, `wants text, found nothing (write "" for an empty label)`)
			ok = false
		default:
			one.value = lit.text
			ok = r.label(one, e.value.place)
		}
		good = good && ok
		*l = append(*l, one)
	}
	return good
}

// reserved are the beginnings of label keys that Docker keeps for itself (moby
// opts/opts.go, ValidateLabel).
func reserved() []string { return []string{"com.docker.", "io.docker.", "org.dockerproject."} }

// ownPrefix begins the node labels in which swarmup keeps what it must remember.
const ownPrefix = "swarmup."

// label checks what is true of engine labels and node labels alike.
func (r *reader) label(l label, valueAt place) bool {
	if text := badLabelKey(l.key); text != "" {
		r.wrong(l.at, "%s", text)
		return false
	}
	if strings.ContainsFunc(l.value, unicode.IsControl) {
		r.wrong(valueAt, "a label's value has no line breaks and no control characters")
		return false
	}
	return true
}

func badLabelKey(key string) string {
	lower := strings.ToLower(key)
	for _, prefix := range reserved() {
		if strings.HasPrefix(lower, prefix) {
			return fmt.Sprintf("labels that begin with %s are reserved for Docker", prefix)
		}
	}
	switch {
	case key == "":
		return "a label needs a key"
	case strings.Contains(key, "${"):
		return "variables are replaced in values only, never in keys"
	case strings.Contains(key, "="):
		return fmt.Sprintf("the label key %q holds a =", key)
	case strings.ContainsFunc(key, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }):
		return fmt.Sprintf("the label key %q holds white space", key)
	}
	return ""
}

// over gives base with these labels set, in a map of its own; nil for none.
func (l labels) over(base map[string]string) map[string]string {
	if len(base)+len(l) == 0 {
		return nil
	}
	out := make(map[string]string, len(base)+len(l))
	for k, v := range base {
		out[k] = v
	}
	for _, one := range l {
		out[one.key] = one.value
	}
	return out
}
