package plan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/plan"
)

// docs/states.md has one row for each situation, with a test that there is.
func TestThePageOfStatesIsComplete(t *testing.T) {
	page, err := os.ReadFile("../../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := testFunctions(t)
	var rows []string
	for line := range strings.Lines(string(page)) {
		cell := strings.Split(strings.TrimSpace(line), " | ")
		if len(cell) != 5 || !strings.HasPrefix(line, "| ") || cell[0] == "| State" {
			continue
		}
		name := strings.TrimPrefix(cell[0], "| ")
		rows = append(rows, name)
		if test := strings.Trim(cell[3], "`"); !tests[test] {
			t.Errorf("%s: there is no test %q", name, test)
		}
		if kind := strings.TrimSuffix(cell[4], " |"); !slices.Contains([]string{"real", "fake", "pure"}, kind) {
			t.Errorf("%s: %q is no kind of test", name, kind)
		}
	}
	for _, s := range plan.Situations() {
		if n := strings.Count("\n"+strings.Join(rows, "\n")+"\n", "\n"+string(s)+"\n"); n != 1 {
			t.Errorf("%q has %d rows", s, n)
		}
	}
	if len(rows) != len(plan.Situations()) {
		t.Errorf("%d rows, want %d", len(rows), len(plan.Situations()))
	}
}

// testFunctions gives the names of all tests of the project.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range name.FindAllSubmatch(text, -1) {
			out[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every constant of the type is listed, so that nothing is seen that the page does
// not have.
func TestEverySituationIsListed(t *testing.T) {
	tree, err := parser.ParseFile(token.NewFileSet(), "states.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(tree, func(node ast.Node) bool {
		if v, ok := node.(*ast.ValueSpec); ok {
			if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Situation" {
				n += len(v.Names)
			}
		}
		return true
	})
	all := plan.Situations()
	if len(all) != n {
		t.Errorf("%d are listed, there are %d", len(all), n)
	}
	slices.Sort(all)
	if got := len(slices.Compact(all)); got != n {
		t.Errorf("%d different ones, want %d", got, n)
	}
}
