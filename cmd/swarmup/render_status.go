package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
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
		row := []string{cmp.Or(n.Node, n.Machine), n.Role, n.State, n.Availability, n.Engine, n.Address}
		for i := range row {
			row[i] = cmp.Or(row[i], "-")
		}
		_, _ = fmt.Fprintln(tab, strings.Join(append(row, n.Note), "\t"))
	}
	_ = tab.Flush() // a strings.Builder takes everything
	return trimLines(b.String())
}

// trimLines takes the blanks off the ends of lines.
func trimLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}
