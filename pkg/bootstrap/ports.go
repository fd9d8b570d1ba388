package bootstrap

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// defaultDataPort is the port of the overlay networks where none is chosen (moby
// api/types/swarm, DefaultDataPathPort).
const defaultDataPort = 4789

// PortTakenError means that something else listens on a port that the swarm
// needs.
type PortTakenError struct {
	Port    string // such as "2377/tcp"
	Process string // who listens; "" if that is not known
}

// Error names the port and, if known, who has it.
func (e *PortTakenError) Error() string {
	if e.Process == "" {
		return fmt.Sprintf("port %s is taken by another process", e.Port)
	}
	return fmt.Sprintf("port %s is taken by %s", e.Port, e.Process)
}

// swarmPorts are the ports that a manager listens on (docs.docker.com, "Getting
// started with swarm mode"): its API, gossip, and the overlay networks.
func swarmPorts(dataPort uint32) []string {
	if dataPort == 0 {
		dataPort = defaultDataPort
	}
	return []string{"tcp/2377", "tcp/7946", "udp/7946", "udp/" + strconv.FormatUint(uint64(dataPort), 10)}
}

// portsFree checks the ports of an engine that is in no swarm: an engine only
// logs it when some of them are taken, and its overlay networks do not work.
func portsFree(ctx context.Context, h Host, dataPort uint32) error {
	taken, err := listeners(ctx, h, swarmPorts(dataPort)...)
	if err != nil {
		return fmt.Errorf("look for free ports: %w", err)
	}
	for _, t := range taken {
		// The kernel's own VXLAN socket is one that networks share, and a dockerd
		// that has just left a swarm takes a moment to close its sockets.
		kernel := t.Process == "" && strings.HasSuffix(t.Port, "/udp")
		if !kernel && t.Process != "dockerd" {
			return &t
		}
	}
	return nil
}

// listeners asks who listens on which of some ports, written tcp/2377.
func listeners(ctx context.Context, h Host, ports ...string) (out []PortTakenError, err error) {
	a, err := run(ctx, h, call{script: "ports", args: ports, limit: scriptLimit})
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(a.text("taken")) {
		port, process, _ := strings.Cut(strings.TrimSpace(line), " ")
		proto, number, _ := strings.Cut(port, "/")
		out = append(out, PortTakenError{Port: number + "/" + proto, Process: process})
	}
	return out, nil
}

// portTaken makes one sentence of an engine's words about a port that is taken,
// such as "listen tcp 0.0.0.0:2377: bind: address already in use". Other errors
// it returns as they are.
func portTaken(ctx context.Context, h Host, err error) error {
	m := regexp.MustCompile(`listen (tcp|udp)[46]? \S*:(\d+): bind: address already in use`).FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	e := &PortTakenError{Port: m[2] + "/" + m[1]}
	if h != nil {
		if taken, err := listeners(ctx, h, m[1]+"/"+m[2]); err == nil && len(taken) > 0 {
			e.Process = taken[0].Process
		}
	}
	return e
}
