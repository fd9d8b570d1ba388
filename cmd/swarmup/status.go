package main

import (
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/plan"
)

func (e env) statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show the nodes as they are; nothing is changed", ArgsUsage: "[FILE]",
		Flags: []cli.Flag{outputFlag("text", "json")},
		Action: func(c *cli.Context) error {
			as, err := form(c, "text", "json")
			if err != nil {
				return err
			}
			cluster, err := e.load(c)
			if err != nil {
				return err
			}
			var s status
			err = e.observe(c, settings{cluster: cluster, keyUnasked: true}, func(_ conductor, have plan.State) { s = statusOf(cluster, have) })
			if err != nil {
				return err
			}
			s = mask(cluster.Redact).status(s)
			if as == "json" {
				err = writeJSON(e.out, s)
			} else {
				_, err = io.WriteString(e.out, statusText(s))
			}
			if err == nil && slices.ContainsFunc(s.Nodes, func(n nodeStatus) bool { return n.Unknown }) {
				err = &exitError{code: exitFailed}
			}
			return err
		},
	}
}
