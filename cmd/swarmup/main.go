// Command swarmup makes a real Docker swarm of a cluster.yaml. It turns flags
// into calls and results into text, JSON and exit codes. It knows nothing of
// how a cluster is made, and changes nothing by itself.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

func main() {
	stdin := int(os.Stdin.Fd())
	tty := &console{in: stdin, out: int(os.Stdout.Fd())}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	os.Exit(run(context.Background(), os.Args[1:], env{
		in:       os.Stdin,
		out:      os.Stdout,
		err:      os.Stderr,
		lookup:   withheld(),
		terminal: term.IsTerminal(stdin),
		hidden:   func(ctx context.Context) (string, error) { return readHidden(ctx, stdin) },
		signals:  signals,
		screen:   tty,
		replace:  become,
		watched:  term.IsTerminal(int(os.Stderr.Fd())),
		exit:     func(code int) { tty.restore(); os.Exit(code) },
		now:      time.Now,
		connect:  connect,
		manager:  dialManager,
		who:      whoami,
		diff: func(want *spec.Cluster, have plan.State, opt plan.Options) plan.Plan {
			return hinted(plan.Diff(want, have, opt))
		},
	}))
}
