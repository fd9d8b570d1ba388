package spec

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// decimal matches whole numbers. YAML knows octal, hexadecimal and binary ones
// as well, and 022 for 18: none of them is meant in this file.
var decimal = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)$`)

// literal is a scalar with its variables replaced.
type literal struct {
	text     string
	tag      string // of the text after replacement, such as !!int
	variable bool   // a variable was replaced
}

// literal gives a scalar's text; false after it has reported why there is none.
func (r *reader) literal(n node, wants string) (literal, bool) {
	if n.Kind != yaml.ScalarNode {
		r.mismatch(n, wants)
		return literal{}, false
	}
	l := literal{text: n.Value, tag: n.ShortTag()}
	if !strings.Contains(n.Value, "$") {
		return l, true
	}
	text, problems := r.env.expand(n.Value)
	for _, p := range problems {
		r.wrong(n.place, "%s", p)
	}
	if len(problems) > 0 {
		return literal{}, false
	}
	l.text, l.variable = text, text != n.Value
	if n.Style == 0 {
		plain := yaml.Node{Kind: yaml.ScalarNode, Value: text}
		l.tag = plain.ShortTag()
	}
	return l, true
}

// text reads a scalar that YAML takes for text. What a variable holds is text
// whatever it looks like.
func (r *reader) text(n node, to *string) bool {
	l, ok := r.literal(n, "text")
	if !ok {
		return false
	}
	switch {
	case l.text == "" && (l.variable || l.tag == "!!str"):
		r.wrong(n.place, "empty: write a value, or leave the key out")
		return false
	case l.tag != "!!str" && l.tag != "!!timestamp" && !l.variable:
		hint := ""
		if l.tag != "!!null" && strings.HasPrefix(l.tag, "!!") {
			hint = fmt.Sprintf(" (in quotes it is text: %q)", clip(l.text))
		}
		r.wrong(n.place, "wants text, found %s%s", l.found(), hint)
		return false
	}
	*to = l.text
	return true
}

func (r *reader) whole(n node, to *int) bool {
	l, ok := r.literal(n, "a whole number")
	if !ok {
		return false
	}
	i, err := strconv.Atoi(l.text)
	if l.tag != "!!int" && !l.variable || !decimal.MatchString(l.text) || err != nil {
		r.wrong(n.place, "wants a whole number, found %s", l.found())
		return false
	}
	*to = i
	return true
}

func (r *reader) number(n node, to *float64) bool {
	l, ok := r.literal(n, "a number")
	if !ok {
		return false
	}
	f, good := l.float()
	if !good {
		r.wrong(n.place, "wants a number, found %s", l.found())
		return false
	}
	*to = f
	return true
}

func (r *reader) truth(n node, to *bool) bool {
	l, ok := r.literal(n, "true or false")
	if !ok {
		return false
	}
	if l.text != "true" && l.text != "false" || l.tag != "!!bool" && !l.variable {
		r.wrong(n.place, "wants true or false, found %s", l.found())
		return false
	}
	*to = l.text == "true"
	return true
}

// float gives a decimal number.
func (l literal) float() (float64, bool) {
	if l.tag != "!!int" && l.tag != "!!float" && !l.variable {
		return 0, false
	}
	if l.tag == "!!int" && !decimal.MatchString(l.text) || strings.ContainsAny(l.text, "xX_") {
		return 0, false
	}
	f, err := strconv.ParseFloat(l.text, 64)
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}

// found names a value that is of the wrong kind.
func found(n *yaml.Node) string {
	switch {
	case n.ShortTag() == "!!map":
		return "a map"
	case n.ShortTag() == "!!seq":
		return "a list"
	}
	return literal{text: n.Value, tag: n.ShortTag()}.found()
}

func (l literal) found() string {
	switch l.tag {
	case "!!null":
		return "nothing"
	case "!!int", "!!float":
		return "the number " + clip(l.text)
	case "!!bool":
		return clip(l.text)
	case "!!str", "!!timestamp":
		return fmt.Sprintf("the text %q", clip(l.text))
	}
	return "the tag " + clip(l.tag)
}

// clip shortens a text for a message.
func clip(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}
