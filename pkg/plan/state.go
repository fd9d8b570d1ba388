// Package plan decides what has to be done. It compares the file with the world
// as it was observed and gives steps, as data, with the order that safety needs.
// It never touches anything: no context, clock, network, log or goroutine.
package plan

import (
	"time"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/preflight"
	"github.com/swarmup/swarmup/pkg/spec"
)

// State is the world as it was observed.
type State struct {
	// Hosts are all machines that have to do with the cluster: those of the
	// provider, those of the file that exist already, and those that members
	// of the swarm are marked with. Sorted by node, then by machine name.
	Hosts []Host `json:"hosts"`
	// Swarm is what a manager with a quorum says. Nil means that none of the
	// hosts is such a manager, not that there is no swarm.
	Swarm *View `json:"swarm,omitempty"`
	// At is when the world was observed, by the clock of whoever did; certificates
	// are compared with it. The zero value is before all of them.
	At time.Time `json:"-"`
	// Key is what is known of the stored unlock key; its zero value where the file
	// names no store, or nobody needs the key.
	Key StoredKey `json:"key,omitzero"`
	// Leftovers names what there is of the cluster besides machines and
	// members, such as its network.
	Leftovers []string `json:"leftovers,omitempty"`
}

// View is a swarm as one of its managers sees it.
type View struct {
	ID    string        `json:"id"`
	Via   string        `json:"via"` // the node that was asked
	Nodes []engine.Node `json:"nodes"`

	// The settings; those of init cannot be changed any more. Of the ingress
	// network Settings say nothing.
	Settings spec.Swarm `json:"-"`
	// Ingress is the network of published ports, and Mesh the names of the
	// services that use it, sorted; nil where the file says nothing about it, and
	// nobody asked.
	Ingress *engine.Ingress `json:"ingress,omitempty"`
	Mesh    []string        `json:"mesh,omitempty"`
	// AutoLock means that managers whose engine restarts are locked until they are
	// given the swarm's key.
	AutoLock bool `json:"autolock,omitempty"`
	// Rotating means that a root CA rotation is in progress.
	Rotating bool `json:"rotating,omitempty"`
}

// StoredKey is what is known of the key that unlocks managers, as the file's store
// keeps it. The key itself is never part of a State.
type StoredKey struct {
	// Loadable means that the store gave a key.
	Loadable bool `json:"loadable,omitempty"`
	// Current means that it is the one that the managers give now.
	Current bool `json:"current,omitempty"`
	// Why is why it is not loadable; "" where nothing is stored yet.
	Why string `json:"why,omitempty"`
	// Taken says what is in the way of storing the key; "" for nothing.
	Taken string `json:"taken,omitempty"`
}

// Host is what is known about one machine.
type Host struct {
	// Node is the name of the node that it is, by the file, its tag or its
	// mark; "" where nothing says so.
	Node string `json:"node"`
	// Machine is the provider's word; its zero value means that the provider
	// lists no such machine.
	Machine Machine `json:"machine"`
	// Answer says whether it could be asked; Why is the reason if it could not.
	Answer Answer `json:"answer"`
	Why    string `json:"why,omitempty"`
	// Err is the error that Why is of; nil where there was none.
	Err error `json:"-"`

	// Hung means that the host let us in and its engine did not answer, so that the
	// host is Silent.
	Hung bool `json:"hung,omitempty"`

	// What follows is known only of a host that answered.

	Engine EngineState `json:"engine,omitempty"`
	// EngineVersion is that of the dockerd on its disk; "" is not known.
	EngineVersion string `json:"engine_version,omitempty"`
	// Unfinished is a member's engine whose change of version was cut off.
	Unfinished bool `json:"unfinished,omitempty"`
	// Info is what a running engine says.
	Info engine.Info `json:"info"`
	// Cert is the node certificate on its disk; it is there even while the
	// engine is stopped.
	Cert Cert `json:"cert"`
	// Daemon is /etc/docker/daemon.json; nil means that there is none. Owned
	// are the keys in it that are ours.
	Daemon []byte       `json:"-"`
	Owned  daemon.Owned `json:"-"`
	// Flags are the keys of daemon.json that dockerd's command line sets.
	Flags []string `json:"-"`
	// Environ is the environment of its engine, as far as it is ours.
	Environ daemon.Environ `json:"-"`
	// Addresses are those of its interfaces.
	Addresses []preflight.Address `json:"-"`
	// SSH is user@address:port, with the jump hosts behind " via ", and HostKey
	// the fingerprint it showed.
	SSH     string `json:"ssh,omitempty"`
	HostKey string `json:"host_key,omitempty"`
	// Conditions are what decides whether it can become a member; nil where
	// nobody asked, as of members.
	Conditions *preflight.Conditions `json:"-"`
}

// Machine is what the provider says of a host.
type Machine struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
	// Power is "incomplete" (never started), "running" or "stopped".
	Power string `json:"power,omitempty"`
	// Owned machines were made by swarmup and may be deleted.
	Owned bool `json:"owned,omitempty"`
	// Settings are what it was made with, and Wanted what it would be made with
	// now. What is in only one of them is not known, and counts as unchanged.
	Settings map[string]string `json:"settings,omitempty"`
	Wanted   map[string]string `json:"-"`
}

// The words of Machine.Power; package provider has the same.
const (
	Incomplete = "incomplete"
	Running    = "running"
	Stopped    = "stopped"
)

// Answer says whether a host could be asked.
type Answer string

const (
	// Answered hosts let us in.
	Answered Answer = "answered"
	// Silent hosts did not answer. Unknown is not absent.
	Silent Answer = "silent"
	// Barred hosts answered and did not let us in, or showed a wrong host key.
	// Trying again does not help.
	Barred Answer = "barred"
	// Off hosts are switched off, or were never started.
	Off Answer = "off"
)

// EngineState says how far an engine is.
type EngineState string

// The states of an engine on a host that answered.
const (
	EngineAbsent  EngineState = "absent"
	EngineStopped EngineState = "stopped"
	EngineRunning EngineState = "running"
)

// Cert is whose a swarm node certificate is; "" means that there is none.
type Cert struct {
	Cluster string `json:"cluster,omitempty"`
	Node    string `json:"node,omitempty"`
	Role    string `json:"role,omitempty"` // manager or worker
	// Expires is the end of its life; zero is not known.
	Expires time.Time `json:"expires,omitzero"`
}
