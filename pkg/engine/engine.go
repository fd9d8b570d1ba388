// Package engine is the common language about Docker Engines: what one says of
// itself and of its swarm, what it is asked for, and the ways in which it
// refuses. All of it is plain values; package swarm does the talking.
package engine

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// State is an engine's own view of its membership (moby api/types/swarm,
// LocalNodeState).
type State string

// The states, spelled as the API spells them.
const (
	Inactive State = "inactive"
	Pending  State = "pending"
	Active   State = "active"
	Failed   State = "error"
	Locked   State = "locked"
)

// Info is what an engine says of itself (GET /info).
type Info struct {
	EngineID string `json:"engine_id"`
	Hostname string `json:"hostname"`
	Version  string `json:"version"`
	// API is the version of the API that it is asked by, such as "1.51": the
	// highest that both sides speak. "" is not known.
	API         string            `json:"api,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	LiveRestore bool              `json:"live_restore,omitempty"`
	// Firewall is what the engine makes its packet filter's rules with, such as
	// "iptables" or "nftables"; "" where it does not say, as before 28.1.
	Firewall string `json:"firewall,omitempty"`

	InsecureRegistries []string `json:"insecure_registries,omitempty"`
	RegistryMirrors    []string `json:"registry_mirrors,omitempty"`

	State State `json:"state"`
	// Error is why State is Failed or Locked, or why a manager is without a leader.
	Error    string `json:"error,omitempty"`
	NodeID   string `json:"node_id,omitempty"`
	NodeAddr string `json:"node_addr,omitempty"`
	// Manager means that this engine takes part in the control plane now.
	Manager bool `json:"manager,omitempty"`
	// ClusterID is Cluster.ID; only managers with a quorum know it.
	ClusterID string `json:"cluster_id,omitempty"`
	// Remotes are the addresses (host:2377) of the managers it knows.
	Remotes []string `json:"remotes,omitempty"`
}

// Node is one entry of a swarm's node list, as a manager gives it.
type Node struct {
	ID           string `json:"id"`
	Hostname     string `json:"hostname"`
	Addr         string `json:"addr,omitempty"`
	Role         string `json:"role"` // the desired role
	Availability string `json:"availability"`
	State        string `json:"state"` // unknown, down, ready, disconnected
	// Message is why State is so, where the manager says it.
	Message      string            `json:"message,omitempty"`
	Manager      *ManagerStatus    `json:"manager,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	EngineLabels map[string]string `json:"engine_labels,omitempty"`
	Version      string            `json:"version,omitempty"` // of its engine
	// Issuer is the public key of the CA that signed its certificate, in bytes.
	Issuer  string    `json:"-"`
	Created time.Time `json:"created"`
	// Index grows with every write of the entry.
	Index uint64 `json:"-"`
}

// ManagerStatus is there for nodes that are members of the raft group now.
type ManagerStatus struct {
	Leader       bool   `json:"leader,omitempty"`
	Reachability string `json:"reachability"` // unknown, unreachable, reachable
	Addr         string `json:"addr,omitempty"`
}

// NodeSpec is what may be changed about a node.
type NodeSpec struct {
	Labels       map[string]string
	Role         string
	Availability string
}

// Swarm is a swarm's own record, with the tokens that let nodes in.
type Swarm struct {
	ID             string
	Worker         Token
	Manager        Token
	Pool           []string
	SubnetSize     uint32
	DataPathPort   uint32
	NodeCertExpiry time.Duration
	TaskHistory    int
	Heartbeat      time.Duration
	Log            Log
	Rotating       bool // a root CA rotation is in progress
	Autolock       bool // managers that restart are locked
	// Issuer is the public key of the CA that signs now, in bytes: while Rotating
	// the new one.
	Issuer string
}

// SwarmSpec is what may be changed about a swarm.
type SwarmSpec struct {
	NodeCertExpiry time.Duration
	TaskHistory    int           // ended tasks that are remembered, of each slot
	Heartbeat      time.Duration // of nodes to managers
	Log            Log
	Autolock       bool // managers that restart are locked
}

// Log says what the managers keep of the log that they agree on, in entries.
type Log struct {
	SnapshotInterval int // between snapshots
	SlowFollowers    int // kept after a snapshot, for managers that lag behind
	OldSnapshots     int // besides the last one
}

