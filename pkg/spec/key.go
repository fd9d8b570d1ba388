package spec

import (
	"reflect"
	"strconv"
	"strings"
)

// key is one key of a section, as the tags of its field describe it. The same
// tags make the JSON Schema and the reference page.
type key struct {
	name     string
	doc      string
	example  string
	index    []int // of the field
	required bool
	later    bool // a key that is planned and not supported yet
	enum     []string
	min, max *float64
}

// later is the type of the keys that the design has and this version does not
// honour: they are refused where they stand, never accepted in silence.
type later struct{}

// keysOf gives the keys of a section in the order of its fields; those of an
// embedded section are its own.
func keysOf(t reflect.Type) []key {
	var keys []key
	for f := range t.Fields() {
		if f.Anonymous {
			for _, k := range keysOf(f.Type) {
				k.index = append([]int{f.Index[0]}, k.index...)
				keys = append(keys, k)
			}
			continue
		}
		keys = append(keys, keyOf(f))
	}
	return keys
}

func keyOf(f reflect.StructField) key {
	k := key{name: f.Tag.Get("yaml"), doc: f.Tag.Get("doc"), index: f.Index}
	k.later = f.Type == reflect.TypeFor[later]()
	for tag := range strings.SplitSeq(f.Tag.Get("jsonschema"), ",") {
		word, value, _ := strings.Cut(tag, "=")
		switch word {
		case "required":
			k.required = true
		case "enum":
			k.enum = append(k.enum, value)
		case "example":
			k.example = value
		case "minimum":
			k.min = limitOf(value)
		case "maximum":
			k.max = limitOf(value)
		}
	}
	return k
}

func limitOf(s string) *float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil
	}
	return &f
}

// slot is the field of this key in a section.
func (k key) slot(section reflect.Value) slot {
	s, _ := section.FieldByIndex(k.index).Addr().Interface().(slot)
	return s
}

// names are the keys that may be written.
func names(keys []key) []string {
	var out []string
	for _, k := range keys {
		if !k.later {
			out = append(out, k.name)
		}
	}
	return out
}

// limit checks a good value against the limits of its key.
func (v *val[T]) limit(r *reader, k key) {
	if !v.good {
		return
	}
	before := len(r.problems)
	switch x := any(v.v).(type) {
	case string:
		r.oneOf(v.at, x, k.enum)
	case int:
		r.within(v.at, float64(x), k)
	case float64:
		r.within(v.at, x, k)
	}
	v.good = len(r.problems) == before
}

func (r *reader) oneOf(at place, word string, known []string) {
	if len(known) == 0 {
		return
	}
	for _, k := range known {
		if word == k {
			return
		}
	}
	r.wrong(at, "unknown value %q%s", word, suggest(word, known))
}

func (r *reader) within(at place, x float64, k key) {
	text := strconv.FormatFloat(x, 'f', -1, 64)
	switch {
	case k.min != nil && k.max != nil && (x < *k.min || x > *k.max):
		r.wrong(at, "%s is not between %v and %v", text, *k.min, *k.max)
	case k.min != nil && x < *k.min:
		r.wrong(at, "%s is less than %v", text, *k.min)
	case k.max != nil && x > *k.max:
		r.wrong(at, "%s is more than %v", text, *k.max)
	}
}
