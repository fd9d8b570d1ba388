package docker

import (
	"strconv"

	"github.com/docker/docker/api/types/container"

	"github.com/swarmup/swarmup/pkg/provider"
)

// view is what both ways to look at a container (list, inspect) tell.
type view struct {
	id     string
	state  string
	labels map[string]string
	// published is where the engine offers the sshd of a running machine.
	published provider.Endpoint
}

func fromSummary(c container.Summary) view {
	v := view{id: c.ID, state: c.State, labels: c.Labels}
	for _, port := range c.Ports {
		if port.PrivatePort == sshPort && port.PublicPort != 0 {
			v.published = provider.Endpoint{Host: port.IP, Port: int(port.PublicPort)}
			break
		}
	}
	return v
}

func fromInspect(c container.InspectResponse) view {
	v := view{id: c.ID, state: c.State.Status, labels: c.Config.Labels}
	if c.NetworkSettings == nil {
		return v
	}
	for _, b := range c.NetworkSettings.Ports[sshPortName] {
		if port, err := strconv.Atoi(b.HostPort); err == nil {
			v.published = provider.Endpoint{Host: b.HostIP, Port: port}
			break
		}
	}
	return v
}

// machine is the provider's word for a container.
func (p *Provider) machine(v view) provider.Machine {
	m := provider.Machine{
		ID:      v.id,
		Name:    v.labels[labelName],
		Cluster: v.labels[labelCluster],
		Node:    v.labels[labelNode],
		State:   state(v.state),
		Address: v.labels[labelAddress],
		HostKey: v.labels[labelHostKey],
		Owned:   true,

		Settings: settings(v.labels),
	}
	m.SSH = provider.Endpoint{Host: m.Address, Port: sshPort, User: "root"}
	if v.published.Port != 0 {
		m.SSH.Host, m.SSH.Port = p.publishedHost(v.published.Host), v.published.Port
	}
	return m
}

// state maps the engine's states (moby container/state.go, StateString). A
// restarting container is between two runs of a machine that is switched on.
func state(s string) provider.State {
	switch s {
	case "created":
		return provider.Incomplete
	case "running", "restarting":
		return provider.Running
	}
	return provider.Stopped
}
