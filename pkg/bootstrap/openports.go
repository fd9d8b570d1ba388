package bootstrap

import (
	"context"
	"fmt"
	"slices"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/preflight"
)

// OpenPorts opens ports in the machine's firewall, where ufw or firewalld runs:
// both keep what they are told over a restart. Plain rules of nftables or
// iptables belong to whoever loads them and are left alone. addr is the
// machine's own address that the traffic comes to; firewalld's zone depends on
// it. What was opened is recorded in swarmup.json, first, so that ClosePorts
// finds it also after a cut-off; what was open before is nobody's to close.
func OpenPorts(ctx context.Context, h Host, addr string, ports []preflight.Port) error {
	if err := openPorts(ctx, h, addr, ports); err != nil {
		return fmt.Errorf("open ports: %w", err)
	}
	return nil
}

func openPorts(ctx context.Context, h Host, addr string, ports []preflight.Port) error {
	e, err := openEdit(ctx, h, Settings{})
	if err != nil {
		return err
	}
	record := e.was.owned
	if len(record.Opened.Lacks(texts(ports))) == 0 {
		return nil
	}
	f, err := Firewall(ctx, h, addr)
	if err != nil {
		return err
	}
	missing := f.Lacks(ports)
	next := daemon.Opened{By: f.Tool(), Zone: f.Zone, Ports: texts(ports), Ours: texts(missing), Pending: true}
	if was := record.Opened; was != nil && was.By == next.By && was.Zone == next.Zone {
		next.Ports, next.Ours = union(was.Ports, next.Ports), union(was.Ours, next.Ours)
	}
	record.Opened = &next
	if err := e.record(ctx, record); err != nil {
		return err
	}
	if len(missing) > 0 {
		args := []string{tool(next.By), preflight.Command(next.By, next.Zone, missing)}
		if _, err := run(ctx, h, call{script: "wall", args: args, limit: scriptLimit, changes: true}); err != nil {
			return fmt.Errorf("%s: %w", next.By, err)
		}
	}
	done := next
	done.Pending = false
	record.Opened = &done
	return e.record(ctx, record)
}

// ClosePorts takes back what OpenPorts has opened. Where it has opened nothing
// nothing happens.
func ClosePorts(ctx context.Context, h Host) error {
	if err := closePorts(ctx, h); err != nil {
		return fmt.Errorf("close ports: %w", err)
	}
	return nil
}

func closePorts(ctx context.Context, h Host) error {
	e, err := openEdit(ctx, h, Settings{})
	if err != nil || e.was.owned.Opened == nil {
		return err
	}
	record := e.was.owned
	var ours []preflight.Port
	for _, s := range record.Opened.Ours {
		if p, ok := preflight.ParsePort(s); ok {
			ours = append(ours, p)
		}
	}
	if by := record.Opened.By; len(ours) > 0 {
		args := []string{tool(by), preflight.Undo(by, record.Opened.Zone, ours), "gone"}
		if _, err := run(ctx, h, call{script: "wall", args: args, limit: scriptLimit, changes: true}); err != nil {
			return fmt.Errorf("%s: %w", by, err)
		}
	}
	record.Opened = nil
	return e.record(ctx, record)
}

// tool is the command of a firewall.
func tool(by string) string {
	if by == "firewalld" {
		return "firewall-cmd"
	}
	return by
}

func texts(ports []preflight.Port) (out []string) {
	for _, p := range ports {
		out = append(out, p.String())
	}
	return out
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}
