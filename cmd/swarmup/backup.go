package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/backup"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

func (e env) backupCommand() *cli.Command {
	return &cli.Command{
		Name: "backup", Usage: "keep the state of the swarm in a file", ArgsUsage: "[FILE]",
		Description: "One manager's engine is stopped while its state is read, and its tasks with it. The\n" +
			"file holds all secrets of the swarm: keep it as you keep those.",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "the `PATH` of the new file, mode 0600"},
			&cli.StringFlag{Name: "node", DefaultText: "one that is not the leader", Usage: "the manager `NODE` to take it from"},
			boolFlag("allow-downtime", "also where the swarm is without a leader meanwhile"),
			connectFlag(), acceptFlag(),
		}, lockFlags()...),
		Action: func(c *cli.Context) error {
			if c.String("out") == "" {
				return refusal(seeHelp("backup"), "--out says where the backup goes, and is missing")
			}
			return e.upon(c, e.backup)
		},
	}
}

func (e env) restoreCommand() *cli.Command {
	return &cli.Command{
		Name: "restore", Usage: "make a swarm of a backup again, with one manager", ArgsUsage: "[FILE]",
		Flags: append([]cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "the `PATH` of the backup"},
			&cli.StringFlag{Name: "manager", Usage: "the `NODE` that becomes the manager"},
			boolFlag("force", "also on a host that is in a swarm without a leader: it is thrown away"),
			boolFlag("yes", "do not ask; goes with --confirm-name"),
			&cli.StringFlag{Name: "confirm-name", Usage: "with --yes: the `NAME` of the cluster that is meant"},
			connectFlag(), acceptFlag(),
		}, lockFlags()...),
		Action: func(c *cli.Context) error {
			for _, name := range []string{"from", "manager"} {
				if c.String(name) == "" {
					return refusal(seeHelp("restore"), "--%s is missing", name)
				}
			}
			return e.upon(c, e.restore)
		},
	}
}

// A scene is a cluster that was looked at, for a command that is no plan.
type scene struct {
	cluster  *spec.Cluster
	world    conductor
	have     plan.State
	progress *progress
}

// upon looks at a cluster and does something with it.
func (e env) upon(c *cli.Context, do func(*cli.Context, scene) error) (err error) {
	cluster, err := e.load(c)
	if err != nil {
		return err
	}
	m := mask(cluster.Redact)
	defer func() { err = m.error(err) }()
	s := scene{cluster: cluster, progress: newProgress(e, m)}
	if s.world, err = e.open(c, settings{cluster: cluster, progress: s.progress.line}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.world.Close()) }()
	s.progress.line("", "look at "+cluster.Name+" ...")
	if s.have, err = s.world.Observe(c.Context, min(applyPatience, c.Duration("connect-timeout"))); err != nil {
		return fmt.Errorf("observe %s: %w", cluster.Name, err)
	}
	return do(c, s)
}

// alone does something while nobody else changes the cluster.
func (e env) alone(c *cli.Context, s scene, do func(context.Context) error) (err error) {
	l, err := e.newLock(c, false, func(line string) { s.progress.line("", line) })
	if err != nil {
		return err
	}
	j := &job{env: e, cluster: s.cluster, mask: s.cluster.Redact, progress: s.progress, lock: l}
	if _, err := j.take(c.Context, s.world.LockStore()); err != nil {
		return err
	}
	l.While(c.Context, func(ctx context.Context) { err = do(ctx) })
	j.release(c.Context)
	return err
}

// judged makes a refusal of what a backup is refused for.
func judged(what string, err error) error {
	var refused *backup.RefusedError
	if errors.As(err, &refused) {
		return refusal(refused.Hint, "%s: %w", what, err)
	}
	return err
}

func (e env) backup(c *cli.Context, s scene) error {
	what := "back up " + s.cluster.Name
	m, err := backup.Choose(s.cluster, s.have, backup.Wish{Node: c.String("node"), Downtime: c.Bool("allow-downtime"), Now: e.now()})
	if err != nil {
		return judged(what, err)
	}
	if m.Locked {
		tell(e.err, "the managers are locked: the backup is worth nothing without the unlock key of now; keep it apart from it (docker swarm unlock-key)")
	}
	var size int64
	err = e.alone(c, s, func(ctx context.Context) (err error) {
		s.progress.line(m.Node, "its engine is stopped, read and started again ...")
		size, err = backup.Write(ctx, s.world, m, c.String("out"))
		return err
	})
	if err != nil {
		return judged(what, err)
	}
	_, err = fmt.Fprintf(e.out, "%s: swarm %s, by %s, is in %s (%d bytes)\n", s.cluster.Name, m.SwarmID, m.Node, c.String("out"), size)
	return err
}

func (e env) restore(c *cli.Context, s scene) error {
	what := "restore " + s.cluster.Name
	file, node := c.String("from"), c.String("manager")
	m, err := backup.Open(file)
	if err != nil {
		return refusal("", "%s: %w", what, err)
	}
	if err := backup.MayRestore(m, s.have, node, c.Bool("force")); err != nil {
		return judged(what, err)
	}
	tell(e.err, fmt.Sprintf("%s becomes the only manager of the swarm %s as it was on %s at %s\nmembers of it that are not in the file, and machines that lost their place, are left for swarmup apply",
		node, m.SwarmID, m.Node, m.Time.Format("2006-01-02 15:04:05 UTC")))
	if err := e.named(c, s.cluster, what); err != nil {
		return err
	}
	var id string
	err = e.alone(c, s, func(ctx context.Context) (err error) {
		s.progress.line(node, "gets the state of the swarm ...")
		id, err = backup.Restore(ctx, s.world, file, node)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s: %s leads the swarm %s; swarmup apply brings the others back\n", s.cluster.Name, node, id)
	return err
}
