package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/provider/docker"
	"github.com/swarmup/swarmup/pkg/provider/existing"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// connect makes the conductor of a cluster. It is the one place that picks
// concrete types.
func connect(s settings) (conductor, error) {
	from, err := providerOf(s.cluster)
	if err != nil {
		return nil, err
	}
	home, err := stateHome(s.env)
	if err != nil {
		return nil, err
	}
	c, err := cluster.New(cluster.Config{
		Spec: s.cluster, Provider: from, SSH: sshOptions(s),
		Local: s.cluster.Provider.Name == "docker", Home: filepath.Join(home, s.cluster.Name),
		Progress: s.progress, ReadOnly: s.readOnly, Key: s.key, KeyUnasked: s.keyUnasked,
		ConnectTimeout: s.connectTimeout, DrainTimeout: s.drainTimeout, ForceDrain: s.forceDrain,
		LookTimeout: s.lookTimeout,
	})
	if err != nil {
		return nil, err
	}
	return &conducted{Cluster: c, provider: from}, nil
}

// conducted is a cluster together with the provider that was made for it.
type conducted struct {
	*cluster.Cluster
	provider provider.Provider
}

// LockStore is where the lock on the cluster is to stand.
func (c *conducted) LockStore() lock.Store {
	if place := c.LockPlace(lock.Name); place != nil {
		return place
	}
	return nil // and no interface around a nil pointer
}

// Close ends the connections of both.
func (c *conducted) Close() error {
	err := c.Cluster.Close()
	if closer, ok := c.provider.(io.Closer); ok {
		err = errors.Join(err, closer.Close())
	}
	return err
}

func providerOf(c *spec.Cluster) (provider.Provider, error) {
	switch c.Provider.Name {
	case "docker":
		return docker.New(docker.Settings{Image: c.Provider.Docker.Image, Subnet: c.Provider.Docker.Subnet})
	case "ssh":
		return existing.New(c.Name, machinesOf(c)), nil
	}
	return nil, fmt.Errorf("provider %q is not built in", c.Provider.Name)
}

// machinesOf are the machines that a file names by address.
func machinesOf(c *spec.Cluster) []provider.Machine {
	var out []provider.Machine
	for _, n := range c.Nodes {
		out = append(out, provider.Machine{
			Node: n.Name, HostKey: n.SSH.HostKey,
			SSH: provider.Endpoint{Host: n.Address, Port: n.SSH.Port, User: n.SSH.User},
		})
	}
	return out
}

func sshOptions(s settings) ssh.Options {
	o := ssh.Options{
		Agent: s.env("SSH_AUTH_SOCK"), Home: s.env("HOME"), LocalUser: s.env("USER"),
		Key: ssh.NewPrivateKey([]byte(s.env(keyVar))), AcceptNew: s.acceptNew,
		Passphrase: s.secrets.passphrase(), SudoPassword: s.secrets.sudoPassword,
	}
	if o.Home != "" {
		o.ConfigFile = filepath.Join(o.Home, ".ssh", "config")
	}
	return o
}

// stateHome is where login keys of local machines are kept: $SWARMUP_HOME, else
// swarmup's folder under the state home of the XDG base directories, which
// ignore relative paths (freedesktop.org, XDG Base Directory 0.8).
func stateHome(env func(string) string) (string, error) {
	if home := env("SWARMUP_HOME"); home != "" {
		return filepath.Abs(home)
	}
	if state := env("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "swarmup"), nil
	}
	if home := env("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "swarmup"), nil
	}
	return "", refusal("set HOME or SWARMUP_HOME", "there is no home directory to keep a login key in")
}
