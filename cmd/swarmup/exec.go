package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/ssh"
)

func (e env) execCommand() *cli.Command {
	return &cli.Command{
		Name: "exec", Usage: "run a command on several nodes at once", ArgsUsage: "[NODE...] -- CMD...",
		Description: "It runs as the login user, on all nodes of the file where none is named and no filter given, without\n" +
			"an input. A single word is a line for the shell there; of several, each stays as it is.\n" +
			"Each line of output begins with its node. The exit code is 1 where any failed.\n\n" +
			"Filters: name=REGEXP, role=manager|worker, provider=NAME, label=KEY[=VALUE], by what the file says.",
		Flags: []cli.Flag{
			fileFlag(), acceptFlag(),
			&cli.StringSliceFlag{Name: "filter", Usage: "run only on nodes that match `KEY=VALUE`; may be repeated"},
			&cli.IntFlag{Name: "parallel", Value: 16, Usage: "run on at most `N` nodes at once"},
		},
		Action: e.exec,
	}
}

func (e env) exec(c *cli.Context) error {
	named, words := lineOf(c.Args().Slice())
	keep, err := filters(c.StringSlice("filter"))
	switch {
	case err != nil:
		return err
	case len(words) == 0:
		return refusal("such as: swarmup exec --filter role=worker -- uptime", "exec needs a command after --")
	case len(keep["status"]) > 0:
		return refusal("name the nodes: swarmup ls -q --filter status=...", "exec asks nobody before it runs, and knows no status")
	case c.Int("parallel") < 1:
		return refusal("", "--parallel is %d, and must be at least 1", c.Int("parallel"))
	}
	return e.visit(c, func(ctx context.Context, s *site) error {
		nodes, err := s.chosen(named, keep)
		if err != nil {
			return err
		}
		width := 0
		for _, n := range nodes {
			width = max(width, len(n))
		}
		failed := make([]bool, len(nodes))
		failures := everywhere(ctx, c.Int("parallel"), len(nodes), func(ctx context.Context, i int) error {
			prefix := fmt.Sprintf("%-*s | ", width, nodes[i])
			err := e.execOn(ctx, s, nodes[i], shellLine(words), prefix)
			failed[i] = err != nil
			return err
		})
		if len(failures) == 0 {
			return nil
		}
		var bad []string
		for i, is := range failed {
			if is {
				bad = append(bad, nodes[i])
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = e.told(s.mask, failures)
		tell(e.err, fmt.Sprintf("failed on %d of %s: %s", len(bad), count(len(nodes), "node"), names(bad)))
		return err
	})
}

// chosen are the nodes that are named, or else all of the file, that match.
func (s *site) chosen(named []string, keep choice) ([]string, error) {
	if err := s.knows(named...); err != nil {
		return nil, err
	}
	if len(named) == 0 {
		for _, n := range s.cluster.Nodes {
			named = append(named, n.Name)
		}
	}
	var out []string
	for _, name := range distinct(named) {
		n, _ := s.cluster.Node(name)
		if keep.match(row{Name: name, Role: string(n.Role), Provider: s.cluster.Provider.Name, Labels: n.Labels}) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil, refusal("", "no node matches")
	}
	return out, nil
}

func (e env) execOn(ctx context.Context, s *site, node, line, prefix string) error {
	h, err := s.world.Login(ctx, node)
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	out, errs := &lines{to: e.out, prefix: prefix}, &lines{to: e.err, prefix: prefix}
	defer out.end()
	defer errs.end()
	return h.Attach(ctx, ssh.Session{Command: line, Stdout: out, Stderr: errs})
}

// shellLine is what a shell is given to run words: a single one is a line by itself.
func shellLine(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(quoted, " ")
}

// mostLine is where a line without an end is cut, in bytes.
const mostLine = 64 << 10

// lines passes on whole lines, each behind a prefix and in one write. It may be
// used from several goroutines.
type lines struct {
	to     io.Writer
	prefix string

	mu   sync.Mutex
	rest []byte
}

// Write takes everything.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 && len(l.rest) < mostLine {
			return len(p), nil
		}
		if i < 0 {
			i = len(l.rest) - 1
		}
		line := strings.TrimSuffix(string(l.rest[:i+1]), "\n")
		l.rest = l.rest[i+1:]
		if _, err := io.WriteString(l.to, l.prefix+line+"\n"); err != nil {
			return len(p), err
		}
	}
}

// end passes on a last line that has no end.
func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) > 0 {
		_, _ = io.WriteString(l.to, l.prefix+string(l.rest)+"\n") // run looks at what became of the output
		l.rest = nil
	}
}
