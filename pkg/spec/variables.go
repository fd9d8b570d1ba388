package spec

import (
	"maps"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// variables are environment variables, as they stand in the file.
type variables map[string]string

// variableName matches what shells and systemd take for the name of one (POSIX.1,
// Base Definitions, 8.1).
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (*variables) wants() string { return "a map of variables" }

// read takes values as they are written. No mistake shows one.
func (v *variables) read(r *reader, n node) bool {
	if n.Kind != yaml.MappingNode {
		r.mismatch(n, v.wants())
		return false
	}
	entries, good := r.entries(n)
	*v = make(variables, len(entries))
	for _, e := range entries {
		if !variableName.MatchString(e.name) {
			r.wrong(place{e.keyPos, e.value.path}, "%q is no name of a variable", clip(e.name))
			good = false
			continue
		}
		l, ok := r.literal(e.value, "text")
		switch {
		case !ok:
		case l.tag == "!!null" && !l.variable:
			r.wrong(e.value.place, `wants text, found nothing (write "" for an empty variable)`)
			ok = false
		case strings.ContainsFunc(l.text, unicode.IsControl) || !utf8.ValidString(l.text):
			r.wrong(e.value.place, "a variable has no line breaks and no control characters")
			ok = false
		}
		(*v)[e.name] = l.text
		good = good && ok
	}
	return good
}

// over gives base with these variables set; nil for none.
func (v variables) over(base Env) Env {
	if len(base)+len(v) == 0 {
		return nil
	}
	out := make(Env, len(base)+len(v))
	maps.Copy(out, base)
	maps.Copy(out, v)
	return out
}
