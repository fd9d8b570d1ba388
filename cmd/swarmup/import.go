package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/importer"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/swarm"
)

func (e env) importCommand() *cli.Command {
	return &cli.Command{
		Name: "import", Usage: "write the file of a swarm that is there already; nothing is changed",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "ssh", Usage: "log in to `[USER@]HOST[:PORT]`, a manager (without it: the engine of this machine)"},
			&cli.StringFlag{Name: "identity-file", Usage: "log in with the key in `PATH`"},
			&cli.StringFlag{Name: "name", DefaultText: "the one that its members are marked with, else " + importer.DefaultName, Usage: "`NAME` of the cluster"},
			&cli.StringFlag{Name: "out", Usage: "write to `FILE`, which must not exist, instead of standard output"},
			acceptFlag(),
		},
		Action: e.importSwarm,
	}
}

// asked is a manager that answers, until it is closed.
type asked interface {
	importer.Manager
	io.Closer
}

// reach says which manager is asked. Its zero value is the engine of this machine.
type reach struct {
	target ssh.Target
	accept bool // unknown host keys are accepted and remembered
}

func (e env) importSwarm(c *cli.Context) (err error) {
	at, o, err := importee(c)
	if err != nil {
		return err
	}
	m, err := e.manager(c.Context, e, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	f, err := importer.Import(c.Context, m, o)
	switch {
	case errors.Is(err, importer.ErrNotManager):
		return &exitError{code: exitRefused, err: fmt.Errorf("import: %w", err), hint: "name a manager: docker node ls, on any of them, lists all"}
	case err != nil:
		return fmt.Errorf("import: %w", err)
	}
	for _, l := range f.Left {
		tell(e.err, "left out: "+l)
	}
	return e.imported(c.String("out"), f.Text)
}

// imported writes the file, if it is one.
func (e env) imported(name string, text []byte) error {
	cluster, wrong := spec.Parse(spec.Source{Name: "the file", Data: text, Dir: "/", Home: "/", Env: e.lookup})
	var mistakes *spec.Errors
	if name != "" && wrong == nil {
		if err := writeNew(name, text); err != nil {
			return err
		}
		_, err := fmt.Fprintf(e.out, "%s is written (%s); next: swarmup plan %s\n", name, count(len(cluster.Nodes), "node"), name)
		return err
	}
	if name == "" {
		if _, err := e.out.Write(text); err != nil {
			return err
		}
	}
	if errors.As(wrong, &mistakes) {
		return &exitError{code: exitFailed, err: wrong, hint: "mend it by hand: this swarm has what a file cannot say"}
	}
	return wrong
}

// importee reads the flags.
func importee(c *cli.Context) (reach, importer.Options, error) {
	o := importer.Options{Name: c.String("name"), IdentityFile: c.String("identity-file")}
	at := reach{accept: c.Bool("accept-new-host-keys")}
	login := c.String("ssh")
	if login == "" {
		if o.IdentityFile != "" {
			return at, o, refusal(seeHelp("import"), "--identity-file goes with --ssh")
		}
		return at, o, nil
	}
	host := login
	if i := strings.LastIndexByte(login, '@'); i >= 0 {
		o.User, host = login[:i], login[i+1:]
	}
	if h, port, err := net.SplitHostPort(host); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return at, o, refusal("", "--ssh %q: %q is no port", login, port)
		}
		host, o.Port = h, int(n)
	}
	if host == "" || strings.Contains(login, "@") && o.User == "" {
		return at, o, refusal("such as --ssh root@192.0.2.1", "--ssh %q is not [USER@]HOST[:PORT]", login)
	}
	o.Host = host
	at.target = ssh.Target{Name: host, Host: host, Port: o.Port, User: o.User}
	if o.IdentityFile != "" {
		path, err := filepath.Abs(o.IdentityFile)
		if err != nil {
			return at, o, refusal("", "--identity-file %q: %w", o.IdentityFile, err)
		}
		at.target.IdentityFile, o.IdentityFile = path, path
	}
	return at, o, nil
}

// manager is a swarm.Engine at the end of a login, or of this machine's socket.
type manager struct {
	*swarm.Engine
	login *ssh.Host // nil for this machine
}

// Close ends the connection.
func (m manager) Close() error {
	err := m.Engine.Close()
	if m.login != nil {
		err = errors.Join(err, m.login.Close())
	}
	return err
}

// dialManager logs in as apply does with machines that exist.
func dialManager(ctx context.Context, e env, at reach) (asked, error) {
	if at.target.Host == "" {
		eng, err := swarm.New(e.localEngine)
		if err != nil {
			return nil, fmt.Errorf("reach the engine of this machine: %w", err)
		}
		return manager{Engine: eng}, nil
	}
	o := sshOptions(settings{acceptNew: at.accept, secrets: e.secrets(), env: e.getenv})
	host, err := ssh.Dial(ctx, at.target, o)
	if err != nil {
		return nil, err
	}
	eng, err := swarm.New(host.DialContext)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make client of its engine: %w", err), host.Close())
	}
	return manager{Engine: eng, login: host}, nil
}

// localEngine dials the engine of this machine: DOCKER_HOST if it is a socket,
// else where engines listen.
func (e env) localEngine(ctx context.Context, _, _ string) (net.Conn, error) {
	path := "/var/run/docker.sock"
	if host := e.getenv("DOCKER_HOST"); host != "" {
		socket, ok := strings.CutPrefix(host, "unix://")
		if !ok {
			return nil, fmt.Errorf("DOCKER_HOST %q is no socket of this machine: give --ssh instead", host)
		}
		path = socket
	}
	return new(net.Dialer).DialContext(ctx, "unix", path)
}
