package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/spec"
)

func (e env) newCommand() *cli.Command {
	return &cli.Command{
		Name: "new", Usage: "write a commented file to begin with, to FILE or to standard output", ArgsUsage: "[FILE]",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "provider", Value: "docker", Usage: "where the machines come from: `docker` or ssh"},
			&cli.StringFlag{Name: "name", Value: "demo", Usage: "`NAME` of the cluster"},
		},
		Action: e.create,
	}
}

// create writes a starter file. It touches no machine and overwrites nothing.
func (e env) create(c *cli.Context) error {
	text, err := starter(c.String("provider"), c.String("name"))
	if err != nil {
		return &exitError{code: exitRefused, err: err}
	}
	name := c.Args().First()
	if name == "" || name == "-" {
		_, err = e.out.Write(text)
		return err
	}
	if err := writeNew(name, text); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s is written; next: swarmup apply %s\n", name, name)
	return err
}

// starter gives the starter file of a provider, with the cluster's name in it.
func starter(provider, name string) ([]byte, error) {
	text, err := spec.Starter(provider)
	if err != nil {
		return nil, err
	}
	text = bytes.Replace(text, []byte("\nname: demo"), []byte("\nname: "+name), 1)
	cluster, err := spec.Parse(spec.Source{Data: text, Dir: "/"})
	var mistakes *spec.Errors
	switch {
	case errors.As(err, &mistakes):
		return nil, fmt.Errorf("--name %q: %s", name, mistakes.Problems[0].Text)
	case err == nil && cluster.Name != name:
		return nil, fmt.Errorf("--name %q: more than a name", name)
	}
	return text, err
}

func writeNew(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // the file holds no secret and is meant to be shared
	switch {
	case errors.Is(err, fs.ErrExist):
		return refusal("name another, or remove it first", "%q exists already, and is left as it is", name)
	case err != nil:
		return refusal("", "write %q: %w", name, cause(err))
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %q: %w", name, cause(err))
	}
	return nil
}

func (e env) schemaCommand() *cli.Command {
	return &cli.Command{
		Name: "schema", Usage: "print the JSON Schema of the file, for editors",
		Action: func(*cli.Context) error {
			text, err := spec.Schema()
			if err != nil {
				return err
			}
			_, err = e.out.Write(text)
			return err
		},
	}
}
