package spec

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// mistake is a file and what Parse must say of it, without the file's name.
type mistake struct {
	name string
	file string
	want string // one line a mistake
}

// The rest of a file, for rows that are about something else. It stands behind
// the row's own lines, so that these keep their numbers.
const (
	onDocker = "\nname: demo\nprovider: docker\nmanagers: [{name: m}]\n"
	onSSH    = "\nname: demo\nprovider: ssh\nmanagers: [{name: m, address: 192.0.2.1}]\n"
)

// allMistakes are the rows of all tables.
func allMistakes() []mistake {
	var all []mistake
	for _, rows := range [][]mistake{
		syntaxMistakes(), keyMistakes(), typeMistakes(), aliasMistakes(), plannedMistakes(), variableMistakes(),
		nodeMistakes(), machineMistakes(), engineMistakes(), swarmMistakes(), lockMistakes(),
	} {
		all = append(all, rows...)
	}
	return all
}

func TestEveryMistakeIsToldWithItsPlaceAndReason(t *testing.T) {
	for _, m := range allMistakes() {
		t.Run(m.name, func(t *testing.T) {
			c, err := Parse(source(m.file))
			if err == nil {
				t.Fatalf("got %+v, want a mistake", c)
			}
			var errs *Errors
			if !errors.As(err, &errs) {
				t.Fatalf("got %T, want *Errors", err)
			}
			got := strings.ReplaceAll(err.Error(), "cluster.yaml:", "")
			if diff := cmp.Diff(m.want, got); diff != "" {
				t.Errorf("want-, got+:\n%s", diff)
			}
		})
	}
}

// source is a file in /work, read at home in /home/ann, with some variables.
func source(file string) Source {
	env := map[string]string{
		"THREE": "3", "YES": "true", "NAME": "demo", "EMPTY": "", "SECRET": "hunter2hunter2", "WORD": "eleven", "LIST": "[a]",
	}
	return Source{
		Data: []byte(strings.TrimPrefix(file, "\n")),
		Dir:  "/srv/swarm",
		Home: "/home/ann",
		Env:  func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}
