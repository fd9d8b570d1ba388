package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	initLimit    = 30 * time.Second // init takes about one second
	initInterval = 250 * time.Millisecond
)

// Engine is the API of the engine that becomes a swarm's first manager.
type Engine interface {
	Info(ctx context.Context) (engine.Info, error)
	// Init makes a new swarm and returns the ID of its only node.
	Init(ctx context.Context, req engine.InitRequest) (nodeID string, err error)
}

// Init makes an engine the first manager of a new swarm and returns what it
// says of itself once it is. An engine that is a manager already is returned as
// it is, so that an Init that was cut off can be repeated. Whether a new swarm
// is right at all is for the caller to know: Init sees this one engine only.
//
// h, where it is not nil, is asked before whether the swarm's ports are free;
// one that is not is a *PortTakenError. An engine in any other state than
// inactive or a manager's is an error, and so is one that ends up with another
// address than the IP address it was told to advertise.
func Init(ctx context.Context, e Engine, h Host, req engine.InitRequest) (engine.Info, error) {
	info, err := e.Info(ctx)
	if err == nil {
		info, err = initialize(ctx, e, h, info, req)
	}
	if err != nil {
		return engine.Info{}, fmt.Errorf("init swarm: %w", err)
	}
	return info, nil
}

func initialize(ctx context.Context, e Engine, h Host, info engine.Info, req engine.InitRequest) (engine.Info, error) {
	switch {
	case isManager(info):
		return info, nil
	case info.State == engine.Active && info.Manager:
		return awaitManager(ctx, e)
	case info.State == engine.Active:
		return engine.Info{}, fmt.Errorf("it is a worker of a swarm whose managers are %s", strings.Join(info.Remotes, ", "))
	case info.State != engine.Inactive && info.Error != "":
		return engine.Info{}, fmt.Errorf("its swarm state is %s: %s", info.State, info.Error)
	case info.State != engine.Inactive:
		return engine.Info{}, fmt.Errorf("its swarm state is %s", info.State)
	}
	if h != nil {
		if err := portsFree(ctx, h, req.DataPathPort); err != nil {
			return engine.Info{}, err
		}
	}
	if err := callInit(ctx, e, req); err != nil && !errors.Is(err, engine.ErrAlreadyMember) {
		return engine.Info{}, portTaken(ctx, h, err)
	}
	info, err := awaitManager(ctx, e)
	if err != nil {
		return engine.Info{}, err
	}
	return info, sameAddress(req.Advertise, info.NodeAddr)
}

// callInit is not cut off by an interrupt: an engine that was asked goes on.
func callInit(ctx context.Context, e Engine, req engine.InitRequest) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, done := wait.Grace(ctx, grace)
	defer done()
	_, err := e.Init(ctx, req)
	return err
}

func isManager(i engine.Info) bool {
	return i.State == engine.Active && i.Manager && i.ClusterID != ""
}

// awaitManager waits until the engine leads its new swarm.
func awaitManager(ctx context.Context, e Engine) (info engine.Info, err error) {
	err = wait.Until(ctx, "the engine to be a manager", initLimit, initInterval, func(ctx context.Context) (bool, error) {
		if info, err = e.Info(ctx); err != nil {
			return false, err
		}
		switch {
		case isManager(info):
			return true, nil
		case info.Error != "":
			return false, errors.New(info.Error)
		}
		return false, fmt.Errorf("its swarm state is %s", info.State)
	})
	return info, err
}

// sameAddress compares addresses; one that was given as an interface is left to
// the engine.
func sameAddress(want, got string) error {
	w, err := netip.ParseAddr(want)
	g, errGot := netip.ParseAddr(got)
	if err == nil && (errGot != nil || g.Unmap() != w.Unmap()) {
		return fmt.Errorf("it advertises %s, not %s", got, want)
	}
	return nil
}
