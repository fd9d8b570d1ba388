package swarm

import (
	"context"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Info asks the engine about itself. It is a local question, which every
// engine that runs answers at once; but a manager without a leader takes 20 s,
// and then gives no ClusterID.
func (e *Engine) Info(ctx context.Context) (engine.Info, error) {
	var info engine.Info
	err := read(ctx, "read info", func(ctx context.Context) error {
		got, err := e.api.Info(ctx)
		info = infoOf(got)
		info.API = e.api.ClientVersion()
		return err
	})
	if err != nil {
		return engine.Info{}, err
	}
	return info, nil
}

// Membership is Info, but for an engine that is in no swarm: it then holds that
// State alone. Engines from 23.0 on (API 1.42) say so in the header of a ping,
// which costs them a twentieth of an Info.
func (e *Engine) Membership(ctx context.Context) (engine.Info, error) {
	var state string
	err := read(ctx, "ping", func(ctx context.Context) error {
		got, err := e.api.Ping(ctx)
		if got.SwarmStatus != nil {
			state = string(got.SwarmStatus.NodeState)
		}
		return err
	})
	if err != nil {
		return engine.Info{}, err
	}
	if engine.State(state) == engine.Inactive {
		return engine.Info{State: engine.Inactive}, nil
	}
	return e.Info(ctx)
}

func infoOf(i system.Info) engine.Info {
	info := engine.Info{
		EngineID:           i.ID,
		Hostname:           i.Name,
		Version:            i.ServerVersion,
		Labels:             labels(i.Labels),
		LiveRestore:        i.LiveRestoreEnabled,
		InsecureRegistries: insecure(i.RegistryConfig),
		State:              stateOf(i.Swarm),
		Error:              scrub(i.Swarm.Error),
		NodeID:             i.Swarm.NodeID,
		NodeAddr:           i.Swarm.NodeAddr,
		Manager:            i.Swarm.ControlAvailable,
		Remotes:            remotes(i.Swarm.RemoteManagers),
	}
	if i.RegistryConfig != nil {
		info.RegistryMirrors = i.RegistryConfig.Mirrors
	}
	if i.FirewallBackend != nil {
		info.Firewall = i.FirewallBackend.Driver
	}
	if i.Swarm.Cluster != nil {
		info.ClusterID = i.Swarm.Cluster.ID
	}
	return info
}

// stateOf gives the state of the engine's membership. An engine whose swarm part
// has ended and was begun anew by the engine itself goes on calling that "error"
// until it is restarted, but without saying which: it took the error back when the
// node became ready (moby daemon/cluster/noderunner.go, handleReadyEvent and
// State, which goes by cancelReconnect).
func stateOf(i swarm.Info) engine.State {
	if i.LocalNodeState == swarm.LocalNodeStateError && i.Error == "" && i.NodeID != "" {
		return engine.Active
	}
	return engine.State(i.LocalNodeState)
}

// labels takes apart what engines give as "key=value". A label without a value
// is allowed there.
func labels(list []string) map[string]string {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]string, len(list))
	for _, l := range list {
		k, v, _ := strings.Cut(l, "=")
		m[k] = v
	}
	return m
}

// insecure puts together what daemon.json calls insecure-registries: engines
// split it into hosts and networks, and add the networks of their own that
// are always trusted (moby registry/config.go, loadInsecureRegistries).
func insecure(c *registry.ServiceConfig) []string {
	if c == nil {
		return nil
	}
	var list []string
	for host, index := range c.IndexConfigs {
		if index != nil && !index.Secure {
			list = append(list, host)
		}
	}
	for _, n := range c.InsecureRegistryCIDRs {
		list = append(list, n.String())
	}
	slices.Sort(list)
	return list
}

func remotes(peers []swarm.Peer) []string {
	var list []string
	for _, p := range peers {
		list = append(list, p.Addr)
	}
	slices.Sort(list)
	return list
}
