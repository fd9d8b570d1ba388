package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path"
	"strconv"

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
	docker := network == "unix" && path.Base(addr) == "docker.sock"
	if docker && h.viaDocker.Load() {
		return h.dialStdio(ctx, addr)
	}
	conn, err := h.forward(ctx, forwarding{network: network, addr: addr, slots: h.forwards, doing: doing})
	var refused *refusedError
	if docker && errors.As(err, &refused) {
		return h.dialStdio(ctx, addr)
	}
	return conn, err
}

// forwarding is a connection that sshd makes for us.
type forwarding struct {
	network, addr string
	slots         slots
	doing         string // for messages
}

// forward has sshd make a connection.
func (h *Host) forward(ctx context.Context, f forwarding) (net.Conn, error) {
	kind, payload, err := forwardRequest(f.network, f.addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.doing, err)
	}
	ch, done, err := begin(ctx, h, opening[xssh.Channel]{f.doing, f.slots, func() (xssh.Channel, error) {
		ch, requests, err := h.client.OpenChannel(kind, payload)
		if err == nil {
			go xssh.DiscardRequests(requests) // ends with the channel
		}
		return ch, err
	}})
	if err != nil {
		return nil, err
	}
	return h.pipe(stream{ReadWriteCloser: ch, end: ch.CloseWrite, done: done}, f.network, f.addr)
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
