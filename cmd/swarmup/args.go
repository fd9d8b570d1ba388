package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/spec"
)

// arrange puts the flags of a command before its arguments, since the cli
// package takes all that follows the first argument for arguments, and users
// write "swarmup apply cluster.yaml --yes". A "--" ends the flags. It knows
// every flag, so it is also the one to say which is unknown or lacks its value.
//
// Of a command that takes another command line (CMD...) the "--" before that one
// is kept. Where it is about one node the line may also follow the node at once,
// as people write it for ssh.
func arrange(cmd *cli.Command, args []string) ([]string, error) {
	var flags, operands []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			if takesLine(cmd) {
				i--
			}
			operands = append(operands, args[i+1:]...)
			break
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			if len(operands) == 1 && strings.HasPrefix(cmd.ArgsUsage, "NODE ") && takesLine(cmd) {
				operands = append(append(operands, "--"), args[i:]...)
				break
			}
			operands = append(operands, arg)
			continue
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		takes, known := lookFlag(cmd, name)
		if !known {
			return nil, unknownFlag(cmd, arg)
		}
		if name == "h" || name == "help" {
			return []string{"--help"}, nil // the cli package takes a file beside it for a topic
		}
		flags = append(flags, arg)
		if takes && !hasValue {
			if i++; i == len(args) {
				return nil, refusal(seeHelp(cmd.Name), "flag %s needs a value", arg)
			}
			flags = append(flags, args[i])
		}
	}
	if most, words := operandsOf(cmd); len(operands) > most {
		return nil, refusal(seeHelp(cmd.Name), "%s takes %s, and was given %q", cmd.Name, words, operands)
	}
	return slices.Concat(flags, []string{"--"}, operands), nil
}

// takesLine says whether a command takes the command line of another one.
func takesLine(cmd *cli.Command) bool { return strings.Contains(cmd.ArgsUsage, "CMD...") }

// lineOf splits the arguments of such a command.
func lineOf(args []string) (nodes, line []string) {
	if i := slices.Index(args, "--"); i >= 0 {
		return args[:i:i], args[i+1:]
	}
	return args, nil
}

// operandsOf says how many arguments a command takes at most, also in words.
func operandsOf(cmd *cli.Command) (most int, words string) {
	switch usage := strings.Fields(cmd.ArgsUsage); {
	case len(usage) == 0:
		return 0, "no argument"
	case strings.Contains(cmd.ArgsUsage, "..."):
		return math.MaxInt, cmd.ArgsUsage
	case len(usage) == 1:
		return 1, "one file"
	default:
		return len(usage), cmd.ArgsUsage
	}
}

// lookFlag says whether the command has a flag of that name and whether it takes a value.
func lookFlag(cmd *cli.Command, name string) (takesValue, known bool) {
	for _, f := range append(slices.Clone(cmd.Flags), cli.HelpFlag) {
		if slices.Contains(f.Names(), name) {
			doc, ok := f.(cli.DocGenerationFlag)
			return ok && doc.TakesValue(), true
		}
	}
	return false, false
}

func unknownFlag(cmd *cli.Command, arg string) error {
	typed, _, _ := strings.Cut(arg, "=")
	var known []string
	for _, f := range cmd.Flags {
		for _, n := range f.Names() {
			known = append(known, dashed(n))
		}
	}
	return refusal(seeHelp(cmd.Name), "unknown flag %q for %s%s", typed, cmd.Name, didYouMean(typed, known))
}

func dashed(flag string) string {
	if len(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

func unknownCommand(app *cli.App, arg string) error {
	if strings.HasPrefix(arg, "-") {
		return refusal("flags follow the command: swarmup COMMAND [FILE] [flags]", "unknown flag %q before the command", arg)
	}
	var known []string
	for _, c := range app.Commands {
		known = append(known, c.Name)
	}
	return refusal(`run "swarmup help"`, "unknown command %q%s", arg, didYouMean(arg, known))
}

func unknownSubcommand(cmd *cli.Command, arg string) error {
	var known []string
	for _, c := range cmd.Subcommands {
		known = append(known, c.Name)
	}
	return refusal(seeHelp(cmd.Name), "unknown word %q after %s%s", arg, cmd.Name, didYouMean(arg, known))
}

func seeHelp(command string) string { return fmt.Sprintf(`run "swarmup help %s"`, command) }

// didYouMean names the known word that was probably meant.
func didYouMean(typed string, known []string) string {
	if best := spec.Nearest(typed, known); best != "" {
		return fmt.Sprintf(" (did you mean %q?)", best)
	}
	return ""
}
