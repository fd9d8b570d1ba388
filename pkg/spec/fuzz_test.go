package spec

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse holds what is true of every file: no panic, a place inside the file
// for every mistake, and for what parses a cluster that keeps the promises of
// types.go and is the same again.
func FuzzParse(f *testing.F) {
	for _, m := range allMistakes() {
		if len(m.file) < 10_000 {
			f.Add(m.file)
		}
	}
	for _, g := range goodFiles() {
		f.Add(g.file)
	}
	f.Fuzz(func(t *testing.T, file string) {
		src := source(file)
		c, err := Parse(src)
		var errs *Errors
		switch {
		case err == nil:
			again, err := Parse(src)
			if diff := cmp.Diff(c, again, cmp.AllowUnexported(Cluster{})); err != nil || diff != "" {
				t.Errorf("parsed again: %v\n%s", err, diff)
			}
			checkPromises(t, c)
		case !errors.As(err, &errs) || len(errs.Problems) == 0:
			t.Errorf("got %v, want *Errors with problems", err)
		default:
			for _, p := range errs.Problems {
				checkPlace(t, p, string(src.Data))
			}
		}
	})
}

func checkPlace(t *testing.T, p Problem, file string) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(file, "\uFEFF"), "\n")
	if p.Text == "" || p.Pos.Line < 1 || p.Pos.Line > len(lines) {
		t.Fatalf("%v: no such line in %d", p, len(lines))
	}
	if width := utf8.RuneCountInString(lines[p.Pos.Line-1]); p.Pos.Col < 1 || p.Pos.Col > width+1 {
		t.Errorf("%v: the line has %d characters", p, width)
	}
}

func checkPromises(t *testing.T, c *Cluster) {
	t.Helper()
	if len(c.Managers()) == 0 || len(c.Nodes) > maxNodes || c.Provider.Name == "" || badName(c.Name) != "" {
		t.Errorf("got %+v", c)
	}
	seen := map[string]bool{}
	workers := false
	for _, n := range c.Nodes {
		workers = workers || n.Role == Worker
		if badName(n.Name) != "" || seen[n.Name] || workers && n.Role == Manager {
			t.Errorf("node %+v after %v", n, seen)
		}
		seen[n.Name] = true
		if (n.Address != "") != (c.Provider.Name == "ssh") {
			t.Errorf("node %+v of provider %s", n, c.Provider.Name)
		}
		for _, p := range []string{n.SSH.IdentityFile, n.SSH.KnownHosts} {
			if p != "" && !strings.HasPrefix(p, "/") {
				t.Errorf("node %+v: path %q", n, p)
			}
		}
		for key := range n.Engine.Daemon {
			if refusedSetting(key, nil) != "" {
				t.Errorf("node %+v: daemon key %q", n, key)
			}
		}
	}
}
