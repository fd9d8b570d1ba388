package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The limits of CONTRIBUTING.md. Tests may have longer functions, for their tables.
const (
	maxFileLines     = 400
	maxFunctionLines = 60
)

// linked are package variables that the linker fills in.
var linked = []string{"cmd/swarmup.version"}

func TestSourceKeepsTheRules(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			src, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			for _, complaint := range complaints(p.name(), f, src) {
				t.Errorf("%s/%s", p.name(), complaint)
			}
		}
	}
}

// complaints lists what is against the rules in one file, as FILE:LINE: TEXT.
func complaints(pkg, file string, src []byte) []string {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	add := func(n ast.Node, format string, args ...any) {
		at := fset.Position(n.Pos())
		out = append(out, fmt.Sprintf("%s:%d: ", at.Filename, at.Line)+fmt.Sprintf(format, args...))
	}
	lines := func(n ast.Node) int { return fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1 }

	if n := strings.Count(string(src), "\n"); n > maxFileLines {
		add(tree, "%d lines, more than %d", n, maxFileLines)
	}
	if strings.HasSuffix(file, "_test.go") {
		return out
	}
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if n := lines(d); n > maxFunctionLines {
				add(d, "%s has %d lines, more than %d", d.Name.Name, n, maxFunctionLines)
			}
			if d.Name.Name == "init" && d.Recv == nil {
				add(d, "an init function")
			}
			if undocumented(d) {
				add(d, "%s is exported and has no comment", d.Name.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if name := undocumentedSpec(d, s); name != "" {
					add(s, "%s is exported and has no comment", name)
				}
				if v, ok := s.(*ast.ValueSpec); ok && d.Tok == token.VAR && !constant(pkg, d, v) {
					add(s, "package variable %s is no sentinel and no table", v.Names[0].Name)
				}
			}
		}
	}
	return out
}

// undocumented is about functions, and about methods of exported types.
func undocumented(d *ast.FuncDecl) bool {
	if !d.Name.IsExported() || d.Doc != nil {
		return false
	}
	if d.Recv == nil {
		return true
	}
	recv := d.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	if generic, ok := recv.(*ast.IndexExpr); ok {
		recv = generic.X
	}
	id, ok := recv.(*ast.Ident)
	return ok && id.IsExported()
}

// undocumentedSpec gives the exported name of a type, constant or variable that
// has a comment neither of its own nor of its group.
func undocumentedSpec(d *ast.GenDecl, s ast.Spec) string {
	switch s := s.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && s.Doc == nil && d.Doc == nil {
			return s.Name.Name
		}
	case *ast.ValueSpec:
		if s.Doc != nil || s.Comment != nil || d.Doc != nil {
			return ""
		}
		for _, n := range s.Names {
			if n.IsExported() {
				return n.Name
			}
		}
	}
	return ""
}

// constant says whether a package variable is one in name only: a sentinel
// error, an assertion on a type, a table, a compiled pattern, an embedded file,
// or what the linker fills in.
func constant(pkg string, d *ast.GenDecl, v *ast.ValueSpec) bool {
	if v.Names[0].Name == "_" || slices.Contains(linked, pkg+"."+v.Names[0].Name) {
		return true
	}
	if d.Doc != nil && strings.Contains(docText(d.Doc), "//go:embed ") {
		return true
	}
	if len(v.Values) == 0 {
		return false
	}
	return !slices.ContainsFunc(v.Values, func(e ast.Expr) bool { return !fixed(e) })
}

func fixed(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok {
			return slices.Contains([]string{"New", "Errorf", "MustCompile", "NewReplacer"}, f.Sel.Name)
		}
	}
	return false
}

// docText keeps directives such as //go:embed, which CommentGroup.Text drops.
func docText(g *ast.CommentGroup) string {
	var b strings.Builder
	for _, c := range g.List {
		b.WriteString(c.Text + "\n")
	}
	return b.String()
}

func TestComplaintsSayWhatIsAgainstTheRules(t *testing.T) {
	long := "package a\nfunc f() {\n" + strings.Repeat("\n", 60) + "}\n"
	tests := []struct {
		name, file, src string
		want            []string
	}{
		{name: "a clean file", src: "package a\n// F is.\nfunc F() {}\nvar errX = errors.New(\"x\")\n"},
		{name: "tables, patterns and assertions are no state",
			src: "package a\nvar t = []int{1}\nvar r = regexp.MustCompile(`x`)\nvar _ I = T{}\n//go:embed x\nvar e string\n"},
		{name: "an undocumented function", src: "package a\nfunc F() {}\n", want: []string{"f.go:2: F is exported and has no comment"}},
		{name: "an undocumented method of an exported type", src: "package a\nfunc (*T[K]) F() {}\n",
			want: []string{"f.go:2: F is exported and has no comment"}},
		{name: "a method that only its package can reach", src: "package a\nfunc (t) F() {}\n"},
		{name: "an undocumented type and constant", src: "package a\ntype T int\nconst C = 1\n",
			want: []string{"f.go:2: T is exported and has no comment", "f.go:3: C is exported and has no comment"}},
		{name: "a group's comment counts", src: "package a\n// The letters.\nconst (\n\tA = 1\n)\n"},
		{name: "an init function", src: "package a\nfunc init() {}\n", want: []string{"f.go:2: an init function"}},
		{name: "state in a package variable", src: "package a\nvar debug bool\nvar n = f()\n",
			want: []string{"f.go:2: package variable debug is no sentinel and no table", "f.go:3: package variable n is no sentinel and no table"}},
		{name: "a long function", src: long, want: []string{"f.go:2: f has 62 lines, more than 60"}},
		{name: "a long function in a test", file: "f_test.go", src: long},
		{name: "a long file", file: "f_test.go", src: "package a\n" + strings.Repeat("\n", 400), want: []string{"f_test.go:1: 401 lines, more than 400"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file == "" {
				tt.file = "f.go"
			}
			if got := complaints("a", tt.file, []byte(tt.src)); !slices.Equal(got, tt.want) {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}
