package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// ErrNoMachine means that a node has no machine.
var ErrNoMachine = errors.New("it has no machine")

// ErrSwitchedOff means that the machine of a node is there and does not run.
var ErrSwitchedOff = errors.New("its machine is switched off")

// Machines asks the provider for the cluster's machines, and makes ready what
// they are logged in to with. It takes the place of Observe where nothing else is
// to be known, and is not called concurrently with anything.
func (c *Cluster) Machines(ctx context.Context) ([]provider.Machine, error) {
	machines, err := c.cfg.Provider.List(ctx, c.cfg.Spec.Name)
	if err != nil {
		return nil, err
	}
	if err := c.openKey(len(machines) > 0); err != nil {
		return nil, err
	}
	for _, h := range c.adopt(machines) {
		h.retire()
	}
	return machines, nil
}

// Login logs in to the machine of a node, in one attempt; of several machines to
// the newest one that runs. The connection is the caller's to close. It follows
// Machines or Observe, and may be called concurrently.
func (c *Cluster) Login(ctx context.Context, node string) (*ssh.Host, error) {
	h, err := c.running(node)
	if err != nil {
		return nil, fmt.Errorf("log in to %s: %w", node, err)
	}
	return c.dial(ctx, h, 0)
}

// Way gives how Login logs in to the machine of a node, for programs that do it
// themselves.
func (c *Cluster) Way(node string) (ssh.Target, ssh.Options, error) {
	h, err := c.running(node)
	if err != nil {
		return ssh.Target{}, ssh.Options{}, fmt.Errorf("log in to %s: %w", node, err)
	}
	t := h.way()
	if c.cfg.Local && t.IdentityFile == "" {
		t.IdentityFile = c.keyFile()
	}
	return t, c.sshOptions(0), nil
}

// running gives the host of a node whose machine runs.
func (c *Cluster) running(node string) (*host, error) {
	err := ErrNoMachine
	var found *host
	for _, h := range c.all() {
		switch {
		case h.node != node:
		case h.is().State == provider.Running:
			found = h
		default:
			err = ErrSwitchedOff
		}
	}
	if found == nil {
		return nil, err
	}
	return found, nil
}
