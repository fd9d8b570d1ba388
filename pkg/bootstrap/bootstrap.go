// Package bootstrap brings a bare machine to a running, configured engine, and
// one engine to the first manager of a swarm. It works by small shell scripts
// for the machine and by the engine's API for the swarm. It never opens a
// connection, never decides whether there may be a new swarm, and never puts a
// secret into a command.
package bootstrap

import (
	"context"
	"io"
	"io/fs"
)

// Host runs commands on a machine as root. Its methods may be called
// concurrently.
type Host interface {
	// Run runs a command in a POSIX shell and returns what it printed.
	Run(ctx context.Context, cmd string, stdin io.Reader) (stdout string, err error)
	// Put writes a file, so that either the old content is there or all of the
	// new one. Folders that are missing are made.
	Put(ctx context.Context, path string, mode fs.FileMode, content []byte) error
}

// Where our files are. The scripts know these paths too.
const (
	daemonFile = "/etc/docker/daemon.json"
	ownedFile  = "/etc/docker/swarmup.json"
	envFile    = "/etc/docker/swarmup.env"
)
