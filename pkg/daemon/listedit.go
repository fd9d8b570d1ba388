package daemon

import (
	"encoding/json"
	"slices"
	"strings"
)

// listEdit brings one list in line. All of its fields but m are element texts,
// was is names.
type listEdit struct {
	list
	m               *merger
	want, live, was []string

	have    []element
	present bool // the file has the key
	dirty   bool
	mine    []string // names
}

// run edits the list in the document and returns the names that are owned then.
func (e *listEdit) run() ([]string, error) {
	var err error
	if e.have, e.present, err = e.elements(e.m.doc, e.m.file); err != nil {
		return nil, err
	}
	var wanted []string // IDs
	for _, text := range e.want {
		if slices.Contains(wanted, e.id(text)) {
			continue
		}
		wanted = append(wanted, e.id(text))
		if err := e.add(text); err != nil {
			return nil, err
		}
	}
	for _, name := range e.was {
		if !slices.Contains(wanted, e.id(name)) {
			e.drop(name)
		}
	}
	if e.ordered {
		e.order(wanted)
	}
	if len(e.have) == 0 && (e.dirty || e.present && slices.Contains(e.m.was.Emptied, e.key)) {
		e.m.next.Emptied = append(e.m.next.Emptied, e.key)
	}
	if !e.dirty {
		return e.mine, nil
	}
	e.m.edited = true
	raws := []json.RawMessage{}
	for _, el := range e.have {
		raws = append(raws, el.raw)
	}
	return e.mine, e.m.doc.set(e.key, raws)
}

// add sees to one wanted element.
func (e *listEdit) add(text string) error {
	id := e.id(text)
	mine := slices.ContainsFunc(e.was, func(n string) bool { return e.id(n) == id })
	at := e.index(id)
	shown, isShown := e.find(e.live, id)
	loaded := isShown && e.value(shown) == e.value(text)
	change := Change{Key: e.key + "." + e.name(text), To: e.said(text)}
	switch {
	case at >= 0 && e.value(e.have[at].text) == e.value(text):
		if e.m.live.Known && !loaded {
			if isShown {
				change.From = e.said(shown)
			}
			e.m.change(change)
		} else if c, ok := e.unseen(change.Key); ok {
			change.From = c.From
			e.m.change(change)
		}
	case !mine && e.foreign() && loaded:
		// The command line has it already.
	case !mine && e.foreign():
		return &FlagError{Key: e.key, Live: e.live, Guessed: e.m.live.Flags == nil}
	default:
		if at >= 0 {
			change.From = e.said(e.have[at].text)
		}
		e.m.change(change)
		e.put(at, text)
		mine = true
	}
	if mine {
		e.mine = append(e.mine, e.name(text))
	}
	return nil
}

// unseen gives a change that was written before and perhaps never loaded, where
// the engine was not asked what it shows.
func (e *listEdit) unseen(key string) (Change, bool) {
	c, ok := e.m.wasUnloaded(key)
	return c, ok && !e.m.live.Known
}

// foreign says whether the engine has this list from its command line. Where
// that is not known it is guessed for labels, which have no defaults: the
// engine shows some that are not ours, and the file has no list.
func (e *listEdit) foreign() bool {
	if slices.Contains(e.m.live.Flags, e.key) {
		return true
	}
	if e.key != labelsKey || e.present || !e.m.live.Known || e.m.live.Flags != nil {
		return false
	}
	return slices.ContainsFunc(e.live, func(text string) bool { return !slices.Contains(e.was, e.id(text)) })
}

// put writes an element over the one at index at, or behind all others. Copies
// of it, which engines allow, go.
func (e *listEdit) put(at int, text string) {
	e.dirty = true
	raw, _ := e.m.doc.encode(text)
	el := element{raw: raw, text: text}
	if at < 0 {
		e.have = append(e.have, el)
		return
	}
	e.have[at] = el
	rest := slices.DeleteFunc(e.have[at+1:], func(o element) bool { return e.id(o.text) == e.id(text) })
	e.have = e.have[:at+1+len(rest)]
}

// drop takes out one element that is ours and not wanted. One that the engine
// still shows although the file has it no more needs the list to be there, be it
// empty, and a reload.
func (e *listEdit) drop(name string) {
	id := e.id(name)
	change := Change{Key: e.key + "." + name}
	if at := e.index(id); at >= 0 {
		change.From = e.said(e.have[at].text)
		e.have = slices.DeleteFunc(e.have, func(o element) bool { return e.id(o.text) == id })
		e.dirty = true
	} else if shown, ok := e.find(e.live, id); ok && e.m.live.Known && !slices.Contains(e.always, id) && !e.foreign() {
		if change.From = any(name); e.key == labelsKey {
			change.From = e.said(shown)
		}
		e.dirty = e.dirty || !e.present
	} else if c, ok := e.unseen(change.Key); ok {
		change.From = c.From
	} else {
		return
	}
	e.m.change(change)
}

// order puts the wanted elements into the wanted order, in the places that they
// have among others'.
func (e *listEdit) order(wanted []string) {
	var places []int
	var have, want []element
	for i, el := range e.have {
		if slices.Contains(wanted, e.id(el.text)) {
			places = append(places, i)
			have = append(have, el)
		}
	}
	for _, id := range wanted {
		if at := e.index(id); at >= 0 {
			want = append(want, e.have[at])
		}
	}
	texts := func(els []element) string {
		var out []string
		for _, el := range els {
			out = append(out, el.text)
		}
		return strings.Join(out, " ")
	}
	change := Change{Key: e.key, From: texts(have), To: texts(want)}
	if change.From == change.To || len(have) != len(want) {
		if c, ok := e.m.wasUnloaded(e.key); ok && len(want) > 0 {
			change.From = c.From
			e.m.change(change)
		}
		return
	}
	for i, at := range places {
		e.have[at] = want[i]
	}
	e.dirty = true
	e.m.change(change)
}

func (e *listEdit) index(id string) int {
	return slices.IndexFunc(e.have, func(o element) bool { return e.id(o.text) == id })
}
