package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/ssh"
)

// exitConnection is the exit code of ssh where the connection is what failed, as
// OpenSSH has it (ssh(1), EXIT STATUS).
const exitConnection = 255

func (e env) sshCommand() *cli.Command {
	return &cli.Command{
		Name: "ssh", Usage: "log in to a node, or run a command on it", ArgsUsage: "NODE [-- CMD...]",
		Description: "Words after NODE are the command, joined by blanks, as ssh does. Without one it is a shell in a\n" +
			"terminal. The exit code is the command's, or 255 where the connection failed.",
		Flags: []cli.Flag{
			fileFlag(), acceptFlag(),
			&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give also a command a terminal", DisableDefaultText: true},
			boolFlag("native", "become the ssh program of this computer, logged in in the same way"),
		},
		Action: e.ssh,
	}
}

func (e env) ssh(c *cli.Context) error {
	nodes, words := lineOf(c.Args().Slice())
	if len(nodes) != 1 {
		return refusal(seeHelp("ssh"), "ssh needs the name of one node, and was given %q", nodes)
	}
	line := strings.Join(words, " ")
	return e.visit(c, func(ctx context.Context, s *site) error {
		if err := s.knows(nodes[0]); err != nil {
			return err
		}
		if c.Bool("native") {
			return unconnected(e.native(ctx, c, s, nodes[0], words))
		}
		h, err := s.world.Login(ctx, nodes[0])
		if err != nil {
			return unconnected(err)
		}
		defer func() { _ = h.Close() }()
		return passed(e.attach(ctx, h, line, c.Bool("tty")))
	})
}

// unconnected gives the failure to log in its exit code.
func unconnected(err error) error {
	var exit *exitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return &exitError{code: exitConnection, err: err}
}

// passed passes the exit code of a command on, which has told of itself.
func passed(err error) error {
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return &exitError{code: cmp.Or(exit.Code, exitFailed)}
	}
	return unconnected(err)
}

// attach joins a command on a host with our own streams, and with our terminal
// where it is to have one.
func (e env) attach(ctx context.Context, h *ssh.Host, line string, tty bool) error {
	s := ssh.Session{Command: line, Stdin: e.in, Stdout: e.out, Stderr: e.err}
	if line != "" && !tty || e.screen == nil || !e.terminal {
		if tty {
			return refusal("", "--tty needs a terminal on standard input")
		}
		return h.Attach(ctx, s)
	}
	size, err := e.screen.Size()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	restore, err := e.screen.Raw()
	if err != nil {
		return err
	}
	defer restore()
	s.Terminal = &ssh.Terminal{Type: cmp.Or(e.getenv("TERM"), "dumb"), Size: size, Resized: e.screen.Resizes(ctx)}
	return h.Attach(ctx, s)
}

// native becomes the system's ssh.
func (e env) native(ctx context.Context, c *cli.Context, s *site, node string, words []string) error {
	program, err := exec.LookPath("ssh")
	if err != nil {
		return refusal("leave --native away: swarmup needs no ssh program", "find ssh: %w", err)
	}
	if e.getenv(keyVar) != "" {
		return refusal("name its file in ssh.identity_file, load it into an agent, or leave --native away",
			"--native needs the key in a file or an agent, and %s is in neither", keyVar)
	}
	target, options, err := s.world.Way(node)
	if err != nil {
		return err
	}
	pinned := ""
	if target.HostKey != "" {
		if pinned, err = e.pin(ctx, s, node); err != nil {
			return err
		}
	}
	args, err := ssh.Native(target, options, pinned)
	if err != nil {
		return err
	}
	args = append([]string{"ssh"}, args...)
	if c.Bool("tty") {
		args = append(args[:1:1], append([]string{"-t"}, args[1:]...)...)
	}
	if err := s.world.Close(); err != nil {
		return err
	}
	return fmt.Errorf("become %s: %w", program, e.replace(program, append(args, words...), os.Environ()))
}

// pin logs in to a node whose key is known by its fingerprint, and writes the key
// to a file, since OpenSSH knows no fingerprints.
func (e env) pin(ctx context.Context, s *site, node string) (string, error) {
	h, err := s.world.Login(ctx, node)
	if err != nil {
		return "", err
	}
	defer func() { _ = h.Close() }()
	home, err := stateHome(e.getenv)
	if err != nil {
		return "", err
	}
	path := filepath.Join(home, s.cluster.Name, "known_hosts."+node)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep the key of %s: %w", node, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "known_hosts.*")
	if err != nil {
		return "", fmt.Errorf("keep the key of %s: %w", node, err)
	}
	_, err = io.WriteString(f, node+" "+h.PublicKey()+"\n")
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("keep the key of %s: %w", node, err), os.Remove(f.Name()))
	}
	return path, nil
}
