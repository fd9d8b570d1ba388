package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/swarmup/swarmup/pkg/plan"
)

// planText renders a plan for people, one line for each step, in plan order.
func planText(p plan.Plan) string {
	var b strings.Builder
	switch {
	case len(p.Refused) > 0: // why is an error, and stands with the errors
		fmt.Fprintf(&b, "%s: refused\n", p.Cluster)
	case len(p.Steps) > 0:
		fmt.Fprintf(&b, "%s: %s\n", p.Cluster, headline(p))
	case len(p.Blocked) > 0:
		fmt.Fprintf(&b, "%s: nothing can be done now\n", p.Cluster)
	case len(p.Drift) > 0:
		fmt.Fprintf(&b, "%s: nothing to do unasked\n", p.Cluster)
	default:
		fmt.Fprintf(&b, "%s: nothing to do\n", p.Cluster)
	}
	width := 0
	for _, s := range p.Steps {
		width = max(width, len(s.Node))
	}
	for _, s := range p.Steps {
		line := fmt.Sprintf("  %s %-*s  %s", sign(s), width, s.Node, title(s))
		if why := reason(s); why != "" {
			line += " (" + why + ")"
		}
		b.WriteString(line + "\n")
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "    %*s    %s\n", width, "", change(c))
		}
	}
	if p.Partial {
		b.WriteString("More will be known, and planned, after these steps.\n")
	}
	b.WriteString(adopted(p))
	lossesText(&b, p.Loses)
	findingsText(&b, "Blocked", p.Blocked)
	findingsText(&b, "Not as the file says, and left so", p.Drift)
	findingsText(&b, "Notes", p.Notes)
	return b.String()
}

// adopted says which members get nothing but marks; "" for none.
func adopted(p plan.Plan) string {
	var nodes []string
	for _, s := range p.Adopt {
		nodes = append(nodes, s.Node)
	}
	if len(nodes) == 0 {
		return ""
	}
	return fmt.Sprintf("apply marks %s as %s of this cluster (labels swarmup.*); nothing else of them changes.\n", names(nodes), map[bool]string{true: "a member", false: "members"}[len(nodes) == 1])
}

func headline(p plan.Plan) string {
	if t := tallyOf(p).String(); t != "" {
		return count(len(p.Steps), "step") + ", " + t
	}
	return count(len(p.Steps), "step")
}

func findingsText(b *strings.Builder, heading string, fs []plan.Finding) {
	if len(fs) == 0 {
		return
	}
	b.WriteString(heading + ":\n")
	for _, f := range fs {
		b.WriteString("  " + finding(f) + "\n")
		if f.Hint != "" {
			b.WriteString("    " + f.Hint + "\n")
		}
	}
}

// planMarkdown renders a plan for a comment on a change request.
func planMarkdown(p plan.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### swarmup plan: %s\n\n", md(p.Cluster))
	switch {
	case len(p.Refused) > 0:
		b.WriteString("Refused.\n")
	case len(p.Steps) == 0 && len(p.Blocked) > 0:
		b.WriteString("Nothing can be done now.\n")
	case len(p.Steps) == 0 && len(p.Drift) > 0:
		b.WriteString("Nothing to do unasked.\n")
	case len(p.Steps) == 0:
		b.WriteString("Nothing to do.\n")
	default:
		fmt.Fprintf(&b, "**%s**\n\n| | Node | Step | Details |\n|---|---|---|---|\n", headline(p))
	}
	for _, s := range p.Steps {
		var details []string
		if why := reason(s); why != "" {
			details = append(details, md(why))
		}
		for _, c := range s.Changes {
			details = append(details, md(change(c)))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", md(strings.TrimSpace(sign(s))), md(s.Node), md(title(s)), strings.Join(details, "<br>"))
	}
	if p.Partial {
		b.WriteString("\nMore will be known, and planned, after these steps.\n")
	}
	if line := adopted(p); line != "" {
		b.WriteString("\n" + md(strings.TrimSpace(line)) + "\n")
	}
	lossesMarkdown(&b, p.Loses)
	findingsMarkdown(&b, "Refused", p.Refused)
	findingsMarkdown(&b, "Blocked", p.Blocked)
	findingsMarkdown(&b, "Not as the file says, and left so", p.Drift)
	findingsMarkdown(&b, "Notes", p.Notes)
	return b.String()
}

func findingsMarkdown(b *strings.Builder, heading string, fs []plan.Finding) {
	if len(fs) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", heading)
	for _, f := range fs {
		line := "- " + md(finding(f))
		if f.Hint != "" {
			line += ": " + md(f.Hint)
		}
		b.WriteString(line + "\n")
	}
}

// md makes text show as it is inside a Markdown table cell; a name after an @
// notifies nobody.
func md(text string) string {
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "@", "&#64;", "\n", " ",
		"\\", "\\\\", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "~", "\\~", "[", "\\[", "]", "\\]",
	).Replace(text)
}

// writeJSON writes one document, indented, as it is meant to be read by people too.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
