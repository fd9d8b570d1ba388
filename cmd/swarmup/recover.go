package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/recovery"
	"github.com/swarmup/swarmup/pkg/spec"
)

func (e env) recoverCommand() *cli.Command {
	return &cli.Command{
		Name: "recover", Usage: "let one manager go on alone after the quorum is lost for good", ArgsUsage: "[FILE]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "manager", Usage: "the `NODE` that goes on"},
			boolFlag("yes", "do not ask; goes with --confirm-name"),
			&cli.StringFlag{Name: "confirm-name", Usage: "with --yes: the `NAME` of the cluster that is meant"},
			connectFlag(), acceptFlag(),
		},
		Action: e.recover,
	}
}

func (e env) recover(c *cli.Context) (err error) {
	cluster, err := e.load(c)
	if err != nil {
		return err
	}
	m := mask(cluster.Redact)
	defer func() { err = m.error(err) }()
	p := newProgress(e, m)
	world, err := e.open(c, settings{cluster: cluster, progress: p.line})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	p.line("", "ask all managers of "+cluster.Name+" ...")
	have, err := world.Observe(c.Context, min(applyPatience, c.Duration("connect-timeout")))
	if err != nil {
		return fmt.Errorf("observe %s: %w", cluster.Name, err)
	}
	todo, err := recovery.Look(cluster, have, c.String("manager"))
	var refused *recovery.RefusedError
	if errors.As(err, &refused) {
		return refusal(refused.Hint, "recover %s: %w", cluster.Name, err)
	}
	if err != nil {
		return err
	}
	tell(e.err, m(todo.Text()))
	if err := e.named(c, cluster, "recover "+cluster.Name); err != nil {
		return err
	}
	p.line("", todo.Manager+" becomes the only manager ...")
	id, err := todo.Run(c.Context, world)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s: %s leads the swarm %s; swarmup apply brings the other managers back\n", cluster.Name, todo.Manager, id)
	return err
}

// named wants to be told the name of the cluster, typed on the terminal or given
// by a flag: what follows cannot be undone.
func (e env) named(c *cli.Context, cluster *spec.Cluster, what string) error {
	given := c.String("confirm-name")
	switch {
	case c.Bool("yes") && given == cluster.Name:
		return nil
	case c.Bool("yes") || given != "":
		return refusal(fmt.Sprintf("--yes --confirm-name %s", cluster.Name), "%s: without being asked it goes with --yes and the name of the cluster, %s; --confirm-name is %q", what, cluster.Name, given)
	case !e.terminal:
		return refusal(fmt.Sprintf("if that is right: --yes --confirm-name %s", cluster.Name), "%s: there is no terminal to ask on", what)
	}
	_, _ = io.WriteString(e.err, "swarmup: type the name of the cluster to go on: ")
	answer, err := readLine(c.Context, e.in)
	if err != nil {
		return err
	}
	if strings.TrimSpace(answer) != cluster.Name {
		return refusal("", "not confirmed, nothing was done")
	}
	return nil
}
