package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/ssh"
)

func (e env) logsCommand() *cli.Command {
	return &cli.Command{
		Name: "logs", Usage: "show the log of a node's engine", ArgsUsage: "NODE",
		Description: "It is the journal of docker.service, or /var/log/docker.log where there is no systemd.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "file", DefaultText: "$SWARMUP_FILE, else ./cluster.yaml", Usage: "the cluster's `FILE`"},
			acceptFlag(),
			&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on with what is written from now on", DisableDefaultText: true},
			&cli.StringFlag{Name: "lines", Aliases: []string{"n"}, Value: "100", Usage: "begin `N` lines before the end; all is the whole log"},
		},
		Action: e.logs,
	}
}

func (e env) logs(c *cli.Context) error {
	node, last := c.Args().First(), c.String("lines")
	if node == "" {
		return refusal(seeHelp("logs"), "logs needs the name of a node")
	}
	if n, err := strconv.ParseUint(last, 10, 31); last != "all" && err != nil {
		return refusal("", "--lines is %q, and must be a number or all", last)
	} else if last != "all" {
		last = strconv.FormatUint(n, 10)
	}
	return e.visit(c, func(ctx context.Context, s *site) error {
		if err := s.knows(node); err != nil {
			return err
		}
		h, err := s.world.Login(ctx, node)
		if err != nil {
			return err
		}
		defer func() { _ = h.Close() }()
		err = h.Stream(ctx, logScript(last, c.Bool("follow")), nil, e.out)
		var exit *ssh.ExitError
		if errors.As(err, &exit) && exit.Code == noLog {
			return fmt.Errorf("%s keeps no log of its engine: there is neither a journal nor /var/log/docker.log", node)
		}
		return err
	})
}

// noLog is how logScript says that it found none.
const noLog = 66

// logScript prints the log, from where package bootstrap reads it too.
func logScript(last string, follow bool) string {
	from, on := last, ""
	if last == "all" {
		from = "+1"
	}
	if follow {
		on = " -f"
	}
	return fmt.Sprintf("if [ -d /run/systemd/system ] && command -v journalctl >/dev/null; then exec journalctl -q --no-pager -u docker.service -n %s%s\n"+
		"elif [ -e /var/log/docker.log ]; then exec tail -n %s%s /var/log/docker.log\nelse exit %d; fi", last, on, from, on, noLog)
}
