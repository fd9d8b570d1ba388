package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxFile bounds the file, in bytes. A thousand nodes of ten lines each are a
// third of it.
const maxFile = 1 << 20

// root gives the top of the file's only document, or nil after it has reported
// why there is none.
func (r *reader) root(data []byte) *yaml.Node {
	if len(data) > maxFile {
		r.wrong(r.start(), "the file has %d bytes, at most %d are read", len(data), maxFile)
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if pos, text := r.badByte(data); text != "" {
		r.wrong(place{pos: pos}, "%s", text)
		return nil
	}
	docs, err := parseYAML(data)
	if err != nil {
		pos, text := r.syntax(data, err)
		r.wrong(place{pos: pos}, "%s", text)
		return nil
	}
	if len(docs) > 1 {
		r.wrong(place{pos: r.pos(docs[1])}, "a second document starts here: a file holds one cluster")
		return nil
	}
	if len(docs) == 0 || isNull(docs[0].Content[0]) {
		r.wrong(r.start(), "the file is empty")
		return nil
	}
	return docs[0].Content[0]
}

func (r *reader) start() place { return place{pos: Pos{File: r.file, Line: 1, Col: 1}} }

// parseYAML gives at most the first two documents.
func parseYAML(data []byte) (docs []*yaml.Node, err error) {
	// yaml.v3 panics with a string on events that it does not expect
	// (decode.go, parse); no file may end the program.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for len(docs) < 2 {
		doc := new(yaml.Node)
		err := dec.Decode(doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	return docs, nil
}

// badByte finds the first character that YAML does not allow at all (YAML 1.2,
// production c-printable), since yaml.v3 says nothing of its place. Characters
// that yaml.v3 takes for the end of a line and editors do not are refused too:
// every line number after them would be wrong.
func (r *reader) badByte(data []byte) (Pos, string) {
	pos := Pos{File: r.file, Line: 1, Col: 1}
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			return pos, fmt.Sprintf("the byte 0x%02x is not UTF-8 text", data[i])
		case !printable(c), c == '\r' && !bytes.HasPrefix(data[i:], []byte("\r\n")):
			return pos, fmt.Sprintf("the control character %U is not allowed", c)
		}
		pos.Col++
		if c == '\n' {
			pos.Line, pos.Col = pos.Line+1, 1
		}
		i += size
	}
	return Pos{}, ""
}

func printable(c rune) bool {
	switch {
	case c == '\t', c == '\n', c == '\r':
		return true
	case c == 0x2028, c == 0x2029:
		return false
	case c >= 0x20 && c <= 0x7E:
		return true
	case c >= 0xA0 && c <= 0xFFFD && c != 0xFEFF:
		return true
	}
	return c >= 0x10000
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}
