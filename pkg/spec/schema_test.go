package spec

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func TestTheSchemaAcceptsEveryGoodFile(t *testing.T) {
	s := compile(t)
	files := map[string]string{"example": string(read(t, "../../examples/cluster.yaml"))}
	for _, provider := range knownProviders() {
		text, err := Starter(provider)
		if err != nil {
			t.Fatal(err)
		}
		files["starter for "+provider] = string(text)
	}
	for _, f := range goodFiles() {
		files[f.name] = f.file
	}
	for name, file := range files {
		v, ok := asJSON(t, file)
		if !ok {
			t.Errorf("%s is not JSON", name)
			continue
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// inReach matches the mistakes that a schema can see: those of keys, types,
// words and ranges.
var inReach = regexp.MustCompile(`unknown key|unknown provider|unknown value|(name|managers|provider): missing|not supported yet|wants (a|text|true)|is not between|is no name`)

func TestTheSchemaRejectsWhatItCanSee(t *testing.T) {
	s := compile(t)
	rejected := 0
	// What the schema lets pass: JSON has no tags, no octal numbers and no
	// difference between 22 and 22.0, and variables are not replaced.
	blind := []string{
		"a tag that nobody knows",
		"a fraction for a whole number", "an octal number", "managers that are nothing", "text for a size", "negative memory", "memory without a unit",
		"a network without room", "nothing in daemon.json", "infinity in daemon.json", "a hexadecimal number in daemon.json",
		"a variable that is no number", "a value out of a variable is never shown",
	}
	for _, m := range allMistakes() {
		v, ok := asJSON(t, m.file)
		if !ok {
			continue
		}
		err := s.Validate(v)
		if err != nil {
			rejected++
		}
		if inReach.MatchString(m.want) && (err == nil) != slices.Contains(blind, m.name) {
			t.Errorf("%s: passes the schema: %t: %s", m.name, err == nil, m.want)
		}
	}
	if rejected < 60 {
		t.Errorf("only %d files were rejected", rejected)
	}
}

// The schema and the reader are made from the same fields; this finds a section
// that one of them does not reach.
func TestTheSchemaKnowsTheKeysOfTheReader(t *testing.T) {
	raw, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	type section struct {
		Properties map[string]json.RawMessage
	}
	var schema struct {
		section
		Defs map[string]section `json:"$defs"`
	}
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	schema.Defs["top"] = schema.section
	for _, s := range sections() {
		name := strings.TrimSuffix(s.keys.Name(), "Keys")
		if name == "docker" || name == "lock" {
			continue // stands within the provider, or autolock
		}
		var got []string
		for key := range schema.Defs[name].Properties {
			got = append(got, key)
		}
		want := names(keysOf(s.keys))
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want-, got+:\n%s", name, diff)
		}
	}
}

func TestEveryKeyIsDescribed(t *testing.T) {
	for _, s := range sections() {
		for _, k := range keysOf(s.keys) {
			if (k.doc == "") != k.later || k.name == "" {
				t.Errorf("%s %+v: a key that works has a description, a planned one has none", s.title, k)
			}
		}
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("cluster.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("cluster.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON gives a YAML file as an editor's schema checker sees it; false for
// what is no YAML or has no equal in JSON.
func asJSON(t *testing.T, file string) (any, bool) {
	t.Helper()
	var v any
	if yaml.Unmarshal([]byte(strings.TrimPrefix(file, "\n")), &v) != nil {
		return nil, false
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	out, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	return out, err == nil
}
