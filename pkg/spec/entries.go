package spec

import (
	"gopkg.in/yaml.v3"
)

// entry is one key of a map with its value.
type entry struct {
	name   string
	keyPos Pos
	value  node
}

// entries gives a map's entries in file order, then those that << merges in
// and that the map does not have itself. It reports what is no map, keys that
// are no text, and keys that are there twice; then it gives false.
func (r *reader) entries(n node) ([]entry, bool) {
	if n.Kind != yaml.MappingNode || n.ShortTag() != "!!map" {
		r.mismatch(n, "a map")
		return nil, false
	}
	m := entryMap{reader: r, lines: map[string]int{}, good: true}
	var merged []node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		name, ok := m.name(k, n.path)
		if !ok {
			continue
		}
		if target(k).ShortTag() == "!!merge" {
			merged = append(merged, r.node(v, n.path))
			continue
		}
		m.out = append(m.out, entry{name, r.pos(k), r.node(v, child(n.path, name))})
	}
	for _, v := range merged {
		m.merge(v)
	}
	return m.out, m.good
}

// entryMap gathers entries.
type entryMap struct {
	*reader
	out   []entry
	lines map[string]int // of the keys seen
	good  bool
}

// name gives the text of a key; false after it has reported that it cannot be one.
func (m *entryMap) name(k *yaml.Node, path string) (string, bool) {
	t := target(k)
	at := m.place(k, path)
	if t.Kind != yaml.ScalarNode || isNull(t) {
		m.wrong(at, "a key wants text, found %s", found(t))
		m.good = false
		return "", false
	}
	if line, seen := m.lines[t.Value]; seen {
		m.wrong(at, "duplicate key %q (first in line %d)", t.Value, line)
		m.good = false
		return "", false
	}
	m.lines[t.Value] = k.Line
	return t.Value, true
}

// merge adds the entries of a map, or of each map of a list, that are not there.
func (m *entryMap) merge(v node) {
	maps := []node{v}
	if v.Kind == yaml.SequenceNode {
		maps = maps[:0]
		for _, c := range v.Content {
			maps = append(maps, m.node(c, v.path))
		}
	}
	for _, one := range maps {
		if one.Kind != yaml.MappingNode {
			m.wrong(one.place, "<< wants a map or a list of maps, found %s", found(one.Node))
			m.good = false
			continue
		}
		entries, ok := m.entries(one)
		m.good = m.good && ok
		for _, e := range entries {
			if _, seen := m.lines[e.name]; !seen {
				m.lines[e.name] = e.keyPos.Line
				m.out = append(m.out, e)
			}
		}
	}
}
