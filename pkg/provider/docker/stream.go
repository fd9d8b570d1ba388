package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readStream reads what the engine says while it builds, pulls or imports, to
// its end. It returns the ID of the image that came out of it, if it was named.
// progress is told every line and may be nil.
func readStream(r io.Reader, progress func(string)) (id string, err error) {
	dec := json.NewDecoder(r)
	var last string
	for {
		var msg struct {
			Stream, Status, Error string
			Aux                   struct{ ID string }
		}
		err := dec.Decode(&msg)
		switch {
		case errors.Is(err, io.EOF):
			return id, nil
		case err != nil:
			return "", fmt.Errorf("read the engine's answer: %w", err)
		case msg.Error != "":
			return "", errors.New(withLast(msg.Error, last))
		case msg.Aux.ID != "":
			id = msg.Aux.ID
		case strings.HasPrefix(msg.Status, "sha256:"): // of an import
			id = msg.Status
		}
		for line := range strings.Lines(msg.Stream) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			last = line
			if progress != nil {
				progress(line)
			}
		}
	}
}

// withLast adds the last line of a build's output, which tells more than the
// exit code of the command that wrote it.
func withLast(text, last string) string {
	if last == "" || strings.Contains(text, last) {
		return text
	}
	return text + ": " + last
}
