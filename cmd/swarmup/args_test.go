package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestArrangePutsFlagsFirst(t *testing.T) {
	cmd := &cli.Command{Name: "apply", ArgsUsage: "[FILE]", Flags: []cli.Flag{
		&cli.BoolFlag{Name: "yes"}, &cli.IntFlag{Name: "parallel"}, &cli.StringFlag{Name: "output", Aliases: []string{"o"}},
	}}
	tests := []struct{ name, args, want, err string }{
		{name: "nothing", want: "--"},
		{name: "flags before the file", args: "--yes -o json f", want: "--yes -o json -- f"},
		{name: "flags after the file", args: "f --yes -o json", want: "--yes -o json -- f"},
		{name: "around it", args: "--yes f --parallel 3", want: "--yes --parallel 3 -- f"},
		{name: "with values of their own", args: "f --parallel=3 -o=json", want: "--parallel=3 -o=json -- f"},
		{name: "a value that looks like a flag", args: "--output --yes f", want: "--output --yes -- f"},
		{name: "a value that looks like the end of flags", args: "--output -- f", want: "--output -- -- f"},
		{name: "one dash for a long flag", args: "f -yes", want: "-yes -- f"},
		{name: "standard input", args: "- --yes", want: "--yes -- -"},
		{name: "after -- all is a file", args: "--yes -- --parallel", want: "--yes -- --parallel"},
		{name: "help wins", args: "f --yes -h --parallel", want: "--help"},
		{name: "an unknown flag", args: "f --yess", err: `unknown flag "--yess" for apply (did you mean "--yes"?)`},
		{name: "an unknown flag with a value", args: "--paralel=3", err: `unknown flag "--paralel" for apply (did you mean "--parallel"?)`},
		{name: "nothing near", args: "--frobnicate", err: `unknown flag "--frobnicate" for apply`},
		{name: "no value", args: "f --parallel", err: "flag --parallel needs a value"},
		{name: "two files", args: "f --yes g", err: `apply takes one file, and was given ["f" "g"]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := arrange(cmd, strings.Fields(tt.args))
			switch {
			case tt.err != "":
				if err == nil || err.Error() != tt.err || codeOf(err) != exitRefused {
					t.Errorf("error %v, want the refusal %q", err, tt.err)
				}
			case err != nil || !slices.Equal(got, strings.Fields(tt.want)):
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// Every flag that the help of a command shows must be one that arrange knows.
func TestEveryFlagOfEveryCommandMayFollowTheFile(t *testing.T) {
	for _, cmd := range (env{}).app().Commands {
		for _, f := range cmd.Flags {
			for _, name := range f.Names() {
				args := []string{dashed(name)}
				if f.(cli.DocGenerationFlag).TakesValue() {
					args = append(args, "value")
				}
				want := append(slices.Clone(args), "--")
				if cmd.ArgsUsage != "" {
					args, want = append([]string{"file"}, args...), append(want, "file")
				}
				if got, err := arrange(cmd, args); err != nil || !slices.Equal(got, want) {
					t.Errorf("swarmup %s %s: got %q, %v, want %q", cmd.Name, strings.Join(args, " "), got, err, want)
				}
			}
		}
	}
}
