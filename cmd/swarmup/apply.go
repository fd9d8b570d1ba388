package main

import (
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Managers that do not answer are dialled again for that long, since nothing
// can be decided without them: longest where a machine may still be booting from
// a run that was cut off.
const (
	applyPatience = 20 * time.Second
	lookPatience  = 5 * time.Second
)

func (e env) applyCommand() *cli.Command {
	return &cli.Command{
		Name: "apply", Usage: "make the world what the file says", ArgsUsage: "[FILE]",
		Flags: append(doingFlags(), pruneFlag(), downgradeFlag(), replaceFlag(), acceptFlag(), outputFlag("text", "json"),
			boolFlag("yes", "do not ask; see --max-remove"),
			boolFlag("confirm", "ask even if no node is removed"),
			&cli.IntFlag{Name: "max-remove", DefaultText: "no limit; with --yes 1, or a tenth of the nodes", Usage: "remove or replace at most `N` nodes"},
			&cli.DurationFlag{Name: "drain-timeout", Value: 10 * time.Minute, Usage: "wait at most `D` for the tasks of a node to end"},
			boolFlag("force-drain", "go on after --drain-timeout, with tasks still running"),
		),
		Action: func(c *cli.Context) error {
			cluster, err := e.loadWhole(c)
			if err != nil {
				return err
			}
			agreed := consent{command: "apply", yes: c.Bool("yes"), always: c.Bool("confirm"), max: -1}
			if agreed.yes && agreed.always {
				return refusal("give one of them", "--yes and --confirm contradict each other")
			}
			if c.IsSet("max-remove") {
				if agreed.max = c.Int("max-remove"); agreed.max < 0 {
					return refusal("", "--max-remove is %d, and cannot be negative", agreed.max)
				}
			}
			return e.carryOut(c, cluster, wishes(c), agreed)
		},
	}
}

// doingFlags are for the commands that change something.
func doingFlags() []cli.Flag {
	return append([]cli.Flag{
		&cli.IntFlag{Name: "parallel", Value: 16, Usage: "do at most `N` steps at once"},
		connectFlag(),
	}, lockFlags()...)
}

func connectFlag() cli.Flag {
	return &cli.DurationFlag{Name: "connect-timeout", Value: 2 * time.Minute, Usage: "wait at most `D` for a machine to let us in"}
}

func pruneFlag() cli.Flag {
	return boolFlag("prune", "also remove members that swarmup did not make, and lost ones")
}

func downgradeFlag() cli.Flag {
	return boolFlag("allow-downgrade", "let engines become older than they are, which Docker does not support")
}

func replaceFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "replace", Usage: "make a new machine for `NODE`, and delete the old one once the new one is a member; may be repeated"}
}

// wishes are the flags that say more than the file does.
func wishes(c *cli.Context) plan.Options {
	return plan.Options{Prune: c.Bool("prune"), AllowDowngrade: c.Bool("allow-downgrade"), Replace: distinct(c.StringSlice("replace"))}
}

func acceptFlag() cli.Flag {
	return boolFlag("accept-new-host-keys", "trust unknown host keys and remember them; never changed ones")
}

// carryOut does what apply and destroy have in common: all but what they wish.
func (e env) carryOut(c *cli.Context, cluster *spec.Cluster, options plan.Options, agreed consent) (err error) {
	as, err := form(c, "text", "json")
	if err != nil {
		return err
	}
	if n := c.Int("parallel"); n < 1 {
		return refusal("", "--parallel is %d, and must be at least 1", n)
	}
	m := mask(cluster.Redact)
	p := newProgress(e, m)
	guard, err := e.newLock(c, options.Teardown, func(line string) { p.line("", line) })
	if err != nil {
		return err
	}
	world, err := e.open(c, settings{cluster: cluster, progress: p.line})
	if err != nil {
		return m.error(err)
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	j := &job{
		env: e, cluster: cluster, options: options, parallel: c.Int("parallel"), consent: agreed,
		json: as == "json", mask: m, progress: p, patience: min(applyPatience, c.Duration("connect-timeout")),
		lock: guard, lockWait: c.Duration("lock-timeout"),
	}
	if options.Teardown {
		j.patience = min(lookPatience, j.patience)
	}
	return j.run(c.Context, world)
}

// open makes the conductor that a command and its flags ask for.
func (e env) open(c *cli.Context, s settings) (conductor, error) {
	for _, name := range []string{"connect-timeout", "drain-timeout"} {
		if c.IsSet(name) && c.Duration(name) <= 0 {
			return nil, refusal("", "--%s is %s, and must be more than nothing", name, c.Duration(name))
		}
	}
	s.acceptNew, s.forceDrain = c.Bool("accept-new-host-keys"), c.Bool("force-drain")
	s.connectTimeout, s.drainTimeout = c.Duration("connect-timeout"), c.Duration("drain-timeout")
	s.env, s.secrets = e.getenv, e.secrets()
	return e.connect(s)
}
