package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// dialStdio speaks to a Docker socket through the docker command on the host,
// as docker's own clients do over ssh.
func (h *Host) dialStdio(ctx context.Context, socket string) (net.Conn, error) {
	doing := fmt.Sprintf("connect to %s on %s", socket, h.name)
	if err := h.isSocket(ctx, socket, doing); err != nil {
		return nil, err
	}
	session, done, err := h.session(ctx, doing)
	if err != nil {
		return nil, err
	}
	s, err := h.startDocker(ctx, session, "docker -H "+quote("unix://"+socket)+" system dial-stdio")
	if err != nil {
		_ = session.Close()
		done()
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	s.done = done
	s.alive = func() { h.viaDocker.Store(true) }
	return h.pipe(s, "unix", socket)
}

// isSocket tells a missing engine from one that may not be reached directly:
// sshd refuses both in the same words.
func (h *Host) isSocket(ctx context.Context, socket, doing string) error {
	if h.viaDocker.Load() {
		return nil
	}
	const absent = 66
	_, err := h.Run(ctx, fmt.Sprintf("[ -S %s ] || exit %d", quote(socket), absent), nil)
	var exit *ExitError
	if errors.As(err, &exit) && exit.Code == absent {
		return fmt.Errorf("%s: no such socket: Docker is not installed or not running", doing)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, inner(err))
	}
	return nil
}

// startDocker runs the docker command as root, with sudo's password where that
// is known to be wanted: isSocket has found out.
func (h *Host) startDocker(ctx context.Context, session *xssh.Session, line string) (stream, error) {
	switch {
	case h.user == "root":
		s, err := startStdio(session, line, nil)
		return s, h.startProblem(err)
	case h.sudo.mode.Load() != sudoWithPassword:
		s, err := startStdio(session, asRoot("exec "+line), nil)
		return s, h.startProblem(err)
	}
	login, verdict, err := h.sudoLogin(ctx)
	if err != nil {
		return stream{}, err
	}
	defer func() { verdict(login) }()
	s, err := startStdio(session, login.line("exec "+line), login)
	if err != nil {
		return stream{}, h.startProblem(err)
	}
	entered := make(chan bool, 1)
	if !h.life.run(func() { entered <- login.enterStream(s) }) {
		return stream{}, h.lost()
	}
	select {
	case ok := <-entered:
		if !ok {
			return stream{}, h.passwordProblem(login)
		}
		return s, nil
	case <-ctx.Done():
		return stream{}, context.Cause(ctx)
	}
}

func (h *Host) startProblem(err error) error {
	if err == nil {
		return nil
	}
	return h.refused(err)
}

// startStdio runs a command whose standard input and output are a stream.
func startStdio(session *xssh.Session, line string, login *sudoLogin) (stream, error) {
	in, err := session.StdinPipe()
	if err != nil {
		return stream{}, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return stream{}, err
	}
	errs := &tail{limit: 4096}
	session.Stderr = login.stderr(errs)
	if err := session.Start(line); err != nil {
		return stream{}, err
	}
	rwc := struct {
		io.Reader
		io.Writer
		io.Closer
	}{out, in, session}
	return stream{ReadWriteCloser: rwc, end: in.Close, why: func() error {
		err := session.Wait()
		if last := lastLine(login.without(errs.String())); err != nil && last != "" {
			return errors.New(strings.TrimPrefix(last, "error during connect: "))
		}
		return nil
	}}, nil
}
