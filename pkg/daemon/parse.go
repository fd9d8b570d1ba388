package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// FileError is a place where a file is not the JSON that dockerd reads.
type FileError struct {
	Line int // from 1
	Col  int // from 1, in bytes
	Text string
}

// Error gives daemon.json:LINE:COL: and what is wrong there.
func (e *FileError) Error() string {
	return fmt.Sprintf("daemon.json:%d:%d: %s", e.Line, e.Col, e.Text)
}

// bom is the UTF-8 byte order mark.
const bom = "\xef\xbb\xbf"

// parse reads daemon.json. An empty file is an empty object, and a UTF-8 byte
// order mark is passed over, as dockerd does (moby daemon/config/config.go,
// getConflictFreeConfiguration). A repeated key, which dockerd resolves in
// silence, is an error.
func parse(file []byte) (*document, error) {
	body := bytes.TrimPrefix(file, []byte(bom))
	d := &document{indent: "  "}
	if len(bytes.TrimSpace(body)) == 0 {
		return d, nil
	}
	if err := syntax(body); err != nil {
		return nil, err
	}
	if bytes.TrimSpace(body)[0] != '{' {
		return nil, fileError(body, leading(body), "not a JSON object")
	}
	members, err := object(body, 0, body)
	if err != nil {
		return nil, err
	}
	d.members = members
	if open := bytes.IndexByte(body, '{'); len(members) > 0 {
		if gap := body[open+1 : open+1+leading(body[open+1:])]; bytes.ContainsRune(gap, '\n') {
			d.indent = string(gap[bytes.LastIndexByte(gap, '\n')+1:])
		}
	}
	return d, nil
}

// syntax checks that body is one JSON value.
func syntax(body []byte) error {
	var v json.RawMessage
	err := json.Unmarshal(body, &v)
	var bad *json.SyntaxError
	if !errors.As(err, &bad) {
		return err
	}
	at := int(bad.Offset) - 1
	text := bad.Error()
	switch at = min(max(at, 0), len(body)-1); body[at] {
	case '/', '#':
		text = "JSON has no comments"
	case '}', ']':
		if before := bytes.TrimRight(body[:at], " \t\r\n"); bytes.HasSuffix(before, []byte(",")) {
			text = "JSON allows no comma after the last element"
		}
	}
	return fileError(body, at, text)
}

// object reads the members of the object in raw, which stands at offset in
// file, and checks the objects within for repeated keys.
func object(raw []byte, offset int, file []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var out []member
	seen := map[string]bool{}
	for dec.More() {
		start := int(dec.InputOffset())
		start += leading(raw[start:])
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		key, _ := tok.(string)
		if seen[key] {
			return nil, fileError(file, offset+start, fmt.Sprintf("key %q is there twice", key))
		}
		seen[key] = true
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		at := offset + int(dec.InputOffset()) - len(value)
		if err := unique(value, at, file); err != nil {
			return nil, err
		}
		out = append(out, member{key: key, raw: value, offset: at})
	}
	return out, nil
}

// unique checks a value for objects with repeated keys.
func unique(raw []byte, offset int, file []byte) error {
	switch raw[0] {
	case '{':
		_, err := object(raw, offset, file)
		return err
	case '[':
		_, err := array(raw, offset, file)
		return err
	}
	return nil
}

// array reads the elements of the array in raw.
func array(raw []byte, offset int, file []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var out []member
	for dec.More() {
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		at := offset + int(dec.InputOffset()) - len(value)
		if err := unique(value, at, file); err != nil {
			return nil, err
		}
		out = append(out, member{raw: value, offset: at})
	}
	return out, nil
}

// leading counts the bytes before the next value: white space and a comma.
func leading(b []byte) int { return len(b) - len(bytes.TrimLeft(b, " \t\r\n,")) }

func fileError(file []byte, at int, text string) *FileError {
	before := file[:at]
	return &FileError{
		Line: bytes.Count(before, []byte("\n")) + 1,
		Col:  at - bytes.LastIndexByte(before, '\n'),
		Text: text,
	}
}
