package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/spec"
)

// fileFlag is for commands whose arguments are nodes.
func fileFlag() cli.Flag {
	return &cli.StringFlag{Name: "file", Aliases: []string{"f"}, DefaultText: "$SWARMUP_FILE, else ./cluster.yaml", Usage: "the cluster's `FILE`"}
}

// site is a cluster with its machines, for commands about single nodes.
type site struct {
	cluster  *spec.Cluster
	world    conductor
	machines []provider.Machine
	mask     mask
}

// visit lists the machines of the command's cluster and does something with
// them. Nothing else is asked.
func (e env) visit(c *cli.Context, do func(context.Context, *site) error) (err error) {
	cluster, err := e.loadNamed(c, c.String("file"))
	if err != nil {
		return err
	}
	s := &site{cluster: cluster, mask: cluster.Redact}
	defer func() { err = s.mask.error(err) }()
	s.world, err = e.open(c, settings{cluster: cluster, readOnly: true, keyUnasked: true, progress: func(string, string) {}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.world.Close()) }()
	if s.machines, err = s.world.Machines(c.Context); err != nil {
		return fmt.Errorf("list the machines of %s: %w", cluster.Name, err)
	}
	return do(c.Context, s)
}

// names are all nodes: those of the file in its order, then others that have a machine.
func (s *site) names() []string {
	var out []string
	for _, n := range s.cluster.Nodes {
		out = append(out, n.Name)
	}
	for _, m := range s.machines {
		out = append(out, m.Node)
	}
	return distinct(out)
}

// knows refuses names that no node has.
func (s *site) knows(names ...string) error {
	known := s.names()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return refusal("", "no node %q in %s%s", name, s.cluster.Name, didYouMean(name, known))
		}
	}
	return nil
}

// machine gives the machine of a node: of several one that runs, and the last.
func (s *site) machine(node string) (m provider.Machine, ok bool) {
	for _, have := range s.machines {
		if have.Node == node && (!ok || have.State == provider.Running || m.State != provider.Running) {
			m, ok = have, true
		}
	}
	return m, ok
}
