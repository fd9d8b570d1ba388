package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

const usage = "make a real Docker swarm of a cluster.yaml"

const description = `Every command takes FILE; without one, $SWARMUP_FILE, else ./cluster.yaml.
Commands whose arguments are nodes take it as -f FILE.
"-" reads standard input. Flags may stand before or after it.

Exit codes:
   0    done, or nothing to do
   1    something failed, is blocked or unknown: run again
   2    plan --detailed-exitcode: changes are pending
   3    refused before anything was touched: a bad file or flag, or no consent
   130  interrupted

Environment: SWARMUP_FILE, SWARMUP_HOME (where local login keys are kept),
SWARMUP_SSH_KEY (a private key in PEM), SWARMUP_SSH_PASSPHRASE,
SWARMUP_SUDO_PASSWORD, SSH_AUTH_SOCK.`

// command does what the command line asks for.
func command(ctx context.Context, args []string, e env) error {
	app := e.app()
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if isAppFlag(args[0]) {
		return app.RunContext(ctx, []string{app.Name, args[0]})
	}
	cmd := app.Command(args[0])
	if cmd == nil {
		return unknownCommand(app, args[0])
	}
	words, args := []string{app.Name, cmd.Name}, args[1:]
	if len(cmd.Subcommands) > 0 && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		sub := cmd.Command(args[0])
		if sub == nil {
			return unknownSubcommand(cmd, args[0])
		}
		cmd, words, args = sub, append(words, sub.Name), args[1:]
	}
	rest, err := arrange(cmd, args)
	if err != nil {
		return err
	}
	return app.RunContext(ctx, slices.Concat(words, rest))
}

// isAppFlag is about the flags that stand before, or instead of, a command.
func isAppFlag(arg string) bool {
	return slices.Contains([]string{"-h", "--help", "-v", "--version"}, arg)
}

// app is the command line. It keeps the cli package from ending the process,
// from writing usage to standard output, and from guessing.
func (e env) app() *cli.App {
	app := &cli.App{
		Name: "swarmup", Usage: usage, Description: description,
		UsageText: "swarmup COMMAND [FILE] [flags]\nswarmup help COMMAND",
		Version:   release().Version,
		Writer:    e.out, ErrWriter: e.err, Reader: e.in,
		HideHelpCommand: true,
		ExitErrHandler:  func(*cli.Context, error) {},
		Commands: []*cli.Command{
			e.newCommand(), e.importCommand(), e.validateCommand(), e.schemaCommand(),
			e.planCommand(), e.applyCommand(), e.destroyCommand(), e.statusCommand(),
			e.lsCommand(), e.ipCommand(), e.sshCommand(), e.scpCommand(), e.execCommand(), e.logsCommand(), e.inspectCommand(),
			e.unlockCommand(), e.rotateCommand(), e.lockCommand(), e.recoverCommand(), e.backupCommand(), e.restoreCommand(),
			e.versionCommand(),
		},
	}
	for _, cmd := range app.Commands {
		furnish(cmd, cmd.Name)
		for _, sub := range cmd.Subcommands {
			furnish(sub, cmd.Name+" "+sub.Name)
		}
	}
	return app
}

// furnish gives a command what all have in common. Its name is the whole of it.
func furnish(cmd *cli.Command, name string) {
	cmd.HideHelpCommand = true
	flags := "[flags] "
	if len(cmd.Subcommands) > 0 {
		flags = ""
	}
	cmd.UsageText = strings.TrimSpace("swarmup " + name + " " + flags + cmd.ArgsUsage)
	cmd.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return badValue(name, err) }
}

// badValue is about a flag whose value cannot be read. The flag package writes
// every flag with one dash.
func badValue(command string, err error) error {
	text := strings.Replace(err.Error(), "for flag -", "for flag --", 1)
	return &exitError{code: exitRefused, err: errors.New(text), hint: seeHelp(command)}
}

// outputFlag chooses the form of a result; the first form is the default.
func outputFlag(forms ...string) *cli.StringFlag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Value: forms[0], Usage: "`FORM` of the result: " + strings.Join(forms, ", ")}
}

// form gives the form asked for, one of those that outputFlag was given.
func form(c *cli.Context, forms ...string) (string, error) {
	got := c.String("output")
	if !slices.Contains(forms, got) {
		return "", refusal("", "unknown output form %q for %s (known: %s)", got, c.Command.Name, strings.Join(forms, ", "))
	}
	return got, nil
}

// boolFlag is a flag without a value.
func boolFlag(name, usage string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
}
