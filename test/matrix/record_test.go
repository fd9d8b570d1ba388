package matrix

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// record is one test with one engine, as a line of docs/matrix.jsonl.
type record struct {
	Engine  string  `json:"engine"`
	Version string  `json:"version,omitempty"`
	Test    string  `json:"test"`
	Result  string  `json:"result"`
	Seconds float64 `json:"seconds"`
	Date    string  `json:"date"`
	Commit  string  `json:"commit"`
	Source  string  `json:"source"`
	Said    string  `json:"said,omitempty"`
}

// The results of a test.
const (
	ok      = "passed"
	failed  = "failed"
	skipped = "skipped"
)

const (
	results = "../../docs/matrix.jsonl"
	page    = "../../docs/matrix.md"
)

func readRecords(file string) (out []record, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		out = append(out, r)
	}
	return out, lines.Err()
}

func (r record) appendTo(file string) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func render() error {
	records, err := readRecords(results)
	if err != nil {
		return err
	}
	names, err := tests(e2e)
	if err != nil {
		return err
	}
	return os.WriteFile(page, report(records, names), 0o644)
}

// report is the page about what each test did last with each engine.
func report(records []record, names []string) []byte {
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Engines\n")
	p("`make matrix` wrote this page from [matrix.jsonl](matrix.jsonl): the end-to-end tests of `test/e2e`, with machines that have")
	p("each of these engines, and with all of them in one swarm, so that no two managers and no two workers in a row are alike.")
	p("Tests that install an engine choose it themselves.\n")
	p("| Engine | Version | Passed | Failed | Skipped | Not run | Last | Commits |")
	p("|---|---|---|---|---|---|---|---|")
	engines := []string{"20.10", "26.1", "28.5", "mixed"}
	last := map[string]record{}
	for _, r := range records {
		last[r.Engine+" "+r.Test] = r
	}
	for _, e := range engines {
		count, version, date := map[string]int{}, "", ""
		var commits []string
		for _, n := range names {
			r := last[e+" "+n]
			if count[r.Result]++; r.Result == "" {
				continue
			}
			date = max(date, r.Date)
			if r.Version != "" {
				version = r.Version
			}
			if !slices.Contains(commits, r.Commit) {
				commits = append(commits, r.Commit)
			}
		}
		slices.Sort(commits)
		p("| %s | %s | %d | %d | %d | %d | %s | %s |", e, version, count[ok], count[failed], count[skipped], count[""], date, strings.Join(commits, ", "))
	}
	p("\n| Test | %s |", strings.Join(engines, " | "))
	p("|---|---|---|---|---|")
	for _, n := range names {
		row := "| " + n
		for _, e := range engines {
			row += " | "
			if r := last[e+" "+n]; r.Result != "" {
				row += fmt.Sprintf("%s, %.0f s", r.Result, r.Seconds)
			}
		}
		p("%s |", row)
	}
	title := "\n## Failures\n"
	for _, e := range engines {
		for _, n := range names {
			if r := last[e+" "+n]; r.Result == failed {
				if title != "" {
					p("%s", title)
				}
				p("- %s, %s (%s): %s", e, n, r.Commit, r.Said)
				title = ""
			}
		}
	}
	return b.Bytes()
}

func TestThePageIsOfTheRecords(t *testing.T) {
	if opt.update {
		if err := render(); err != nil {
			t.Fatal(err)
		}
	}
	records, err := readRecords(results)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if text, err := os.ReadFile(page); err != nil || !strings.Contains(string(text), r.Test) {
			t.Errorf("docs/matrix.md has no line about %s (-update): %v", r.Test, err)
		}
	}
}

func TestOnlyTheLastOfATestCounts(t *testing.T) {
	records := []record{
		{Engine: "20.10", Version: "20.10.24", Test: "TestA", Result: failed, Said: "no", Date: "2026-01-01", Commit: "a", Source: "1"},
		{Engine: "20.10", Version: "20.10.24", Test: "TestA", Result: ok, Seconds: 12, Date: "2026-01-02", Commit: "b", Source: "2"},
		{Engine: "mixed", Test: "TestB", Result: failed, Said: "why", Date: "2026-01-02", Commit: "b", Source: "2"},
	}
	page := string(report(records, []string{"TestA", "TestB"}))
	for _, want := range []string{
		"| 20.10 | 20.10.24 | 1 | 0 | 0 | 1 | 2026-01-02 | b |", "| mixed |  | 0 | 1 | 0 | 1 | 2026-01-02 | b |",
		"| TestA | passed, 12 s |  |  |  |", "- mixed, TestB (b): why",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, ": no") {
		t.Error("a failure that is mended is still told of")
	}
	for _, tt := range []struct {
		engine, test, source string
		want                 bool
	}{
		{"20.10", "TestA", "2", true}, {"20.10", "TestA", "3", false}, {"20.10", "TestA", "1", false}, {"mixed", "TestB", "2", false}, {"20.10", "TestA", "", false},
	} {
		if got := passed(records, tt.engine, tt.test, tt.source); got != tt.want {
			t.Errorf("%v: got %t", tt, got)
		}
	}
}

func TestAComplaintIsWhatTheTestSays(t *testing.T) {
	out := "=== RUN   TestA\n    lab_test.go:9: swarmup apply: exit 0\n    a_test.go:3: want exit 1: swarmup apply: exit 0\nswarmup: n1: join\n--- FAIL: TestA (0.1s)\n"
	if diff := cmp.Diff("a_test.go:3: want exit 1: swarmup apply: exit 0", complaint(out)); diff != "" {
		t.Error(diff)
	}
	if got := complaint("panic: x\n"); got != "panic: x" {
		t.Errorf("got %q", got)
	}
}

func TestTheEndToEndTestsAreFound(t *testing.T) {
	names, err := tests(e2e)
	if err != nil || !slices.Contains(names, "TestTheTutorial") || slices.Contains(names, "TestMain") {
		t.Errorf("%v, %v", names, err)
	}
}
