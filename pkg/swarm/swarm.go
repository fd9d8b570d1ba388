// Package swarm is the Docker API of one machine, as far as a swarm is
// concerned, over whatever dialer reaches it. Each method is one question or
// one change with a limit on its time. The package decides nothing: it never
// retries what the engine refused (but for an update that raced another), never
// keeps what it read, and never lets a join token into an error.
package swarm

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/docker/docker/client"
)

// Socket is where an engine listens on its own machine (moby
// client/client_unix.go, DefaultDockerHost).
const Socket = "/var/run/docker.sock"

// Dialer opens a connection as seen from the engine's machine. It is always
// called with "unix" and Socket. The end of ctx must end the dial, and must not
// close a connection that is already open.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// idleTimeout is how long an idle connection is kept. It is that of
// Docker's own client (moby client/client.go, defaultHTTPClient).
const idleTimeout = 30 * time.Second

// idleConns is how many idle connections are kept: a leader is asked by many at
// once.
const idleConns = 4

// Engine talks to one engine. Its methods may be called concurrently; a few
// connections are kept between calls. Close it after the last call.
type Engine struct {
	api  *client.Client
	http *http.Transport
}

// New returns an engine that is reached through dial. It dials nothing yet; the
// first call also settles the version of the API, from 1.40 (engine 19.03) on.
func New(dial Dialer) (*Engine, error) {
	transport := &http.Transport{
		DialContext:         through(dial),
		DisableCompression:  true,
		MaxIdleConns:        idleConns,
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     idleTimeout,
	}
	api, err := client.NewClientWithOpts(
		client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}),
		client.WithAPIVersionNegotiation(),
	)
	if err != nil {
		return nil, fail("make client", err)
	}
	return &Engine{api: api, http: transport}, nil
}

// CloseIdle frees the connection that is kept between calls, if it is idle; the
// next call makes another one.
func (e *Engine) CloseIdle() { e.http.CloseIdleConnections() }

// Close frees the idle connection. Calls that still run are not ended: their
// contexts do that.
func (e *Engine) Close() error {
	e.http.CloseIdleConnections()
	return nil
}
