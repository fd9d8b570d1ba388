package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/plan"
)

// outcome is how an apply or a destroy ended. It is what -o json shows.
type outcome struct {
	Cluster string `json:"cluster"`
	// Result is done, failed, blocked, refused or interrupted.
	Result  string         `json:"result"`
	Seconds float64        `json:"seconds"`
	Steps   []stepOutcome  `json:"steps"`
	Refused []plan.Finding `json:"refused,omitempty"`
	Blocked []plan.Finding `json:"blocked,omitempty"`
	Drift   []plan.Finding `json:"drift,omitempty"`
	// Loses is what went with nodes that were removed or replaced, or would have.
	Loses []plan.Loss    `json:"loses,omitempty"`
	Notes []plan.Finding `json:"notes,omitempty"`
}

// stepOutcome is how one step ended.
type stepOutcome struct {
	plan.Step
	Status  apply.Status `json:"status"`
	Seconds float64      `json:"seconds"`
	Note    string       `json:"note,omitempty"`
	Error   string       `json:"error,omitempty"`
}

// The results of an outcome.
const (
	resultDone        = "done"
	resultFailed      = "failed"
	resultBlocked     = "blocked"
	resultRefused     = "refused"
	resultInterrupted = "interrupted"
)

// outcomeOf puts the reports of all rounds together. The findings are those of
// the last plan. It is "interrupted" only if the caller says so.
func outcomeOf(last plan.Plan, reports []apply.Report, took time.Duration) outcome {
	out := outcome{
		Cluster: last.Cluster, Result: resultDone, Seconds: seconds(took), Steps: []stepOutcome{},
		Refused: last.Refused, Blocked: last.Blocked, Drift: last.Drift, Notes: last.Notes,
	}
	for _, r := range slices.Concat(reports...) {
		step := stepOutcome{Step: r.Step, Status: r.Status, Seconds: seconds(r.Took), Note: r.Note}
		if r.Err != nil {
			step.Error = r.Err.Error()
		}
		out.Steps = append(out.Steps, step)
	}
	switch {
	case len(last.Refused) > 0:
		out.Result = resultRefused
	case slices.ContainsFunc(out.Steps, func(s stepOutcome) bool { return s.Status != apply.Done }):
		out.Result = resultFailed
	case len(last.Blocked) > 0:
		out.Result = resultBlocked
	}
	return out
}

// seconds has milliseconds at most: more is noise.
func seconds(d time.Duration) float64 {
	return float64(d.Round(time.Millisecond)) / float64(time.Second)
}

// outcomeText is the last line of an apply or a destroy.
func outcomeText(o outcome) string {
	if len(o.Steps) == 0 {
		return ""
	}
	var nodes []string
	counts := map[apply.Status]int{}
	for _, s := range o.Steps {
		counts[s.Status]++
		nodes = append(nodes, s.Node)
	}
	var bad []string
	for _, c := range []struct {
		status apply.Status
		text   string
	}{{apply.Failed, "failed"}, {apply.Skipped, "held back"}, {apply.Canceled, "not begun"}} {
		if n := counts[c.status]; n > 0 {
			bad = append(bad, fmt.Sprintf("%d %s", n, c.text))
		}
	}
	steps := count(len(o.Steps), "step")
	if len(bad) > 0 {
		steps += " (" + strings.Join(bad, ", ") + ")"
	}
	return newSwarm(o) + fmt.Sprintf("%s: %s: %s, %s, %.1f s\n", o.Cluster, o.Result, count(len(distinct(nodes)), "node"), steps, o.Seconds)
}

// newSwarm tells the ID of a swarm that was made, since a file may pin it.
func newSwarm(o outcome) string {
	for _, s := range o.Steps {
		if s.Action == plan.Init && s.Status == apply.Done && s.Note != "" {
			return fmt.Sprintf("%s: new %s; the file may pin it as swarm.id\n", o.Cluster, s.Note)
		}
	}
	return ""
}

// heldBack says, one line a node, which steps a failure held back.
func heldBack(o outcome) []string {
	byNode := map[string][]string{}
	var nodes []string
	for _, s := range o.Steps {
		if s.Status == apply.Skipped {
			nodes = append(nodes, s.Node)
			byNode[s.Node] = append(byNode[s.Node], title(s.Step))
		}
	}
	var lines []string
	slices.Sort(nodes)
	for _, n := range slices.Compact(nodes) {
		lines = append(lines, finding(plan.Finding{Node: n, Text: "held back: " + list(byNode[n])}))
	}
	return lines
}
