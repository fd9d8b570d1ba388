package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"text/template"
)

// rowShow is how ls writes its rows.
type rowShow struct {
	json, heading bool
	template      *template.Template // nil for the table of all columns
}

// rowFormat reads --format and --quiet. A template is tried before anything is
// looked at.
func rowFormat(format string, quiet bool) (rowShow, error) {
	switch {
	case quiet && format != "":
		return rowShow{}, refusal("give one of them", "--quiet and --format contradict each other")
	case quiet:
		format = "{{.Name}}"
	case format == "":
		return rowShow{}, nil
	case format == "json":
		return rowShow{json: true}, nil
	}
	text, heading := strings.CutPrefix(format, "table ")
	text = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(text)
	t, err := template.New("format").Funcs(template.FuncMap{
		"json": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
		"join": strings.Join, "upper": strings.ToUpper, "lower": strings.ToLower,
	}).Parse(text)
	if err == nil {
		err = t.Execute(io.Discard, row{})
	}
	if err != nil {
		return rowShow{}, refusal(seeHelp("ls"), "--format %q: %s", format, strings.TrimPrefix(err.Error(), "template: "))
	}
	return rowShow{template: t, heading: heading}, nil
}

// write writes rows; many says that they are of several clusters.
func (s rowShow) write(w io.Writer, rows []row, many bool) error {
	switch {
	case s.json:
		return writeJSON(w, rows)
	case s.template == nil:
		return rowTable(w, rows, many)
	}
	out := w
	if s.heading {
		tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		defer func() { _ = tab.Flush() }() // run looks at what became of the output
		out = tab
		if err := s.template.Execute(out, heading{}.fill()); err != nil {
			return fmt.Errorf("write the heading: %w", err)
		}
		_, _ = io.WriteString(out, "\n")
	}
	for _, r := range rows {
		if err := s.template.Execute(out, r); err != nil {
			return fmt.Errorf("write %s: %w", r.Name, err)
		}
		_, _ = io.WriteString(out, "\n")
	}
	return nil
}

// heading is a row of titles.
type heading struct {
	Cluster, Name, Active, Role, Leader, Status, Availability, Engine, Address, Provider, Labels, Errors, Machine, ID string
}

func (heading) fill() heading {
	return heading{
		"CLUSTER", "NAME", "ACTIVE", "ROLE", "LEADER", "STATUS", "AVAILABILITY", "ENGINE", "ADDRESS",
		"PROVIDER", "LABELS", "ERRORS", "MACHINE", "ID",
	}
}

// Label is the title of a column of one label.
func (heading) Label(key string) string { return strings.ToUpper(key) }

func rowTable(w io.Writer, rows []row, many bool) error {
	var b strings.Builder
	tab := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(cluster string, cells ...string) {
		if many {
			cells = append([]string{cluster}, cells...)
		}
		_, _ = fmt.Fprintln(tab, strings.Join(cells, "\t"))
	}
	line("CLUSTER", "NAME", "ACTIVE", "ROLE", "STATUS", "AVAILABILITY", "ENGINE", "ADDRESS", "PROVIDER", "LABELS", "ERRORS")
	for _, r := range rows {
		cells := []string{r.Name, activeText(r.Active), r.Role, r.Status, r.Availability, r.Engine, r.Address, r.Provider, labelText(r.Labels)}
		for i := range cells {
			cells[i] = cmp.Or(cells[i], "-")
		}
		line(r.Cluster, append(cells, strings.ReplaceAll(r.Errors, "\n", " "))...)
	}
	_ = tab.Flush() // a strings.Builder takes everything
	_, err := io.WriteString(w, trimLines(b.String()))
	return err
}

func activeText(is bool) string {
	if is {
		return "*"
	}
	return ""
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
