package bootstrap

import (
	"time"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/preflight"
)

// EngineState says what there is of an engine on a machine.
type EngineState string

// The states of an engine. Running means that its process is there, not yet
// that it answers.
const (
	Absent  EngineState = "absent"
	Stopped EngineState = "stopped"
	Running EngineState = "running"
)

// Facts are what a machine tells of itself without its engine's help. What a
// machine does not know is the zero value.
type Facts struct {
	OS        string `json:"os,omitempty"`         // ID of os-release, such as "debian"
	OSVersion string `json:"os_version,omitempty"` // VERSION_ID, such as "12"
	// OSCodename is VERSION_CODENAME, such as "bookworm".
	OSCodename string `json:"os_codename,omitempty"`
	Arch       string `json:"arch,omitempty"` // as uname -m says it
	Hostname   string `json:"hostname,omitempty"`
	Init       string `json:"init,omitempty"` // "systemd", "openrc" or ""

	Engine        EngineState `json:"engine"`
	EngineVersion string      `json:"engine_version,omitempty"` // of the dockerd on the disk; "" while it runs, and says it itself
	// Unfinished is a member's engine whose change of version was cut off.
	Unfinished bool `json:"unfinished,omitempty"`
	// Flags are the keys of daemon.json that the command line of the running
	// dockerd sets; nil if it does not run. See daemon.Live.
	Flags []string `json:"flags,omitempty"`

	// The certificate of a swarm member is there also while its engine is down.
	// CertRole is "swarm-manager" or "swarm-worker".
	CertCluster string    `json:"cert_cluster,omitempty"`
	CertNode    string    `json:"cert_node,omitempty"`
	CertRole    string    `json:"cert_role,omitempty"`
	CertExpiry  time.Time `json:"cert_expiry,omitzero"`

	Daemon []byte       `json:"-"` // daemon.json; nil if there is none
	Owned  daemon.Owned `json:"owned,omitzero"`
	// Environ is that of the engine, but for its Up.
	Environ daemon.Environ `json:"-"`

	// Conditions are those of a machine that is in no swarm; nil for a member. See Look.
	Conditions *preflight.Conditions `json:"-"`

	Addresses []Iface `json:"addresses,omitempty"` // in the machine's order, without loopback and link-local
}

// Iface is one address of a network interface.
type Iface struct {
	Name string `json:"name"`
	CIDR string `json:"cidr"` // such as 10.0.0.5/24
}
