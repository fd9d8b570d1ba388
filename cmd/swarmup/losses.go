package main

import (
	"fmt"
	"strings"

	"github.com/swarmup/swarmup/pkg/plan"
)

// lossLines say, one line a fact, what goes with nodes that go.
func lossLines(ls []plan.Loss) (lines []string) {
	for _, l := range ls {
		if len(l.Volumes) > 0 {
			volumes := l.Volumes
			if l.More > 0 {
				volumes = append(volumes[:len(volumes):len(volumes)], fmt.Sprintf("%d more", l.More))
			}
			lines = append(lines, fmt.Sprintf("%s: the volumes on its disk: %s", l.Node, list(volumes)))
		}
		if len(l.Services) > 0 {
			lines = append(lines, fmt.Sprintf("%s: no other node may run %s", l.Node, list(l.Services)))
		}
		if l.Unknown != "" {
			lines = append(lines, l.Node+": "+l.Unknown)
		}
	}
	return lines
}

// losing is for a question: "; with them go 2 volumes and 1 service". "" where
// nothing is lost.
func losing(ls []plan.Loss) string {
	volumes, services, unknown := 0, 0, 0
	for _, l := range ls {
		volumes += len(l.Volumes) + l.More
		services += len(l.Services)
		if l.Unknown != "" {
			unknown++
		}
	}
	var parts []string
	for _, part := range []struct {
		n    int
		noun string
	}{{volumes, "volume"}, {services, "service"}} {
		if part.n > 0 {
			parts = append(parts, count(part.n, part.noun))
		}
	}
	if unknown > 0 {
		parts = append(parts, "what is on "+count(unknown, "machine")+" that cannot be asked")
	}
	if len(parts) == 0 {
		return ""
	}
	return "; lost with that: " + list(parts)
}

func lossesText(b *strings.Builder, ls []plan.Loss) {
	lines := lossLines(ls)
	if len(lines) == 0 {
		return
	}
	b.WriteString("Lost with what goes:\n")
	for _, l := range lines {
		b.WriteString("  " + l + "\n")
	}
}

func lossesMarkdown(b *strings.Builder, ls []plan.Loss) {
	lines := lossLines(ls)
	if len(lines) == 0 {
		return
	}
	b.WriteString("\n**Lost with what goes**\n\n")
	for _, l := range lines {
		b.WriteString("- " + md(l) + "\n")
	}
}
