package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/swarmup/swarmup/pkg/plan"
)

// statusText renders a status as a table.
func statusText(s status) string {
	var b strings.Builder
	if s.Swarm == "" {
		fmt.Fprintf(&b, "%s: no manager answers that could speak for the swarm\n", s.Cluster)
	} else {
		fmt.Fprintf(&b, "%s: swarm %s, by %s\n", s.Cluster, s.Swarm, s.Via)
	}
	if len(s.Nodes) == 0 {
		return b.String()
	}
	tab := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tab, "NODE\tROLE\tSTATE\tAVAILABILITY\tENGINE\tADDRESS\tNOTE")
	for _, n := range s.Nodes {
		row := []string{cmp.Or(n.Node, n.Machine), n.Role, stateText(n), n.Availability, n.Engine, n.Address}
		for i := range row {
			row[i] = cmp.Or(row[i], "-")
		}
		_, _ = fmt.Fprintln(tab, strings.Join(append(row, n.Note), "\t"))
	}
	_ = tab.Flush() // a strings.Builder takes everything
	foundText(&b, s)
	return trimLines(b.String())
}

// stateText is the swarm's word for a member, and what is not well about it.
func stateText(n nodeStatus) string {
	switch n.Situation {
	case "", plan.Works, plan.Manages, plan.Misplaced: // another column says so
		return n.State
	default:
	}
	if n.ID != "" && n.State != string(n.Situation) {
		return n.State + ", " + string(n.Situation)
	}
	return string(n.Situation)
}

// foundText says below the table what its words mean, and what becomes of it.
func foundText(b *strings.Builder, s status) {
	for _, f := range s.Found {
		foundLine(b, "", f)
	}
	for _, n := range s.Nodes {
		for _, f := range n.Found {
			if f.Text != "" && !noted(f.Situation) {
				foundLine(b, cmp.Or(n.Node, n.Machine, n.ID)+": ", f)
			}
		}
	}
}

func foundLine(b *strings.Builder, node string, f plan.Found) {
	fmt.Fprintf(b, "%s%s: %s\n", node, f.Situation, f.Text)
	if f.Hint != "" {
		fmt.Fprintf(b, "  %s\n", f.Hint)
	}
}

// noted says whether the table itself says all that there is to say.
func noted(s plan.Situation) bool {
	return slices.Contains([]plan.Situation{
		plan.OffHost, plan.Unheard, plan.Refused, plan.Stranger, plan.Gone, plan.Elsewhere, plan.Works,
	}, s)
}

// trimLines takes the blanks off the ends of lines.
func trimLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}
