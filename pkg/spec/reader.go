package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// reader turns YAML into the types of file.go and gathers what is wrong. It
// goes on after every mistake, so that all are found at once.
type reader struct {
	file     string
	env      environment
	problems []Problem
	remarks  []Problem // that do not make the file wrong
}

// wrong notes a mistake.
func (r *reader) wrong(at place, format string, args ...any) {
	r.problems = append(r.problems, Problem{Pos: at.pos, Path: at.path, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) pos(n *yaml.Node) Pos { return Pos{File: r.file, Line: n.Line, Col: n.Column} }

func (r *reader) place(n *yaml.Node, path string) place { return place{r.pos(n), path} }

// node is one value of the YAML tree, with aliases followed; its place is where
// it is used.
type node struct {
	*yaml.Node
	place
}

func (r *reader) node(n *yaml.Node, path string) node { return node{target(n), r.place(n, path)} }

// val is one value of the file with its place. The zero value stands for a key
// that is not there.
type val[T any] struct {
	v     T
	at    place
	given bool // its key is there
	good  bool // and the value is one of its type and within its limits
}

// list is a list of values.
type list[T any] []val[T]

// form is a type of value that reads itself.
type form interface {
	// read reports what is wrong and gives true if nothing is.
	read(r *reader, n node) bool
	// wants says what may be written, as in "a list".
	wants() string
}

// slot is what a key of a section leads to: a val of any type.
type slot interface {
	take(r *reader, n node)
	limit(r *reader, k key)
	wants() string
	empty() bool
	isGiven() bool
}

func (v *val[T]) take(r *reader, n node) {
	v.at, v.given = n.place, true
	v.good = r.into(n, &v.v)
}

func (v *val[T]) isGiven() bool { return v.given }

// wants says what may be written here.
func (v *val[T]) wants() string { return wants(&v.v) }

// empty says whether nothing at all, as in "labels:", is the same as no key.
func (v *val[T]) empty() bool {
	kind := reflect.TypeFor[T]().Kind()
	return kind == reflect.Struct || kind == reflect.Slice || kind == reflect.Map
}

func (l *list[T]) wants() string { return "a list" }

func (l *list[T]) read(r *reader, n node) bool {
	if n.Kind != yaml.SequenceNode || n.ShortTag() != "!!seq" {
		r.mismatch(n, l.wants())
		return false
	}
	good := true
	for i, c := range n.Content {
		var v val[T]
		v.take(r, r.node(c, item(n.path, i)))
		*l = append(*l, v)
		good = good && v.good
	}
	return good
}

// into reads a value by the type of what to points to.
func (r *reader) into(n node, to any) bool {
	switch to := to.(type) {
	case form:
		return to.read(r, n)
	case *string:
		return r.text(n, to)
	case *int:
		return r.whole(n, to)
	case *float64:
		return r.number(n, to)
	case *bool:
		return r.truth(n, to)
	}
	return r.section(n, reflect.ValueOf(to).Elem())
}

func wants(to any) string {
	switch to := to.(type) {
	case form:
		return to.wants()
	case *string:
		return "text"
	case *int:
		return "a whole number"
	case *float64:
		return "a number"
	case *bool:
		return "true or false"
	}
	return "a map"
}

// section reads a map whose keys are the fields of a struct.
func (r *reader) section(n node, s reflect.Value) bool {
	entries, good := r.entries(n)
	if entries == nil && !good {
		return false
	}
	keys := keysOf(s.Type())
	meant := map[string]bool{}
	for _, e := range entries {
		if n.path == "" && strings.HasPrefix(e.name, "x-") {
			continue
		}
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == e.name })
		switch {
		case i < 0:
			r.wrong(place{e.keyPos, n.path}, "unknown key %q%s", clip(e.name), suggest(e.name, names(keys)))
			meant[Nearest(e.name, names(keys))] = true
			good = false
		case keys[i].later:
			r.wrong(place{e.keyPos, e.value.path}, "not supported yet")
			good = false
		default:
			good = r.fill(keys[i], s, e.value) && good
		}
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return meant[k.name] })
	return r.complete(n, s, keys) && good
}

func (r *reader) fill(k key, s reflect.Value, n node) bool {
	v := k.slot(s)
	if v.empty() && isNull(n.Node) {
		return true
	}
	before := len(r.problems)
	v.take(r, n)
	v.limit(r, k)
	return len(r.problems) == before
}

// complete reports which of the keys are required and not there.
func (r *reader) complete(n node, s reflect.Value, keys []key) bool {
	good := true
	for _, k := range keys {
		if k.required && !k.slot(s).isGiven() {
			r.wrong(place{n.pos, child(n.path, k.name)}, "missing")
			good = false
		}
	}
	return good
}

// mismatch reports a value of another kind than is wanted.
func (r *reader) mismatch(n node, wants string) {
	r.wrong(n.place, "wants %s, found %s", wants, found(n.Node))
}
