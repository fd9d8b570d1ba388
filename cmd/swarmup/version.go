package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is filled in by the linker (see the Makefile).
var version string

// build says which swarmup this is.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// release takes what the linker gave, else what go install knows.
func release() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Commit = s.Value
		}
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "dev"
	}
	return b
}

func (e env) versionCommand() *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "say which swarmup this is",
		Flags: []cli.Flag{outputFlag("text", "json")},
		Action: func(c *cli.Context) error {
			as, err := form(c, "text", "json")
			if err != nil {
				return err
			}
			b := release()
			if as == "json" {
				return writeJSON(e.out, b)
			}
			_, err = fmt.Fprintf(e.out, "swarmup %s (%s, %s)\n", b.Version, b.Go, b.Platform)
			return err
		},
	}
}
