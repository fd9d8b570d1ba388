package matrix

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// options come from the command line.
type options struct {
	engines string
	only    string
	limit   time.Duration
	update  bool
}

// opt is set by TestMain, before any test.
var opt = new(options)

func TestMain(m *testing.M) {
	flag.StringVar(&opt.engines, "engines", "", "run the end-to-end tests with these: 20.10,26.1,28.5,mixed")
	flag.StringVar(&opt.only, "only", ".", "those tests that match")
	flag.DurationVar(&opt.limit, "for", 0, "begin no test after that long; 0 is no limit")
	flag.BoolVar(&opt.update, "update", false, "write docs/matrix.md anew")
	flag.Parse()
	os.Exit(m.Run())
}

// e2e is where the end-to-end tests are.
const e2e = "../e2e"

// TestMatrix is "make matrix". It may be interrupted at any time, and goes on
// where it was.
func TestMatrix(t *testing.T) {
	if os.Getenv("SWARMUP_LAB") == "" || opt.engines == "" {
		t.Skip("no engines are asked for: see make matrix")
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	began := time.Now()
	bin := filepath.Join(t.TempDir(), "e2e.test")
	if out, err := exec.Command("go", "test", "-c", "-o", bin, e2e).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	commit, source := describe(t)
	done, err := readRecords(results)
	if err != nil {
		t.Fatal(err)
	}
	names, err := tests(e2e)
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range strings.Split(opt.engines, ",") {
		for _, name := range names {
			late := opt.limit > 0 && time.Since(began) > opt.limit
			if late || ctx.Err() != nil || !regexp.MustCompile(opt.only).MatchString(name) || passed(done, engine, name, source) {
				continue
			}
			r := once(ctx, bin, engine, name)
			if ctx.Err() != nil {
				t.Log("interrupted: this test does not count")
				break
			}
			r.Commit, r.Source, r.Version = commit, source, version(engine)
			t.Logf("%s %s: %s after %.0fs %s", engine, name, r.Result, r.Seconds, r.Said)
			if r.Result == failed {
				t.Errorf("%s %s failed", engine, name)
			}
			if err := errors.Join(r.appendTo(results), render()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// tests lists the tests of a folder in the order of its files.
func tests(dir string) (out []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T`).FindAllStringSubmatch(string(text), -1) {
			out = append(out, m[1])
		}
	}
	return out, nil
}

// once runs one test.
func once(ctx context.Context, bin, engine, name string) record {
	cmd := exec.CommandContext(ctx, bin, "-test.v", "-test.run", "^"+name+"$", "-test.timeout", "10m")
	cmd.Dir = e2e
	cmd.Env = append(os.Environ(), "SWARMUP_E2E_ENGINE="+engine, "SWARMUP_MATRIX=1")
	// What it leaves is removed at the beginning of the next one.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	began := time.Now()
	out, err := cmd.CombinedOutput()
	r := record{Engine: engine, Test: name, Date: began.UTC().Format(time.DateOnly), Seconds: time.Since(began).Round(100 * time.Millisecond).Seconds(), Result: ok}
	switch {
	case err != nil:
		r.Result, r.Said = failed, complaint(string(out))
	case strings.Contains(string(out), "--- SKIP: "+name+" "):
		r.Result = skipped
	}
	return r
}

// complaint gives the lines in which a test says what is wrong: they name the
// place in its source.
func complaint(out string) string {
	var lines []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); regexp.MustCompile(`^\w+_test\.go:\d+: `).MatchString(line) && !regexp.MustCompile(`^\w+_test\.go:\d+: swarmup `).MatchString(line) {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		lines = strings.Split(strings.TrimSpace(out), "\n")
	}
	return strings.Join(lines[max(0, len(lines)-6):], " | ")
}

// describe names the commit, and the sources that decide how a test goes. Those
// of a tree with changes are never the same again.
func describe(t *testing.T) (commit, source string) {
	t.Helper()
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-C", "../.."}, args...)...).Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return strings.TrimSpace(string(out))
	}
	parts := []string{"cmd", "pkg", "test/e2e", "go.mod"}
	commit = git("rev-parse", "--short", "HEAD")
	if git(append([]string{"status", "--porcelain", "--"}, parts...)...) != "" {
		return commit + "-dirty", ""
	}
	for _, p := range parts {
		source += git("rev-parse", "HEAD:"+p)[:8]
	}
	return commit, source
}

// passed says whether a test has passed with these sources.
func passed(done []record, engine, name, source string) bool {
	return slices.ContainsFunc(done, func(r record) bool {
		return r.Engine == engine && r.Test == name && r.Source == source && source != "" && r.Result != failed
	})
}

// version gives what the engine of the newest image calls itself; "" for a mixture.
func version(engine string) string {
	suite := map[string]string{"20.10": "bookworm", "26.1": "trixie", "28.5": "sid"}[engine]
	if suite == "" {
		return ""
	}
	image, err := exec.Command("docker", "images", "-q", "--filter", "reference=swarmup-node:"+suite+"-*").Output()
	if err != nil || len(image) == 0 {
		return ""
	}
	out, err := exec.Command("docker", "run", "--rm", "--network", "none", "--entrypoint", "dockerd", strings.Fields(string(image))[0], "--version").Output()
	if err != nil {
		return ""
	}
	v, _, _ := strings.Cut(strings.TrimPrefix(string(out), "Docker version "), ",")
	return fmt.Sprint(v)
}
