package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	// ingressLimit bounds each of the waits for the ingress network: managers
	// take their time to let go of the old one (0.2 to 0.5 s measured on Engine
	// 26.1), and to give the new one its place.
	ingressLimit    = 30 * time.Second
	ingressInterval = 50 * time.Millisecond
)

// Mesh is the control plane of a swarm, as far as its ingress network goes.
type Mesh interface {
	Ingress(ctx context.Context) (engine.Ingress, error)
	RemoveIngress(ctx context.Context, id string) error
	CreateIngress(ctx context.Context, want engine.IngressRequest) error
	Nodes(ctx context.Context) ([]engine.Node, error)
	// TouchNode has a member look for networks that are new.
	TouchNode(ctx context.Context, id string) error
}

// Ingress makes the ingress network of a swarm anew where it is not as wanted,
// and says whether it did. What want leaves open is the engine's choice then. A
// swarm with a service that uses the network refuses. Cut off anywhere, it can be
// run again: a swarm without such a network gets one.
func Ingress(ctx context.Context, m Mesh, want engine.IngressRequest) (made bool, err error) {
	have, err := m.Ingress(ctx)
	if err == nil && !want.Met(have) {
		made, err = true, remake(ctx, m, have, want)
	}
	if err != nil {
		return false, fmt.Errorf("make ingress network: %w", err)
	}
	return made, nil
}

func remake(ctx context.Context, m Mesh, have engine.Ingress, want engine.IngressRequest) error {
	if have.ID != "" {
		if err := m.RemoveIngress(ctx, have.ID); err != nil {
			return err
		}
	}
	err := until(ctx, "the old one to be gone", m, func(i engine.Ingress) bool { return i.ID == "" || i.ID != have.ID })
	if err != nil {
		return err
	}
	// A manager refuses the name for as long as its engine has the old network.
	err = wait.Until(ctx, "a manager to take the new one", ingressLimit, ingressInterval, func(ctx context.Context) (bool, error) {
		err := m.CreateIngress(ctx, want)
		if err != nil && !errors.Is(err, engine.ErrExists) {
			return false, wait.Stop(err)
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	if err := until(ctx, "it to get its addresses", m, func(i engine.Ingress) bool { return i.Ready && want.Met(i) }); err != nil {
		return err
	}
	nodes, err := m.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := m.TouchNode(ctx, n.ID); err != nil && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
	}
	return nil
}

func until(ctx context.Context, what string, m Mesh, is func(engine.Ingress) bool) error {
	return wait.Until(ctx, what, ingressLimit, ingressInterval, func(ctx context.Context) (bool, error) {
		i, err := m.Ingress(ctx)
		return err == nil && is(i), err
	})
}
