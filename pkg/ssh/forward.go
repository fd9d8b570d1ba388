package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path"
	"strconv"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// DialContext connects from the host to a socket there: network "unix" and a
// path, or "tcp" and host:port. It fits http.Transport. ctx bounds the
// connecting only. The connection has working deadlines, takes no more than
// the Host allows at once, and ends with it.
//
// A refused path that ends in /docker.sock is reached in another way, for
// login users that may not open it and hosts that forbid forwarding: through
// "docker system dial-stdio", run as root.
func (h *Host) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	doing := fmt.Sprintf("connect to %s on %s", addr, h.name)
	kind, payload, err := forwardRequest(network, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	docker := network == "unix" && path.Base(addr) == "docker.sock"
	if docker && h.viaDocker.Load() {
		return h.dialStdio(ctx, addr)
	}
	ch, done, err := begin(ctx, h, opening[xssh.Channel]{doing, h.forwards, func() (xssh.Channel, error) {
		ch, requests, err := h.client.OpenChannel(kind, payload)
		if err == nil {
			go xssh.DiscardRequests(requests) // ends with the channel
		}
		return ch, err
	}})
	var refused *refusedError
	if docker && errors.As(err, &refused) {
		return h.dialStdio(ctx, addr)
	}
	if err != nil {
		return nil, err
	}
	return h.pipe(stream{ReadWriteCloser: ch, end: ch.CloseWrite, done: done}, network, addr)
}

// forwardRequest is the channel to ask for: direct-tcpip (RFC 4254, section
// 7.2) or direct-streamlocal@openssh.com (OpenSSH PROTOCOL, section 2.4).
func forwardRequest(network, addr string) (kind string, payload []byte, err error) {
	switch network {
	case "unix":
		return "direct-streamlocal@openssh.com", xssh.Marshal(&struct {
			Path      string
			Reserved0 string
			Reserved1 uint32
		}{Path: addr}), nil
	case "tcp", "tcp4", "tcp6":
		host, portText, err := net.SplitHostPort(addr)
		if err != nil {
			return "", nil, err
		}
		port, err := strconv.ParseUint(portText, 10, 16)
		if err != nil {
			return "", nil, fmt.Errorf("port %q is not a number from 0 to 65535", portText)
		}
		return "direct-tcpip", xssh.Marshal(&struct {
			Host       string
			Port       uint32
			Origin     string
			OriginPort uint32
		}{host, uint32(port), "127.0.0.1", 0}), nil
	}
	return "", nil, fmt.Errorf("network %q is not unix or tcp", network)
}

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
		return fmt.Errorf("%s: %w", doing, err)
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
