package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/plan"
)

func (e env) planCommand() *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "show what apply would do; nothing is changed", ArgsUsage: "[FILE]",
		Flags: []cli.Flag{
			outputFlag("text", "json", "markdown"), pruneFlag(), downgradeFlag(), replaceFlag(),
			boolFlag("detailed-exitcode", "exit with 2 if changes are pending"),
		},
		Action: e.plan,
	}
}

func (e env) plan(c *cli.Context) error {
	as, err := form(c, "text", "json", "markdown")
	if err != nil {
		return err
	}
	cluster, err := e.loadWhole(c)
	if err != nil {
		return err
	}
	var p plan.Plan
	err = e.observe(c, settings{cluster: cluster}, func(world conductor, have plan.State) {
		p = e.diff(cluster, have, wishes(c))
		p.Loses = world.Losses(c.Context, have, p)
	})
	if err != nil {
		return err
	}
	p = mask(cluster.Redact).plan(p)
	switch as {
	case "json":
		err = writeJSON(e.out, p)
	case "markdown":
		_, err = io.WriteString(e.out, planMarkdown(p))
	default:
		_, err = io.WriteString(e.out, planText(p))
	}
	switch {
	case err != nil:
		return err
	case len(p.Refused) > 0:
		tellFindings(e.err, "refused", p.Refused)
		return &exitError{code: exitRefused}
	case len(p.Blocked) > 0:
		return &exitError{code: exitFailed, err: fmt.Errorf("%s is blocked: %s", p.Cluster, list(whom(p.Blocked)))}
	case len(p.Steps)+len(p.Drift) > 0 && c.Bool("detailed-exitcode"):
		return &exitError{code: exitChanges}
	}
	return nil
}

// observe asks the world once, for the commands that only look, and hands over
// what was seen while it can still be asked more.
func (e env) observe(c *cli.Context, s settings, seen func(conductor, plan.State)) (err error) {
	m := mask(s.cluster.Redact)
	defer func() { err = m.error(err) }()
	s.readOnly, s.progress = true, func(string, string) {}
	world, err := e.open(c, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	have, err := world.Observe(c.Context, lookPatience)
	switch {
	case err == nil:
		seen(world, have)
	case !errors.Is(err, context.Canceled):
		err = fmt.Errorf("observe %s: %w", s.cluster.Name, err)
	}
	return err
}

// whom lists the nodes that findings are about.
func whom(fs []plan.Finding) []string {
	var names []string
	for _, f := range fs {
		names = append(names, cmp.Or(f.Node, "the cluster"))
	}
	return distinct(names)
}
