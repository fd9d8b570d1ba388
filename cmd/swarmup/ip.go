package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/urfave/cli/v2"
)

func (e env) ipCommand() *cli.Command {
	return &cli.Command{
		Name: "ip", Usage: "print the addresses of nodes, a line each; nobody is logged in to", ArgsUsage: "NODE...",
		Flags: []cli.Flag{fileFlag()},
		Action: func(c *cli.Context) error {
			nodes := c.Args().Slice()
			if len(nodes) == 0 {
				return refusal(seeHelp("ip"), "ip needs the name of a node")
			}
			return e.visit(c, func(_ context.Context, s *site) error {
				if err := s.knows(nodes...); err != nil {
					return err
				}
				var failures []error
				for _, n := range nodes {
					m, _ := s.machine(n)
					address := cmp.Or(m.Address, m.SSH.Host)
					if address == "" {
						failures = append(failures, fmt.Errorf("%s has no address: its machine is off, or was not made yet", n))
						continue
					}
					if _, err := fmt.Fprintln(e.out, address); err != nil {
						return err
					}
				}
				return e.told(s.mask, failures)
			})
		},
	}
}
