package main

import (
	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

func (e env) destroyCommand() *cli.Command {
	return &cli.Command{
		Name: "destroy", Usage: "take the whole cluster down", ArgsUsage: "[FILE]",
		Flags: append(doingFlags(), acceptFlag(), outputFlag("text", "json"),
			boolFlag("yes", "do not ask"),
			&cli.StringFlag{Name: "name", Usage: "take down the cluster of that `NAME`, without a file"},
			&cli.StringFlag{Name: "provider", Usage: "with --name: where its machines are (`docker`)"},
		),
		Action: func(c *cli.Context) error {
			cluster, err := e.doomed(c)
			if err != nil {
				return err
			}
			return e.carryOut(c, cluster, plan.Options{Teardown: true},
				consent{command: "destroy", yes: c.Bool("yes"), always: true, max: -1})
		},
	}
}

// doomed gives the cluster to take down: that of the file, or one that is known
// by its name alone, whose machines the provider finds by their tags.
func (e env) doomed(c *cli.Context) (*spec.Cluster, error) {
	name, provider := c.String("name"), c.String("provider")
	switch {
	case name == "" && (c.IsSet("name") || c.IsSet("provider")):
		return nil, refusal(seeHelp("destroy"), "--provider goes with --name NAME")
	case name == "":
		return e.load(c)
	case c.Args().Present():
		return nil, refusal(seeHelp("destroy"), "give a file or --name, not both")
	case provider == "":
		return nil, refusal("such as --provider docker", "--name goes with --provider")
	case provider == "ssh":
		return nil, refusal("name the file", "provider ssh keeps no list of machines: only the file has one")
	}
	if _, err := starter(provider, name); err != nil { // it knows what names look like, and which providers there are
		return nil, &exitError{code: exitRefused, err: err}
	}
	return &spec.Cluster{Name: name, Provider: spec.Provider{Name: provider}}, nil
}
