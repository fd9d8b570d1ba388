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
	session, done, err := begin(ctx, h, opening[*xssh.Session]{doing, h.sessions, h.client.NewSession})
	if err != nil {
		return nil, err
	}
	line := "docker -H " + quote("unix://"+socket) + " system dial-stdio"
	if h.user != "root" {
		line = asRoot("exec " + line)
	}
	s, err := startStdio(session, line, done)
	if err != nil {
		_ = session.Close()
		done()
		return nil, fmt.Errorf("%s: %w", doing, h.refused(err))
	}
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

// startStdio runs a command whose standard input and output are a stream.
func startStdio(session *xssh.Session, line string, done func()) (stream, error) {
	in, err := session.StdinPipe()
	if err != nil {
		return stream{}, err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return stream{}, err
	}
	errs := &tail{limit: 4096}
	session.Stderr = errs
	if err := session.Start(line); err != nil {
		return stream{}, err
	}
	rwc := struct {
		io.Reader
		io.Writer
		io.Closer
	}{out, in, session}
	return stream{ReadWriteCloser: rwc, end: in.Close, done: done, why: func() error {
		err := session.Wait()
		if last := lastLine(errs.String()); err != nil && last != "" {
			return errors.New(strings.TrimPrefix(last, "error during connect: "))
		}
		return nil
	}}, nil
}
