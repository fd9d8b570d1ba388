package daemon

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// list is how one of the three lists is read. An element is its text, such as
// "role=mgr"; its ID tells it from others, its value is what may change.
type list struct {
	key   string
	id    func(text string) string
	value func(text string) string
	// always holds IDs that every engine shows, set or not.
	always []string
	// ordered means that the engine goes by the order of the elements.
	ordered bool
}

func labelList() list {
	return list{
		key:   labelsKey,
		id:    func(s string) string { k, _, _ := strings.Cut(s, "="); return k },
		value: func(s string) string { _, v, _ := strings.Cut(s, "="); return v },
	}
}

// insecureList knows a network in any of its spellings, and a registry with or
// without a scheme, which engines drop (moby registry/config.go,
// loadInsecureRegistries; it also adds the loopback networks).
func insecureList() list {
	id := func(s string) string {
		s = strings.TrimPrefix(strings.TrimPrefix(s, "http://"), "https://")
		if p, err := netip.ParsePrefix(s); err == nil {
			return p.Masked().String()
		}
		return s
	}
	return list{key: insecureKey, id: id, value: id, always: []string{"127.0.0.0/8", "::1/128"}}
}

// mirrorList knows a mirror with or without its last slash, which engines add
// (moby registry/config.go, ValidateMirror).
func mirrorList() list {
	id := func(s string) string { return strings.TrimSuffix(s, "/") }
	return list{key: mirrorsKey, id: id, value: id, ordered: true}
}

// element is one string of a list as it stands in the file.
type element struct {
	raw  json.RawMessage
	text string
}

// elements reads a list of the document; present is false where it has none.
func (l list) elements(d *document, file []byte) (out []element, present bool, err error) {
	m, ok := d.get(l.key)
	if !ok {
		return nil, false, nil
	}
	wrong := func(at int, text string) error { return fileError(file, at, l.key+": "+text) }
	if m.raw[0] != '[' {
		return nil, true, wrong(m.offset, "not a list of strings")
	}
	values, err := array(m.raw, m.offset, file)
	if err != nil {
		return nil, true, err
	}
	seen := map[string]string{}
	for _, v := range values {
		e := element{raw: v.raw}
		if err := json.Unmarshal(v.raw, &e.text); err != nil || v.raw[0] != '"' {
			return nil, true, wrong(v.offset, "not a list of strings")
		}
		id, value := l.id(e.text), l.value(e.text)
		if old, ok := seen[id]; ok && old != value {
			return nil, true, wrong(v.offset, fmt.Sprintf("%q has two values", id))
		}
		seen[id] = value
		out = append(out, e)
	}
	return out, true, nil
}

// find gives the text of an element by its ID.
func (l list) find(texts []string, id string) (text string, ok bool) {
	i := slices.IndexFunc(texts, func(t string) bool { return l.id(t) == id })
	if i < 0 {
		return "", false
	}
	return texts[i], true
}

// said gives an element as a Change does: a label by its value, others whole.
func (l list) said(text string) any {
	if l.key == labelsKey {
		return l.value(text)
	}
	return text
}

// name gives what an element is called in Owned and in a Change's key: a label
// by its name, others whole.
func (l list) name(text string) string {
	if l.key == labelsKey {
		return l.id(text)
	}
	return text
}
