package chaos

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
)

// page is where the records are put into words.
const page = "../../docs/reliability.md"

// render writes the page anew.
func render() error {
	records, err := readRecords(results)
	if err != nil {
		return err
	}
	return os.WriteFile(page, report(records), 0o644)
}

// report is the page about these records.
func report(records []record) []byte {
	var b bytes.Buffer
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Reliability\n")
	p("`make chaos` wrote this page from [reliability.jsonl](reliability.jsonl), which has a line for each run.\n")
	p("In each run one file becomes another, and in the middle of `swarmup apply` something goes wrong: at a random part of its")
	p("time, or just after a step of a random kind. What does not mend itself is mended as a person would: a paused machine is")
	p("unpaused, a network plugged in, a disk given room. Nothing is done for a machine that was deleted or switched off, nor for an")
	p("engine that was stopped: apply makes it anew, or starts it. Then apply runs again, until it says that all is done.")
	p("A checker that only uses the docker command line then wants exactly the file: one swarm, of which all machines have a")
	p("certificate; roles, labels, availability and engine labels; every node ready and every manager reachable; no other")
	p("node, machine, volume or network; and a service with two or three replicas, anywhere, all running. At last a plan has to be")
	p("empty. Whatever is not so is a violation.\n")
	p("A swarm is lost where the machine that was deleted took its quorum with it. Then apply has to say so, and touch nothing.\n")
	all := countOf(records)
	p("%d runs so far: %d healed, %d lost as they must be, %d violations, of which %d are mended.", len(records), all.healed, all.lost, all.violated, all.mended)
	p("Of those that healed %d took one apply, and %d more than one.\n", all.once, all.healed-all.once)
	for _, w := range groups(records, func(r record) string { return r.Machine }) {
		p("- %d runs on %s", len(w.records), w.name)
	}
	table(p, "What goes wrong", groups(records, func(r record) string { return r.Damage }))
	table(p, "What changes", groups(records, func(r record) string { return r.Change }))
	table(p, "Last told of before it goes wrong", groups(records, record.when))
	p("\nHealing is from the beginning of the first apply after the damage until the checker finds nothing; seconds.")
	p("A run is done again with `make chaos SEED=CHAIN/RUN`, at the commit in its line.")
	broken := slices.DeleteFunc(slices.Clone(records), func(r record) bool { return len(r.Violations) == 0 })
	if len(broken) > 0 {
		p("\n## Violations\n")
	}
	for _, r := range broken {
		p("- %s (%s, %s, %s): %s", r.Seed, r.Commit, r.Change, r.Damage, strings.ReplaceAll(strings.Join(r.Violations, "; "), "\n", " "))
		if r.Mended != "" {
			p("  Mended by \"%s\".", r.Mended)
		}
	}
	return b.Bytes()
}

// when is the last thing that apply had told of before the damage.
func (r record) when() string {
	if r.Late {
		return "after its end"
	}
	return cmp.Or(stepOf(r.During), "before the first step")
}

// stepOf takes the node off a line of progress, and how it went.
func stepOf(line string) string {
	if _, text, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(text, "done in") {
		line = text
	}
	line, _, _ = strings.Cut(line, ": ")
	line = strings.TrimSuffix(line, " ...")
	for _, long := range []string{"create machine", "delete machine", "configure engine", "look at", "init swarm"} {
		if strings.HasPrefix(line, long) {
			return long
		}
	}
	return line
}

// group is the runs that have something in common.
type group struct {
	name    string
	records []record
}

func groups(records []record, by func(record) string) (out []group) {
	for _, r := range records {
		i := slices.IndexFunc(out, func(g group) bool { return g.name == by(r) })
		if i < 0 {
			out, i = append(out, group{name: by(r)}), len(out)
		}
		out[i].records = append(out[i].records, r)
	}
	slices.SortFunc(out, func(a, b group) int {
		return cmp.Or(cmp.Compare(len(b.records), len(a.records)), strings.Compare(a.name, b.name))
	})
	return out
}

func table(p func(string, ...any), title string, gs []group) {
	p("\n| %s | Runs | Healed | in one apply | Lost, as they must be | Violations | Healing, median | longest |", title)
	p("|---|---|---|---|---|---|---|---|")
	for _, g := range gs {
		c := countOf(g.records)
		p("| %s | %d | %d | %d | %d | %d | %s | %s |", g.name, len(g.records), c.healed, c.once, c.lost, c.violated, c.median, c.longest)
	}
}

// counts are the figures about some runs.
type counts struct {
	healed, once, lost, violated, mended int
	median, longest                      string // "" where none healed
}

func countOf(records []record) (c counts) {
	var times []float64
	for _, r := range records {
		switch {
		case len(r.Violations) > 0:
			if c.violated++; r.Mended != "" {
				c.mended++
			}
		case r.Result == resultLost:
			c.lost++
		default:
			c.healed++
			times = append(times, r.Heal)
			if r.Applies == 1 {
				c.once++
			}
		}
	}
	if slices.Sort(times); len(times) > 0 {
		c.median, c.longest = fmt.Sprintf("%.1f", times[len(times)/2]), fmt.Sprintf("%.1f", times[len(times)-1])
	}
	return c
}
