package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/spec"
)

func (e env) lockCommand() *cli.Command {
	return &cli.Command{
		Name: "lock", Usage: "show who is changing the cluster, or take their lock away", ArgsUsage: "status|release [FILE]",
		Description: "apply and destroy hold a lock while they work, so that there is never more than\n" +
			"one at a time. One whose holder died falls by itself within a minute or two.",
		Subcommands: []*cli.Command{
			{
				Name: "status", Usage: "show who holds the lock; nothing is changed", ArgsUsage: "[FILE]",
				Flags: []cli.Flag{outputFlag("text", "json")}, Action: e.lockStatus,
			},
			{
				Name: "release", Usage: "remove the lock of a run that died", ArgsUsage: "[FILE]",
				Flags:  append(lockFlags()[1:], boolFlag("force", "also that of a run that lives: it begins nothing more")),
				Action: e.lockRelease,
			},
		},
		Action: func(*cli.Context) error { return refusal(seeHelp("lock"), "lock needs status or release") },
	}
}

// at does something with the place of a cluster's lock.
func (e env) at(c *cli.Context, readOnly bool, do func(context.Context, *spec.Cluster, lock.Store) error) (err error) {
	cluster, err := e.load(c)
	if err != nil {
		return err
	}
	m := mask(cluster.Redact)
	defer func() { err = m.error(err) }()
	world, err := e.open(c, settings{cluster: cluster, readOnly: readOnly, progress: func(string, string) {}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	if _, err := world.Observe(c.Context, lookPatience); err != nil {
		return fmt.Errorf("observe %s: %w", cluster.Name, err)
	}
	place := world.LockStore()
	if place == nil {
		return fmt.Errorf("look for the lock of %s: no manager can be asked", cluster.Name)
	}
	return do(c.Context, cluster, place)
}

// lockState is who holds the lock, as JSON.
type lockState struct {
	Cluster string    `json:"cluster"`
	Held    bool      `json:"held"`
	Where   string    `json:"where,omitempty"`
	Holder  string    `json:"holder,omitempty"`
	Command string    `json:"command,omitempty"`
	Process int       `json:"process,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Renewed float64   `json:"renewed_seconds_ago,omitempty"`
	Stale   bool      `json:"stale,omitempty"`
}

func (e env) lockStatus(c *cli.Context) error {
	as, err := form(c, "text", "json")
	if err != nil {
		return err
	}
	return e.at(c, true, func(ctx context.Context, cluster *spec.Cluster, place lock.Store) error {
		st, err := lock.Look(ctx, place)
		if err != nil {
			return err
		}
		st.Stale = st.Held && (st.Stale || over(st.By))
		if as == "json" {
			out := lockState{Cluster: cluster.Name, Held: st.Held}
			if by := st.By; st.Held {
				out.Where, out.Holder, out.Command, out.Process = place.Where(), by.Holder, by.Command, by.Process
				out.Since, out.Renewed, out.Stale = by.Since, seconds(st.Age), st.Stale
			}
			return writeJSON(e.out, out)
		}
		_, err = io.WriteString(e.out, cluster.Name+": "+lockText(st, place.Where())+"\n")
		return err
	})
}

func lockText(st lock.Status, where string) string {
	if !st.Held {
		return "not locked"
	}
	held := &lock.HeldError{By: st.By, Age: st.Age, TTL: st.TTL}
	text := held.Error() + " (" + where + ")"
	if st.Stale {
		text += "\nThe lock is stale: the next run that wants it takes it over, unless its holder gives a sign of life."
	}
	return text
}

func (e env) lockRelease(c *cli.Context) error {
	return e.at(c, false, func(ctx context.Context, cluster *spec.Cluster, place lock.Store) error {
		opt := lock.Options{
			Run: e.who("lock release"), TTL: c.Duration("lock-ttl"), Dead: over,
			Tell: func(line string) { tell(e.err, line) },
		}
		was, held, err := lock.Break(ctx, place, opt, c.Bool("force"))
		if err != nil {
			return fmt.Errorf("release the lock of %s: %w", cluster.Name, err)
		}
		text := "not locked"
		if held {
			text = "released the lock of " + was.String()
		}
		_, err = io.WriteString(e.out, cluster.Name+": "+text+"\n")
		return err
	})
}