// InitRequest asks an engine to become the first manager of a new swarm. Zero
// values leave the choice to the engine.
type InitRequest struct {
	Advertise      string // IP or interface name
	DataPath       string
	Pool           []string
	SubnetSize     uint32
	DataPathPort   uint32
	NodeCertExpiry time.Duration
	TaskHistory    *int // nil leaves it to the engine
	Log            Log
	Heartbeat      time.Duration
	// ForceNew takes a manager, whatever has become of the others, and makes it the
	// only one of the swarm that it is in.
	ForceNew bool
}

// JoinRequest asks an engine to join. The engine uses exactly one remote
// address (moby daemon/cluster/swarm.go, Join).
type JoinRequest struct {
	Remote       string // host:port of a manager, the leader where possible
	Token        Token
	Advertise    string
	DataPath     string
	Availability string
}

// Task is one task of a service on a node.
type Task struct {
	ID      string
	Service string // service ID
	// Name is the service's; "" where it was not asked or is gone.
	Name      string
	Slot      int
	State     string
	Desired   string
	Error     string
	Container string
}

// Live says whether something may still run for this task on its node (moby
// api/types/swarm/task.go orders the states; those up to running are alive).
func (t Task) Live() bool {
	switch t.State {
	case "new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running":
		return true
	}
	return false
}

// Service says how many tasks of a service run, and how many shall.
type Service struct {
	ID      string
	Name    string
	Running uint64
	Desired uint64
	// Mesh means that it publishes a port through the ingress network.
	Mesh bool
	// Constraints say which nodes may run it, such as "node.hostname == a".
	Constraints []string
}

// Volume is a volume whose content is on the disk of one engine's machine.
type Volume struct {
	Name string
	// Anonymous ones were made without a name, by a container.
	Anonymous bool
	// Labelled ones have labels of their users.
	Labelled bool
	// Users are the services and containers that have it, sorted; a container of
	// a task counts as its service.
	Users []string
}

// Token lets a node into a swarm. It never prints its value, not even inside
// another struct: only Reveal gives it. The zero value is no token.
type Token struct{ reveal func() string }

// NewToken hides a token.
func NewToken(secret string) Token { return Token{func() string { return secret }} }

// Reveal gives the token itself; "" for the zero value.
func (t Token) Reveal() string {
	if t.reveal == nil {
		return ""
	}
	return t.reveal()
}

// Format prints [token] for every verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[token]") }

// MarshalText gives [token].
func (Token) MarshalText() ([]byte, error) { return []byte("[token]"), nil }

// The ways in which an engine refuses that callers act on. They are found with
// errors.Is under the engine's own words.
var (
	ErrNotManager    = errors.New("not a swarm manager")
	ErrNotMember     = errors.New("not part of a swarm")
	ErrAlreadyMember = errors.New("already part of a swarm")
	ErrNoLeader      = errors.New("the swarm has no leader")
	ErrLocked        = errors.New("the swarm is locked")
	ErrQuorum        = errors.New("it would lose quorum")
	ErrNotFound      = errors.New("not found")
	ErrExists        = errors.New("it exists already")
	// ErrOutdated means that somebody else has written since it was read.
	ErrOutdated = errors.New("it was changed meanwhile")
	// ErrToken means that a join token is malformed, of another swarm, or no
	// longer valid.
	ErrToken = errors.New("the join token does not open this swarm")
	// ErrAdvertise means that a new manager is not reached by the others at the
	// address that it advertises.
	ErrAdvertise = errors.New("the managers do not reach its advertised address")
	// ErrNoAnswer means that nothing is known: the engine could not be asked,
	// did not answer in time, or the connection broke. What was asked for may
	// have been done.
	ErrNoAnswer = errors.New("the engine did not answer")
	// ErrAPI means that the engine speaks only versions of the API that are too
	// new for us.
	ErrAPI = errors.New("its versions of the API are too new")
	// ErrContinues is the daemon's word after 20 s that a join goes on in the
	// background (moby daemon/cluster/errors.go). It is no failure: look again.
	ErrContinues = errors.New("the join continues in the background")
)
