package chaos

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheReportIsOfTheRecords(t *testing.T) {
	records, err := readRecords(results)
	if err != nil {
		t.Fatal(err)
	}
	if opt.update {
		if err := render(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(report(records)), string(got)); diff != "" {
		t.Errorf("docs/reliability.md is not what make chaos writes (-update):\n%s", diff)
	}
}

func TestTheReportCounts(t *testing.T) {
	page := string(report([]record{
		{Damage: "swarmup killed", Change: "more workers", Result: resultHealed, Applies: 1, Heal: 3, During: "n1: join as worker: done in 0.1s"},
		{Damage: "swarmup killed", Change: "more workers", Result: resultHealed, Applies: 2, Heal: 9, During: "n2: join as worker: done in 0.1s"},
		{Damage: "swarmup killed", Change: "more workers", Result: resultHealed, Applies: 1, Heal: 5, During: "verify: done in 1.0s", Late: true},
		{Damage: "machine deleted", Change: "roles swapped", Result: resultLost, Applies: 1, During: "n1: promote to manager: done in 0.1s"},
		{Seed: "4/2", Damage: "machine deleted", Change: "other labels", Result: resultViolated, Violations: []string{"a", "b"}, Mended: "plan: do it well"},
	}))
	for _, want := range []string{
		"5 runs so far: 3 healed, 1 lost as they must be, 1 violations, of which 1 are mended.\nOf those that healed 2 took one apply, and 1 more than one.",
		"| swarmup killed | 3 | 3 | 2 | 0 | 0 | 5.0 | 9.0 |",
		"| machine deleted | 2 | 0 | 0 | 1 | 1 |  |  |",
		"| join as worker | 2 | 2 | 1 | 0 | 0 | 9.0 | 9.0 |",
		"| after its end | 1 | 1 | 1 | 0 | 0 | 5.0 | 5.0 |",
		"- 4/2 (, other labels, machine deleted): a; b\n  Mended by \"plan: do it well\".",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

func TestRecordsAreKeptOneALine(t *testing.T) {
	file := t.TempDir() + "/r.jsonl"
	want := []record{{Seed: "1/0", Violations: []string{"two\nlines"}}, {Seed: "1/1", Said: []string{"x"}}}
	for _, r := range want {
		if err := r.appendTo(file); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readRecords(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if seed, scripts := next(got); seed != 2 || len(scripts) != chainLength {
		t.Errorf("goes on with seed %d and %d runs", seed, len(scripts))
	}
}

func TestWhatSwarmupSaysIsToldFromItsProgress(t *testing.T) {
	said := "swarmup:    0.1s  look at c ...\nswarmup:   12.0s  n1: join as worker: failed after 3.0s: refused\nswarmup: blocked: n1 does not answer\nswarmup: hint: run again\n"
	if got, want := complaints(said), "blocked: n1 does not answer | hint: run again"; got != want {
		t.Errorf("complaints: got %q, want %q", got, want)
	}
	var out transcript
	_, _ = out.Write([]byte(said))
	if got, want := out.last(), "n1: join as worker: failed after 3.0s: refused"; got != want {
		t.Errorf("last: got %q, want %q", got, want)
	}
	for line, want := range map[string]string{
		"n1: join as worker: failed after 3.0s: refused": "join as worker",
		"n1: create machine ...":                         "create machine",
		"look at chaos-x ...":                            "look at",
		"verify: done in 0.1s (5 of 5 nodes)":            "verify",
		"n1: delete machine chaos-x-n1-abcd: done in 1s": "delete machine",
		"n2: configure engine, reload it: done in 0.3s":  "configure engine",
		"": "",
	} {
		if got := stepOf(line); got != want {
			t.Errorf("step of %q: got %q, want %q", line, got, want)
		}
	}
}
