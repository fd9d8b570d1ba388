package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// merger compares and edits in one go, so that Diff and Apply cannot disagree.
type merger struct {
	file     []byte
	doc      *document
	was      Owned    // settled
	unloaded []Change // written before, perhaps never loaded
	live     Live
	changes  []Change
	next     Owned
	edited   bool
}

func merge(file []byte, owned Owned, live Live, want Want) (*merger, error) {
	doc, err := parse(file)
	if err != nil {
		return nil, err
	}
	m := &merger{file: bytes.TrimPrefix(file, []byte(bom)), doc: doc, live: live}
	m.was, m.unloaded = owned.settle(file)
	m.next.Opened = m.was.Opened
	if err := m.keys(want.Keys); err != nil {
		return nil, err
	}
	for _, l := range []struct {
		list
		want, live, was []string
		next            *[]string
	}{
		{labelList(), labelTexts(want.Labels), labelTexts(live.Labels), m.was.Labels, &m.next.Labels},
		{insecureList(), want.InsecureRegistries, live.InsecureRegistries, m.was.InsecureRegistries, &m.next.InsecureRegistries},
		{mirrorList(), want.RegistryMirrors, live.RegistryMirrors, m.was.RegistryMirrors, &m.next.RegistryMirrors},
	} {
		e := listEdit{list: l.list, m: m, want: l.want, live: l.live, was: l.was}
		if *l.next, err = e.run(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func labelTexts(labels map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, k+"="+labels[k])
	}
	return out
}

func (m *merger) change(c Change) { m.changes = append(m.changes, c) }

func (m *merger) patch() Patch {
	slices.SortFunc(m.changes, func(a, b Change) int { return strings.Compare(a.Key, b.Key) })
	p := Patch{Changes: m.changes, Effect: None}
	for _, c := range m.changes {
		switch e := c.Effect(); {
		case e == Restart, e == Reload && p.Effect == None:
			p.Effect = e
		}
	}
	return p
}

func (m *merger) owned() Owned {
	o := m.next
	for _, s := range [][]string{o.Keys, o.Labels, o.InsecureRegistries, o.RegistryMirrors, o.Emptied} {
		slices.Sort(s)
	}
	return o
}

func (m *merger) wasUnloaded(key string) (Change, bool) {
	i := slices.IndexFunc(m.unloaded, func(c Change) bool { return c.Key == key })
	if i < 0 {
		return Change{}, false
	}
	return m.unloaded[i], true
}

// keys brings the whole keys in line.
func (m *merger) keys(want map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if want[key] == nil {
			continue
		}
		if isList(key) {
			return fmt.Errorf("set %q: it has a field of its own", key)
		}
		if err := m.key(key, want[key]); err != nil {
			return err
		}
	}
	for _, key := range m.was.Keys {
		if want[key] != nil {
			continue
		}
		if old, ok := m.doc.get(key); ok {
			m.doc.remove(key)
			m.edited = true
			m.change(Change{Key: key, From: decode(old.raw)})
		} else if c, ok := m.wasUnloaded(key); ok {
			m.change(Change{Key: key, From: c.From})
		}
	}
	return nil
}

// key brings one wanted key in line.
func (m *merger) key(key string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("set %q: %w", key, err)
	}
	if slices.Contains(m.live.Flags, key) {
		return &FlagError{Key: key}
	}
	mine := slices.Contains(m.was.Keys, key)
	to := decode(raw)
	old, ok := m.doc.get(key)
	if ok && equal(decode(old.raw), to) {
		if c, ok := m.wasUnloaded(key); ok {
			m.change(Change{Key: key, From: c.From, To: to})
		}
	} else {
		c := Change{Key: key, To: to}
		if ok {
			c.From = decode(old.raw)
		}
		m.change(c)
		if err := m.doc.set(key, to); err != nil {
			return fmt.Errorf("set %q: %w", key, err)
		}
		m.edited, mine = true, true
	}
	if mine {
		m.next.Keys = append(m.next.Keys, key)
	}
	return nil
}
