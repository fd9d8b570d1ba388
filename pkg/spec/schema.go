package spec

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
)

// Schema gives the JSON Schema (draft 2020-12) of cluster.yaml, for editors. It
// is made from the same types that Parse reads, and is the weaker of the two:
// what Parse accepts it accepts, and it catches mistakes in keys, types and
// single values only.
func Schema() ([]byte, error) {
	s := reflector().Reflect(topKeys{})
	s.Title = "cluster.yaml"
	s.Description = "A Docker swarm for swarmup."
	s.PatternProperties = map[string]*jsonschema.Schema{"^x-": jsonschema.TrueSchema}
	loosen(s, s.Definitions)
	for _, def := range s.Definitions {
		loosen(def, s.Definitions)
	}
	maps.DeleteFunc(s.Definitions, func(_ string, def *jsonschema.Schema) bool { return def.Type != "object" })
	out, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return append(out, '\n'), nil
}

func reflector() *jsonschema.Reflector {
	return &jsonschema.Reflector{
		Anonymous:                  true,
		ExpandedStruct:             true,
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		Namer:                      func(t reflect.Type) string { return strings.TrimSuffix(t.Name(), "Keys") },
		LookupComment: func(t reflect.Type, field string) string {
			if t.Kind() != reflect.Struct {
				return ""
			}
			f, _ := t.FieldByName(field)
			return f.Tag.Get("doc")
		},
	}
}

// JSONSchemaAlias makes a value look like what it holds.
func (val[T]) JSONSchemaAlias() any { return *new(T) }

// JSONSchemaAlias makes a list look like its elements.
func (list[T]) JSONSchemaAlias() any { return []T{} }

// JSONSchema allows what the reader takes as written: scalars of any type.
func (labels) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "object", AdditionalProperties: anyOf("string", "number", "boolean")}
}

// JSONSchema allows what the reader takes as written: scalars of any type.
func (variables) JSONSchema() *jsonschema.Schema { return labels{}.JSONSchema() }

// JSONSchema allows any keys: they are daemon.json's.
func (settings) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "object"} }

// JSONSchema allows a number of bytes too.
func (size) JSONSchema() *jsonschema.Schema {
	s := anyOf("string", "integer")
	s.Examples = []any{"512m", "2g"}
	return s
}

// JSONSchema describes a duration as Go spells it.
func (duration) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{
		Type: "string", Examples: []any{"2160h"},
		Pattern: `^\+?([0-9]*\.?[0-9]*(h|m|s|ms|us|µs|ns))+$`,
	}
}

// JSONSchema gives the words, and allows what has a slash.
func (installWord) JSONSchema() *jsonschema.Schema {
	words := &jsonschema.Schema{Type: "string", Enum: []any{string(InstallDocker), string(InstallDistro), string(InstallNone)}}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{words, {Type: "string", Pattern: "/"}, variable()}}
}

// JSONSchema allows false, or a map that says where the key is kept.
func (lockWord) JSONSchema() *jsonschema.Schema {
	r := reflector()
	r.DoNotReference = true
	keys := r.Reflect(lockKeys{})
	keys.Version = ""
	loosen(keys, nil)
	off := &jsonschema.Schema{Type: "boolean", Enum: []any{false}}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{off, variable(), keys}}
}

// JSONSchema allows a name, or a map of one name to its settings.
func (providerKeys) JSONSchema() *jsonschema.Schema {
	r := reflector()
	r.DoNotReference = true
	docker := r.Reflect(dockerKeys{})
	docker.Version = ""
	byName := &jsonschema.Schema{
		Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema,
		MinProperties: number(1), MaxProperties: number(1),
	}
	byName.Properties.Set("docker", orNull(docker))
	byName.Properties.Set("ssh", orNull(&jsonschema.Schema{Type: "object", MaxProperties: number(0)}))
	word := &jsonschema.Schema{Type: "string"}
	for _, name := range knownProviders() {
		word.Enum = append(word.Enum, name)
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{word, variable(), byName}}
}

// loosen lets every property be a variable where its value is limited, and
// nothing at all where nothing is the same as no key.
func loosen(s *jsonschema.Schema, defs jsonschema.Definitions) {
	if s.Properties == nil {
		return
	}
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		p.Value = loose(p.Value, defs)
	}
}

func loose(s *jsonschema.Schema, defs jsonschema.Definitions) *jsonschema.Schema {
	bare := *s
	if def := defs[strings.TrimPrefix(s.Ref, "#/$defs/")]; def != nil && def.Type != "object" {
		bare = *def
	}
	examples := s.Examples
	if len(examples) == 0 {
		examples = bare.Examples
	}
	bare.Description, bare.Examples = "", nil
	var alternatives []*jsonschema.Schema
	switch {
	case bare.Ref != "" || bare.Type == "array" || bare.Type == "object":
		alternatives = orNull(&bare).AnyOf
	case bare.Type == "string" && bare.Enum == nil && bare.Pattern == "":
		return s
	case len(bare.AnyOf) > 0:
		alternatives = bare.AnyOf
	default:
		alternatives = []*jsonschema.Schema{&bare, variable()}
	}
	return &jsonschema.Schema{Description: s.Description, Examples: examples, AnyOf: alternatives}
}

func orNull(s *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}}
}

// variable matches a text with a variable in it, such as ${COUNT}.
func variable() *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Pattern: `\$`} }

func anyOf(types ...string) *jsonschema.Schema {
	s := &jsonschema.Schema{}
	for _, t := range types {
		s.AnyOf = append(s.AnyOf, &jsonschema.Schema{Type: t})
	}
	return s
}

func number(n uint64) *uint64 { return &n }
