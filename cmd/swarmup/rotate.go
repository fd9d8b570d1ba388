package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/rotate"
	"github.com/swarmup/swarmup/pkg/spec"
)

func (e env) rotateCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		return append(append(more, connectFlag(), acceptFlag()), lockFlags()...)
	}
	return &cli.Command{
		Name: "rotate", Usage: "make join tokens, the root CA or the unlock key anew", ArgsUsage: "tokens|ca|unlock-key [FILE]",
		Subcommands: []*cli.Command{
			{
				Name: "tokens", Usage: "make the join tokens anew: the old ones open nothing any more", ArgsUsage: "[FILE]",
				Flags:  flags(&cli.StringFlag{Name: "role", DefaultText: "both", Usage: "only the token of that `ROLE`: worker or manager"}),
				Action: e.rotateTokens,
			},
			{
				Name: "ca", Usage: "make the root CA anew, and the certificates of all nodes", ArgsUsage: "[FILE]",
				Flags:  flags(&cli.DurationFlag{Name: "timeout", Value: 15 * time.Minute, Usage: "wait at most `D` for all nodes"}),
				Action: e.rotateCA,
			},
			{
				Name: "unlock-key", Usage: "make the key anew that unlocks managers, and store it", ArgsUsage: "[FILE]",
				Flags: flags(), Action: e.rotateKey,
			},
		},
		Action: func(*cli.Context) error { return refusal(seeHelp("rotate"), "rotate needs tokens, ca or unlock-key") },
	}
}

func (e env) rotateTokens(c *cli.Context) error {
	roles := []spec.Role{spec.Worker, spec.Manager}
	if c.IsSet("role") {
		roles = []spec.Role{spec.Role(c.String("role"))}
		if roles[0] != spec.Worker && roles[0] != spec.Manager {
			return refusal("", "unknown role %q (known: worker, manager)", c.String("role"))
		}
	}
	return e.changing(c, nil, func(ctx context.Context, s rotate.Swarm, _ *progress) error {
		if err := rotate.Tokens(ctx, s, roles...); err != nil {
			return fmt.Errorf("rotate tokens: %w", err)
		}
		var words []string
		for _, r := range roles {
			words = append(words, string(r)+"s")
		}
		_, err := fmt.Fprintf(e.out, "The join tokens of %s are new; the old ones open nothing any more.\n", list(words))
		return err
	})
}

func (e env) rotateCA(c *cli.Context) error {
	if d := c.Duration("timeout"); d <= 0 {
		return refusal("", "--timeout is %s, and must be more than nothing", d)
	}
	return e.changing(c, nil, func(ctx context.Context, s rotate.Swarm, p *progress) error {
		p.line("", "the join tokens change when the rotation ends; until then no node joins")
		if err := rotate.CA(ctx, s, c.Duration("timeout"), func(line string) { p.line("", line) }); err != nil {
			return fmt.Errorf("rotate the root CA: %w", err)
		}
		_, err := fmt.Fprintln(e.out, "All nodes have certificates of a new root CA. The join tokens are new as well.")
		return err
	})
}

func (e env) rotateKey(c *cli.Context) error {
	stored := func(cluster *spec.Cluster) error {
		if !cluster.Swarm.Autolock.Store() {
			return refusal("say it in swarm.autolock: key_file, or store_command and load_command", "the file does not say where the unlock key is kept")
		}
		return nil
	}
	return e.changing(c, stored, func(ctx context.Context, s rotate.Swarm, p *progress) error {
		note, err := rotate.UnlockKey(ctx, s)
		if err != nil {
			return fmt.Errorf("rotate the unlock key: %w", err)
		}
		if note != "" {
			p.line("", note)
		}
		_, err = fmt.Fprintln(e.out, "The unlock key is new and stored. Keep the old one for some minutes: managers that are off or have just restarted may still want it.")
		return err
	})
}

// changing does something to a swarm that works, under the lock. may looks at the
// file before anything is asked; nil is allowed.
func (e env) changing(c *cli.Context, may func(*spec.Cluster) error, do func(context.Context, rotate.Swarm, *progress) error) (err error) {
	cluster, err := e.load(c)
	if err == nil && may != nil {
		err = may(cluster)
	}
	if err != nil {
		return err
	}
	m := mask(cluster.Redact)
	defer func() { err = m.error(err) }()
	p := newProgress(e, m)
	guard, err := e.newLock(c, false, func(line string) { p.line("", line) })
	if err != nil {
		return err
	}
	world, err := e.open(c, settings{cluster: cluster, keyUnasked: true, progress: p.line})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	if err := e.working(c, cluster, world); err != nil {
		return err
	}
	if err := guard.Take(c.Context, world.LockStore()); err != nil {
		return fmt.Errorf("change %s: %w", cluster.Name, err)
	}
	guard.While(c.Context, func(ctx context.Context) { err = do(ctx, world, p) })
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context), releaseLimit)
	defer cancel()
	if left := guard.Release(ctx); left != nil {
		tell(e.err, m.error(fmt.Errorf("%w; it falls by itself", left)).Error())
	}
	return err
}

// working looks at the world, and wants a swarm that works and is this file's.
func (e env) working(c *cli.Context, cluster *spec.Cluster, world conductor) error {
	have, err := world.Observe(c.Context, min(applyPatience, c.Duration("connect-timeout")))
	if err != nil {
		return fmt.Errorf("observe %s: %w", cluster.Name, err)
	}
	p := mask(cluster.Redact).plan(e.diff(cluster, have, plan.Options{}))
	switch {
	case have.Swarm == nil:
		tellFindings(e.err, "blocked", p.Blocked)
		return fmt.Errorf("no manager of %s can be asked that has a quorum", cluster.Name)
	case len(p.Refused) > 0:
		tellFindings(e.err, "refused", p.Refused)
		return &exitError{code: exitRefused}
	}
	return nil
}
