package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// unlockAtOnce is how many managers are unlocked at the same time: they need
// each other to be managers again, and there are never more than a few.
const unlockAtOnce = 32

func (e env) unlockCommand() *cli.Command {
	return &cli.Command{
		Name: "unlock", Usage: "unlock managers whose engines restarted", ArgsUsage: "[FILE] [NODE...]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "key-file", Usage: "take the key from the first line of `PATH`; - is standard input"},
			connectFlag(), acceptFlag(), outputFlag("text", "json"),
		},
		Action: e.unlock,
	}
}

// unlocked is what became of one node.
type unlocked struct {
	Node string `json:"node"`
	// Result is unlocked, failed, or why there was nothing to do: "not locked",
	// "worker", "absent", "off", "silent", "barred".
	Result string `json:"result"`
	Text   string `json:"text,omitempty"`
}

func (e env) unlock(c *cli.Context) (err error) {
	as, err := form(c, "text", "json")
	if err != nil {
		return err
	}
	file, names := fileAndNodes(c.Args().Slice())
	cluster, err := e.loadNamed(c, file)
	if err != nil {
		return err
	}
	nodes, err := named(cluster, names)
	if err != nil {
		return err
	}
	key, err := e.givenKey(c, cluster, file)
	if err != nil {
		return err
	}
	m := mask(cluster.Redact)
	defer func() { err = m.error(err) }()
	world, err := e.open(c, settings{cluster: cluster, key: key, keyUnasked: true, progress: func(string, string) {}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	have, err := world.Observe(c.Context, min(applyPatience, c.Duration("connect-timeout")))
	if err != nil {
		return fmt.Errorf("observe %s: %w", cluster.Name, err)
	}
	lines, failures := opened(nodes, have, func(steps []plan.Step) apply.Report {
		return apply.Run(c.Context, plan.Plan{Cluster: cluster.Name, Steps: steps}, unlockAtOnce, world.Do, nil)
	})
	if err := m.unlocked(e.out, as, lines); err != nil {
		return err
	}
	return e.told(m, failures)
}

// told tells of failures, and gives the exit code for them.
func (e env) told(m mask, failures []error) error {
	if len(failures) == 0 {
		return nil
	}
	for i := range failures {
		failures[i] = m.error(failures[i])
	}
	sayAll(e.err, failures)
	return &exitError{code: exitFailed}
}

// opened unlocks those nodes that are locked, and says of each what it was.
func opened(nodes []spec.Node, have plan.State, do func([]plan.Step) apply.Report) (lines []unlocked, failures []error) {
	var steps []plan.Step
	for _, n := range nodes {
		line, s := wasLocked(n, have)
		if s != nil {
			steps = append(steps, *s)
		}
		lines = append(lines, line)
	}
	for _, r := range do(steps) {
		i := slices.IndexFunc(lines, func(l unlocked) bool { return l.Node == r.Step.Node })
		switch {
		case r.Status == apply.Done:
			lines[i].Text = r.Note
		case r.Err != nil:
			lines[i].Result, lines[i].Text = "failed", r.Err.Error()
			failures = append(failures, fmt.Errorf("unlock %s: %w", r.Step.Node, r.Err))
		default:
			lines[i].Result = string(r.Status)
		}
	}
	for _, l := range lines {
		if l.Result == string(plan.Silent) || l.Result == string(plan.Barred) {
			failures = append(failures, fmt.Errorf("%s cannot be asked: %s", l.Node, l.Text))
		}
	}
	return lines, failures
}

// wasLocked says what a node is, and gives the step that unlocks it; nil where
// there is nothing to do.
func wasLocked(n spec.Node, have plan.State) (unlocked, *plan.Step) {
	out := unlocked{Node: n.Name, Result: "absent"}
	for _, h := range have.Hosts {
		if h.Node != n.Name {
			continue
		}
		switch {
		case h.Answer != plan.Answered:
			out.Result, out.Text = string(h.Answer), h.Why
		case h.Info.State == engine.Locked:
			out.Result, out.Text = "unlocked", ""
			return out, &plan.Step{ID: "unlock/" + n.Name, Action: plan.Unlock, Node: n.Name, Role: n.Role, Machine: h.Machine.Name}
		case n.Role == spec.Worker:
			out.Result, out.Text = "worker", "workers are never locked"
		default:
			out.Result, out.Text = "not locked", ""
		}
	}
	return out, nil
}

// unlocked writes what became of the nodes.
func (m mask) unlocked(w io.Writer, as string, lines []unlocked) error {
	for i := range lines {
		lines[i].Text = m(lines[i].Text)
	}
	if as == "json" {
		return writeJSON(w, map[string][]unlocked{"nodes": lines})
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		text := l.Result
		if l.Text != "" {
			text += ": " + l.Text
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\n", l.Node, text)
	}
	return t.Flush()
}

// fileAndNodes tells a file among arguments from the names of nodes: no name has
// a dot or a slash in it.
func fileAndNodes(args []string) (file string, nodes []string) {
	if len(args) > 0 && (args[0] == "-" || strings.ContainsAny(args[0], "./\\")) {
		return args[0], args[1:]
	}
	return "", args
}

// named gives the nodes of those names, or all managers where none is named.
func named(cluster *spec.Cluster, names []string) ([]spec.Node, error) {
	if len(names) == 0 {
		return cluster.Managers(), nil
	}
	var known []string
	for _, n := range cluster.Nodes {
		known = append(known, n.Name)
	}
	var out []spec.Node
	for _, name := range distinct(names) {
		n, ok := cluster.Node(name)
		if !ok {
			return nil, refusal("", "no node %q in the file%s", name, didYouMean(name, known))
		}
		out = append(out, n)
	}
	return out, nil
}

// keySource gives an unlock key, and what messages say that it is from.
type keySource func(ctx context.Context) (key engine.Key, from string, err error)
