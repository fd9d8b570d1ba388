package spec

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// settings are keys of daemon.json with the values that JSON knows: string,
// bool, int, float64, []any and map[string]any.
type settings map[string]any

func (*settings) wants() string { return "a map of daemon.json keys" }

func (s *settings) read(r *reader, n node) bool {
	if n.Kind != yaml.MappingNode {
		r.mismatch(n, s.wants())
		return false
	}
	entries, good := r.entries(n)
	*s = make(settings, len(entries))
	for _, e := range entries {
		v, ok := r.anything(e.value)
		(*s)[e.name] = v
		good = good && ok
	}
	for _, e := range entries {
		if why := refusedSetting(e.name, *s); why != "" {
			r.wrong(place{e.keyPos, e.value.path}, "%s", why)
			good = false
		}
		r.unknownSetting(e)
	}
	return good
}

// refusedSetting says why a key of daemon.json may not be set, "" if it may. all
// are the keys that stand together.
func refusedSetting(key string, all settings) string {
	if strings.Contains(key, "_") {
		return fmt.Sprintf("keys of daemon.json are spelled with hyphens (did you mean %q?)", strings.ReplaceAll(key, "_", "-"))
	}
	return daemon.Refused(key, all)
}

// unknownSetting remarks on a key that no engine knows. It is no mistake: the
// engine may be newer than what is known here, and has the last word.
func (r *reader) unknownSetting(e entry) {
	if _, ok := daemon.KeyOf(e.name); ok || strings.Contains(e.name, "_") {
		return
	}
	var known []string
	for _, k := range daemon.Keys() {
		known = append(known, k.Name)
	}
	hint := ""
	if near := Nearest(e.name, known); near != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	r.remarks = append(r.remarks, Problem{
		Pos: e.keyPos, Path: e.value.path,
		Text: fmt.Sprintf("no engine from 20.10 to 29 knows this key of daemon.json%s: it is taken for one that needs a restart", hint),
	})
}

// anything reads a value of no fixed type.
func (r *reader) anything(n node) (any, bool) {
	switch {
	case n.Kind == yaml.MappingNode && n.ShortTag() == "!!map":
		return r.object(n)
	case n.Kind == yaml.SequenceNode && n.ShortTag() == "!!seq":
		out, good := make([]any, len(n.Content)), true
		for i, c := range n.Content {
			v, ok := r.anything(r.node(c, item(n.path, i)))
			out[i], good = v, good && ok
		}
		return out, good
	}
	const wants = "a value that JSON knows"
	l, ok := r.literal(n, wants)
	if !ok {
		return nil, false
	}
	if v, ok := l.value(); ok {
		return v, true
	}
	r.wrong(n.place, "wants %s, found %s", wants, l.found())
	return nil, false
}

func (r *reader) object(n node) (any, bool) {
	entries, good := r.entries(n)
	out := make(map[string]any, len(entries))
	for _, e := range entries {
		v, ok := r.anything(e.value)
		out[e.name], good = v, good && ok
	}
	return out, good
}

// value gives a scalar as JSON has it; false for null and for numbers that are
// not decimal.
func (l literal) value() (any, bool) {
	switch l.tag {
	case "!!str", "!!timestamp":
		return l.text, true
	case "!!bool":
		return strings.EqualFold(l.text, "true"), true
	case "!!int":
		i, err := strconv.Atoi(l.text)
		return i, err == nil && decimal.MatchString(l.text)
	case "!!float":
		return l.float()
	}
	return nil, false
}
