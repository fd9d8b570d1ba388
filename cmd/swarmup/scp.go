package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/transfer"
)

func (e env) scpCommand() *cli.Command {
	return &cli.Command{
		Name: "scp", Usage: "copy files between here and nodes, or between nodes", ArgsUsage: "SOURCE... TARGET",
		Description: "NODE:PATH is on a node, where a relative path begins in the login user's home; a PATH of this computer\n" +
			"that has a colon in it begins with ./ or /. Between two nodes the files go through this computer, and are\n" +
			"kept nowhere on it. Permissions are kept, and in folders also links. It needs SFTP on the nodes.",
		Flags: []cli.Flag{
			fileFlag(), acceptFlag(),
			&cli.BoolFlag{Name: "recursive", Aliases: []string{"r"}, Usage: "copy folders with all that is in them", DisableDefaultText: true},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no progress on a terminal", DisableDefaultText: true},
		},
		Action: e.scp,
	}
}

func (e env) scp(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) < 2 {
		return refusal(seeHelp("scp"), "scp needs a source and a target")
	}
	return e.visit(c, func(ctx context.Context, s *site) (err error) {
		sides := &sides{site: s, open: map[string]transfer.Side{}}
		defer func() { err = errors.Join(err, sides.close()) }()
		for _, arg := range args {
			if node, _ := nodePath(arg); node != "" {
				if err := s.knows(node); err != nil {
					return err
				}
			}
		}
		var places []transfer.Place
		for _, arg := range args {
			p, err := sides.place(ctx, arg)
			if err != nil {
				return err
			}
			places = append(places, p)
		}
		o := transfer.Options{Recursive: c.Bool("recursive")}
		bar := &bar{w: e.err, now: e.now}
		if e.watched && !c.Bool("quiet") {
			o.Progress = bar.show
		}
		last := len(places) - 1
		failures := transfer.Copy(ctx, places[:last], places[last], o)
		bar.end()
		return e.told(s.mask, failures)
	})
}

// nodePath splits NODE:PATH as scp does: a colon after a slash is part of a path.
func nodePath(arg string) (node, path string) {
	node, path, ok := strings.Cut(arg, ":")
	if !ok || node == "" || strings.Contains(node, "/") {
		return "", arg
	}
	return node, path
}

// sides are the file systems that a copy needs, each opened once.
type sides struct {
	*site
	open map[string]transfer.Side // by node
	ends []io.Closer
}

func (s *sides) place(ctx context.Context, arg string) (transfer.Place, error) {
	node, path := nodePath(arg)
	if node == "" {
		return transfer.Place{Side: transfer.Local{}, Path: filepath.ToSlash(path), Name: arg}, nil
	}
	if s.open[node] == nil {
		h, err := s.world.Login(ctx, node)
		if err != nil {
			return transfer.Place{}, err
		}
		s.ends = append(s.ends, h)
		remote, err := transfer.Dial(ctx, h, ssh.ErrNoSubsystem)
		if err != nil {
			return transfer.Place{}, fmt.Errorf("%s: %w", node, err)
		}
		s.ends = append(s.ends, remote)
		s.open[node] = remote
	}
	return transfer.Place{Side: s.open[node], Path: path, Name: arg}, nil
}

// close ends all of them, the last one first.
func (s *sides) close() error {
	var err error
	for i := len(s.ends) - 1; i >= 0; i-- {
		err = errors.Join(err, s.ends[i].Close())
	}
	return err
}

// barEvery is how often a line of progress is written.
const barEvery = 100 * time.Millisecond

// bar shows on a terminal how far a copy is, a line for each file.
type bar struct {
	w    io.Writer
	now  func() time.Time
	name string
	last time.Time
	wide int
}

func (b *bar) show(name string, done, size int64) {
	now := b.now()
	if name == b.name && done < size && now.Sub(b.last) < barEvery {
		return
	}
	if name != b.name {
		b.end()
	}
	b.name, b.last = name, now
	percent := int64(100)
	if size > 0 {
		percent = done * 100 / size
	}
	line := fmt.Sprintf("swarmup: %s  %d of %d KiB, %d %%", name, (done+1023)/1024, (size+1023)/1024, percent)
	_, _ = fmt.Fprintf(b.w, "\r%-*s", b.wide, line)
	b.wide = len(line)
}

func (b *bar) end() {
	if b.name != "" {
		_, _ = io.WriteString(b.w, "\n")
		b.name, b.wide = "", 0
	}
}
