package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/swarmup/swarmup/"

// rows are the four rows of docs/design.md. A package imports only from rows
// beneath its own, never from its own row. A package without a line here fails,
// so that a new package is a decision and not an accident.
var rows = [][]string{
	1: {"pkg/spec", "pkg/engine", "pkg/daemon", "pkg/preflight", "pkg/wait"},
	2: {"pkg/bootstrap", "pkg/join", "pkg/keystore", "pkg/plan", "pkg/provider", "pkg/ssh", "pkg/swarm"},
	3: {
		"pkg/cluster", "pkg/apply", "pkg/backup", "pkg/importer", "pkg/lock", "pkg/recovery", "pkg/rotate", "pkg/transfer",
		"pkg/provider/docker", "pkg/provider/existing",
	},
	4: {"cmd/swarmup"},
}

// beside are packages of its own row that a package may import: cluster.yaml holds
// keys of daemon.json, and package daemon knows them.
var beside = map[string][]string{"pkg/spec": {"pkg/daemon"}}

// helpers are packages for tests. They may import the package that they help to
// test and what that one may; only tests import them.
var helpers = map[string]string{
	"pkg/ssh/sshtest":           "pkg/ssh",
	"pkg/swarm/swarmtest":       "pkg/swarm",
	"pkg/provider/providertest": "pkg/provider",
}

// outside are packages of tests that nothing imports.
var outside = []string{"internal/arch", "test", "bench"}

// owners says which of our packages may import a module. A module that is not
// here may be imported by any.
var owners = map[string][]string{
	"github.com/compose-spec/compose-go": {"pkg/spec"},
	"github.com/docker/docker":           {"pkg/swarm", "pkg/swarm/swarmtest", "pkg/provider/docker", "bench/floor"},
	"github.com/invopop/jsonschema":      {"pkg/spec"},
	"github.com/pkg/sftp":                {"pkg/transfer"},
	"github.com/urfave/cli/v2":           {"cmd/swarmup"},
	"golang.org/x/crypto/ssh":            {"pkg/ssh", "pkg/ssh/sshtest", "bench/floor"},
	"gopkg.in/yaml.v3":                   {"pkg/spec"},
}

// pure packages decide and never touch: these are what they must not import.
var (
	pure    = []string{"pkg/daemon", "pkg/plan", "pkg/preflight"}
	touches = []string{"context", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http", "os", "os/exec", "sync"}
)

// A pkg is what go list says of one of our packages.
type pkg struct {
	ImportPath                         string
	Dir                                string
	Imports                            []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Imports,GoFiles,TestGoFiles,XTestGoFiles", module+"...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestEveryPackageImportsOnlyFromRowsBeneathItsOwn(t *testing.T) {
	for _, p := range packages(t) {
		if isOutside(p.name()) {
			continue
		}
		row := rowOf(p.name())
		if row == 0 {
			t.Errorf("%s has no line in the table of rows: add one, and one in docs/design.md", p.name())
			continue
		}
		for _, imp := range p.Imports {
			if why := forbidden(p.name(), row, imp); why != "" {
				t.Errorf("%s imports %s: %s", p.name(), imp, why)
			}
		}
	}
}

// forbidden says why a package of that row may not import imp; "" if it may.
func forbidden(name string, row int, imp string) string {
	if own, ok := strings.CutPrefix(imp, module); ok {
		switch {
		case isOutside(own) || helpers[own] != "":
			return "it is for tests only"
		case helpers[name] == own, slices.Contains(beside[name], own):
			return ""
		case rowOf(own) >= row:
			return "it is not in a row beneath"
		}
		return ""
	}
	for mod, may := range owners {
		if within(imp, mod) && !slices.Contains(may, name) {
			return "only " + strings.Join(may, ", ") + " may"
		}
	}
	if slices.Contains(pure, name) && slices.Contains(touches, imp) {
		return "the package is pure"
	}
	return ""
}

// rowOf gives the row of a package, 0 if it has none. A helper stands in the
// row of what it helps to test.
func rowOf(name string) int {
	if of := helpers[name]; of != "" {
		name = of
	}
	for row, names := range rows {
		if slices.Contains(names, name) {
			return row
		}
	}
	return 0
}

func isOutside(name string) bool {
	return slices.ContainsFunc(outside, func(o string) bool { return within(name, o) })
}

// within says whether path is parent or lies beneath it.
func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

func TestTheTableForbidsWhatItShould(t *testing.T) {
	tests := []struct {
		pkg, imports string
		allowed      bool
	}{
		{"pkg/plan", module + "pkg/spec", true},
		{"pkg/cluster", module + "pkg/join", true},
		{"pkg/ssh/sshtest", module + "pkg/ssh", true},
		{"pkg/ssh", "golang.org/x/crypto/ssh/agent", true},
		{"pkg/plan", module + "pkg/join", false},
		{"pkg/spec", module + "pkg/wait", false},
		{"pkg/join", module + "pkg/cluster", false},
		{"cmd/swarmup", module + "pkg/ssh/sshtest", false},
		{"pkg/ssh/sshtest", module + "pkg/swarm", false},
		{"cmd/swarmup", module + "test/lab", false},
		{"pkg/cluster", "golang.org/x/crypto/ssh/agent", false},
		{"pkg/plan", "context", false},
	}
	for _, tt := range tests {
		why := forbidden(tt.pkg, rowOf(tt.pkg), tt.imports)
		if (why == "") != tt.allowed {
			t.Errorf("%s imports %s: allowed %t, want %t (%s)", tt.pkg, tt.imports, why == "", tt.allowed, why)
		}
	}
}
