package plan

import (
	"fmt"
	"strconv"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// settings plans the one update of the swarm's own settings. What the file does
// not say stays as it is. Nobody joins before the ingress network is right: nodes
// take it as it is when they join.
func (l *liveDiff) settings() {
	want, have := l.want.Swarm, l.have.Swarm.Settings
	var changes []Change
	if want.NodeCertExpiry != 0 && want.NodeCertExpiry != have.NodeCertExpiry {
		changes = append(changes, Change{What: "node_cert_expiry", From: have.NodeCertExpiry.String(), To: want.NodeCertExpiry.String()})
	}
	if want.TaskHistory != nil && (have.TaskHistory == nil || *want.TaskHistory != *have.TaskHistory) {
		changes = append(changes, Change{What: "task_history", From: number(have.TaskHistory), To: number(want.TaskHistory)})
	}
	if want.Heartbeat != 0 && want.Heartbeat != have.Heartbeat {
		changes = append(changes, Change{What: "heartbeat", From: have.Heartbeat.String(), To: want.Heartbeat.String()})
	}
	changes = append(changes, logChanges(want, have)...)
	locks := l.autolock()
	changes = append(changes, locks...)
	mesh := l.ingress()
	if len(changes)+len(mesh) == 0 {
		return
	}
	id := l.add(Step{Action: Settings, Changes: append(changes, mesh...)})
	if len(locks) > 0 && l.want.Swarm.Autolock.On {
		l.keyStored = id
	}
	if len(mesh) > 0 {
		l.meshed = id
	}
}

// logChanges gives what has to change about the managers' log.
func logChanges(want, have spec.Swarm) (out []Change) {
	for _, c := range []struct {
		what string
		want int
		have int
		said bool
	}{
		{"snapshot_interval", want.SnapshotInterval, have.SnapshotInterval, want.SnapshotInterval != 0},
		{"keep_old_snapshots", value(want.OldSnapshots), value(have.OldSnapshots), want.OldSnapshots != nil},
		{"log_entries_for_slow_followers", want.SlowFollowers, have.SlowFollowers, want.SlowFollowers != 0},
	} {
		if c.said && c.want != c.have {
			out = append(out, Change{What: c.what, From: strconv.Itoa(c.have), To: strconv.Itoa(c.want)})
		}
	}
	return out
}

func value(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

// LogOf is what the file asks of the managers' log, over what there is.
func LogOf(want spec.Swarm, have engine.Log) engine.Log {
	if want.SnapshotInterval != 0 {
		have.SnapshotInterval = want.SnapshotInterval
	}
	if want.SlowFollowers != 0 {
		have.SlowFollowers = want.SlowFollowers
	}
	if want.OldSnapshots != nil {
		have.OldSnapshots = *want.OldSnapshots
	}
	return have
}

// ingress gives what has to change about the ingress network. It can only be made
// anew, and only while no service needs it.
func (l *liveDiff) ingress() []Change {
	have, want := l.have.Swarm.Ingress, IngressOf(l.want.Swarm.Ingress)
	if have == nil || want.Met(*have) {
		return nil
	}
	if len(l.have.Swarm.Mesh) > 0 {
		l.block("", "publish their ports with mode=host or not at all, apply, and publish them again",
			"the ingress network cannot be changed while services publish ports through it: %s", list(l.have.Swarm.Mesh))
		return nil
	}
	if have.ID == "" {
		return []Change{{What: "ingress", To: "a new network"}}
	}
	var out []Change
	if want.MTU != 0 && want.MTU != have.Beneath() {
		out = append(out, Change{What: "ingress.mtu", From: strconv.Itoa(have.Beneath()), To: strconv.Itoa(want.MTU)})
	}
	if s := list(have.Subnets); want.Subnet != "" && want.Subnet != s {
		out = append(out, Change{What: "ingress.subnet", From: s, To: want.Subnet})
	}
	if want.Encrypted != nil && *want.Encrypted != have.Encrypted {
		out = append(out, Change{What: "ingress.encrypted", From: strconv.FormatBool(have.Encrypted), To: strconv.FormatBool(*want.Encrypted)})
	}
	return out
}

// IngressOf is what the file asks of the ingress network.
func IngressOf(i spec.Ingress) engine.IngressRequest {
	return engine.IngressRequest{MTU: i.MTU, Subnet: i.Subnet, Encrypted: i.Encrypted}
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}
