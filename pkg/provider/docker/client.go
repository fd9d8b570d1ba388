package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/client"

	"github.com/swarmup/swarmup/pkg/wait"
)

// grace is how long a call that changes something may still take after an
// interruption: cut off, it would leave open whether it happened.
const grace = 30 * time.Second

// ErrNoEngine means that no Docker Engine answers.
var ErrNoEngine = errors.New("no Docker Engine answers")

// connect makes a client that speaks the highest API version both sides know.
func connect(host string) (*client.Client, error) {
	opts := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host != "" {
		opts = append(opts, client.WithHost(host))
	} else {
		host = os.Getenv(client.EnvOverrideHost)
	}
	if u, err := url.Parse(host); err == nil && u.Scheme == "ssh" {
		return nil, fmt.Errorf("engine %q: ssh is not supported here, use unix:// or tcp://", host)
	}
	api, err := client.NewClientWithOpts(opts...)
	if err != nil {
		return nil, fmt.Errorf("engine %q: %w", host, err)
	}
	return api, nil
}

// explain turns the client's errors about the engine as such into sentences
// that say what to do. Others it leaves alone.
func (p *Provider) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, syscall.EACCES), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: permission denied at %s (is this user in the group docker?)", ErrNoEngine, p.api.DaemonHost())
	case client.IsErrConnectionFailed(err):
		return fmt.Errorf("%w at %s (start it, or set DOCKER_HOST)", ErrNoEngine, p.api.DaemonHost())
	case strings.Contains(err.Error(), "no space left on device"):
		return fmt.Errorf("the engine's disk is full: %w", err)
	}
	return err
}

// mutate runs one call that changes something. Once begun it is not cut off.
func (p *Provider) mutate(ctx context.Context, call func(context.Context) error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := wait.Grace(ctx, grace)
	defer cancel()
	return p.explain(call(ctx))
}

// stopUnless ends a wait by an error, unless that is only the wait's own end
// that cut a call short.
func stopUnless(ended context.Context, err error) error {
	if ended.Err() != nil {
		return err
	}
	return wait.Stop(err)
}
