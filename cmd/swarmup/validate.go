package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/spec"
)

// validity is what "swarmup validate -o json" shows.
type validity struct {
	File     string    `json:"file"`
	Valid    bool      `json:"valid"`
	Problems []problem `json:"problems"`
	Warnings []problem `json:"warnings"`
}

// problem is one mistake in, or remark about, the file.
type problem struct {
	Line int    `json:"line"`
	Col  int    `json:"col"`
	Path string `json:"path,omitempty"`
	Text string `json:"text"`
}

func (e env) validateCommand() *cli.Command {
	return &cli.Command{
		Name: "validate", Usage: "check the file; nothing is asked or changed", ArgsUsage: "[FILE]",
		Flags:  []cli.Flag{outputFlag("text", "json")},
		Action: e.validate,
	}
}

func (e env) validate(c *cli.Context) error {
	as, err := form(c, "text", "json")
	if err != nil {
		return err
	}
	name, err := e.fileName(c, c.Args().First())
	if err != nil {
		return err
	}
	cluster, err := e.parse(name)
	var mistakes *spec.Errors
	if as == "json" && (err == nil || errors.As(err, &mistakes)) {
		v := validity{File: name, Valid: err == nil, Problems: []problem{}, Warnings: []problem{}}
		if err == nil {
			v.Warnings = problems(cluster.Warnings)
		} else {
			v.Problems = problems(mistakes.Problems)
		}
		if werr := writeJSON(e.out, v); werr != nil {
			return werr
		}
		if err != nil {
			return &exitError{code: exitRefused}
		}
		return nil
	}
	if err != nil {
		return err
	}
	for _, w := range cluster.Warnings {
		tell(e.err, "warning: "+w.String())
	}
	_, err = fmt.Fprintf(e.out, "%s is valid: %s, %s, %s\n", name, cluster.Name,
		count(len(cluster.Managers()), "manager"), count(len(cluster.Workers()), "worker"))
	return err
}

func problems(ps []spec.Problem) []problem {
	out := []problem{}
	for _, p := range ps {
		out = append(out, problem{Line: p.Pos.Line, Col: p.Pos.Col, Path: p.Path, Text: p.Text})
	}
	return out
}
