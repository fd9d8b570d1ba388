package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// document is a JSON object whose members keep their order and their spelling.
type document struct {
	members []member
	indent  string // of a member
}

type member struct {
	key    string
	raw    []byte // as it stands in the file
	offset int    // of raw in the file
}

func (d *document) get(key string) (member, bool) {
	for _, m := range d.members {
		if m.key == key {
			return m, true
		}
	}
	return member{}, false
}

// set replaces the value of a key where it stands, or appends it.
func (d *document) set(key string, value any) error {
	raw, err := d.encode(value)
	if err != nil {
		return err
	}
	for i := range d.members {
		if d.members[i].key == key {
			d.members[i].raw = raw
			return nil
		}
	}
	d.members = append(d.members, member{key: key, raw: raw})
	return nil
}

func (d *document) remove(key string) {
	var kept []member
	for _, m := range d.members {
		if m.key != key {
			kept = append(kept, m)
		}
	}
	d.members = kept
}

// encode writes a value as it looks inside the document.
func (d *document) encode(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent(d.indent, strings.Repeat(" ", max(len(d.indent), 1)))
	if strings.HasPrefix(d.indent, "\t") {
		enc.SetIndent(d.indent, "\t")
	}
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

func (d *document) render() []byte {
	if len(d.members) == 0 {
		return []byte("{}\n")
	}
	var b bytes.Buffer
	for i, m := range d.members {
		b.WriteString([]string{"{\n", ",\n"}[min(i, 1)])
		key, _ := d.encode(m.key)
		fmt.Fprintf(&b, "%s%s: %s", d.indent, key, m.raw)
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}
