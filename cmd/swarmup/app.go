package main

import (
	"fmt"
	"path/filepath"

	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/provider/docker"
	"github.com/swarmup/swarmup/pkg/provider/existing"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// connect is the one place that picks concrete types: the provider of the file,
// and the conductor that works with it.
func connect(s settings) (conductor, error) {
	home, err := homeOf(s)
	if err != nil {
		return nil, err
	}
	machines, local, err := providerOf(s.cluster)
	if err != nil {
		return nil, err
	}
	return cluster.New(cluster.Config{
		Spec: s.cluster, Provider: machines, Local: local, SSH: sshOf(s),
		Home: filepath.Join(home, s.cluster.Name), ReadOnly: s.readOnly, Progress: s.progress,
		ConnectTimeout: s.connectTimeout, DrainTimeout: s.drainTimeout, ForceDrain: s.forceDrain,
	})
}

// providerOf makes the provider. A local one has its machines on this computer,
// where swarmup keeps the login key.
func providerOf(c *spec.Cluster) (p provider.Provider, local bool, err error) {
	switch c.Provider.Name {
	case "docker":
		d := c.Provider.Docker
		p, err = docker.New(docker.Settings{Image: d.Image, Subnet: d.Subnet})
		return p, true, err
	case "ssh":
		var machines []provider.Machine
		for _, n := range c.Nodes {
			machines = append(machines, provider.Machine{
				Node: n.Name, SSH: provider.Endpoint{Host: n.Address, Port: n.SSH.Port, User: n.SSH.User},
			})
		}
		return existing.New(c.Name, machines), false, nil
	}
	return nil, false, fmt.Errorf("provider %q is not supported", c.Provider.Name)
}

// homeOf is where swarmup keeps the files of local clusters: $SWARMUP_HOME, else
// $XDG_STATE_HOME/swarmup, else ~/.local/state/swarmup.
func homeOf(s settings) (string, error) {
	if dir := s.env("SWARMUP_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := s.env("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "swarmup"), nil
	}
	home := s.env("HOME")
	if home == "" {
		return "", refusal("set one of them", "none of SWARMUP_HOME, XDG_STATE_HOME and HOME is set")
	}
	return filepath.Join(home, ".local", "state", "swarmup"), nil
}

// sshOf gives what the environment says about logins.
func sshOf(s settings) ssh.Options {
	o := ssh.Options{
		Agent: s.env("SSH_AUTH_SOCK"), LocalUser: s.env("USER"), Home: s.env("HOME"),
		Key: ssh.NewPrivateKey([]byte(s.env("SWARMUP_SSH_KEY"))), AcceptNew: s.acceptNew,
	}
	if o.Home != "" {
		o.ConfigFile = filepath.Join(o.Home, ".ssh", "config")
	}
	return o
}
