package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/spec"
)

const (
	defaultFile = "cluster.yaml"
	// mostRead is one byte more than spec takes, and keeps endless files out.
	mostRead = 1<<20 + 1
)

// fileName says which file a command is about: the one that was named, else
// $SWARMUP_FILE, else cluster.yaml in this folder. "-" is standard input.
func (e env) fileName(c *cli.Context, name string) (string, error) {
	if name != "" {
		return name, nil
	}
	if name := e.getenv("SWARMUP_FILE"); name != "" {
		return name, nil
	}
	if _, err := os.Stat(defaultFile); err != nil {
		return "", refusal(
			fmt.Sprintf("name one (swarmup %s FILE), set SWARMUP_FILE, or begin with: swarmup new %s", c.Command.Name, defaultFile),
			"no file is named, and there is no %s in this folder", defaultFile)
	}
	return defaultFile, nil
}

// load reads and checks the command's file. Mistakes in it are a refusal;
// remarks about it go to standard error.
func (e env) load(c *cli.Context) (*spec.Cluster, error) {
	return e.loadNamed(c, c.Args().First())
}

// loadNamed is load for a file that was named; "" for none.
func (e env) loadNamed(c *cli.Context, name string) (*spec.Cluster, error) {
	name, err := e.fileName(c, name)
	if err != nil {
		return nil, err
	}
	cluster, err := e.parse(name)
	if err != nil {
		return nil, err
	}
	for _, w := range cluster.Warnings {
		tell(e.err, "warning: "+w.String())
	}
	return cluster, nil
}

// loadWhole is load for commands that may install an engine: what the file
// names for that is there. It is read again when it is needed.
func (e env) loadWhole(c *cli.Context) (*spec.Cluster, error) {
	cluster, err := e.load(c)
	if err != nil {
		return nil, err
	}
	for _, n := range cluster.Nodes {
		for _, f := range []struct{ key, path string }{{"install", n.Engine.Script}, {"repository.key", n.Engine.Repository.Key}} {
			if f.path == "" {
				continue
			}
			if _, err := os.ReadFile(f.path); err != nil {
				return nil, refusal("", "%s: engine.%s of %s: read %q: %w", n.Pos, f.key, n.Name, f.path, cause(err))
			}
		}
	}
	return cluster, nil
}

func (e env) parse(name string) (*spec.Cluster, error) {
	data, err := e.read(name)
	if err != nil {
		return nil, err
	}
	src := spec.Source{Name: name, Data: data, Home: e.getenv("HOME"), Env: e.lookup}
	if name == "-" {
		src.Name = "<stdin>"
	}
	if src.Dir, err = filepath.Abs(filepath.Dir(name)); err != nil {
		return nil, refusal("", "find the folder of %q: %w", name, err)
	}
	cluster, err := spec.Parse(src)
	if err != nil {
		return nil, &exitError{code: exitRefused, err: err}
	}
	return cluster, nil
}

// getenv gives "" for a variable that is not set.
func (e env) getenv(name string) string {
	value, _ := e.lookup(name)
	return value
}

func (e env) read(name string) ([]byte, error) {
	in := e.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, refusal("", "read %q: %w", name, cause(err))
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, mostRead))
	if err != nil {
		return nil, refusal("", "read %q: %w", name, cause(err))
	}
	return data, nil
}

// cause drops the path and the call that a file system error repeats.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
