// Package spec is cluster.yaml: its types, how it is read, its defaults and its
// mistakes. It never touches a machine and never reads more than the file and
// the environment it is given.
package spec

import (
	"fmt"
	"time"
)

// Role is what a node is in the swarm.
type Role string

// The two roles, spelled as Docker spells them (moby api/types/swarm/node.go).
const (
	Manager Role = "manager"
	Worker  Role = "worker"
)

// Availability says whether a node takes tasks. The zero value means that the
// file does not say: active at the first join, and left alone after.
type Availability string

// The availabilities, spelled as Docker spells them (moby api/types/swarm/node.go).
const (
	Active Availability = "active"
	Pause  Availability = "pause"
	Drain  Availability = "drain"
)

// Cluster is a cluster.yaml that was read, checked and completed: groups are
// expanded, defaults are filled in and paths are absolute. It is never changed
// after Parse and may be shared between goroutines.
type Cluster struct {
	// Name is the identity of the cluster on every provider.
	Name string
	// Provider says where the machines come from.
	Provider Provider
	// SSH holds the cluster's SSH settings; each Node has its own, resolved copy.
	SSH SSH
	// Swarm holds the settings of the swarm itself.
	Swarm Swarm
	// Protect forbids destroy.
	Protect bool
	// Nodes are all nodes: managers first, then workers, each in file order.
	Nodes []Node
	// Warnings are remarks that do not make the file wrong.
	Warnings []Problem

	fromEnv map[string]string // interpolated value -> variable it came from
}

// Provider names a provider and carries its settings. Exactly the field of the
// named provider is set where it has settings.
type Provider struct {
	// Name is "docker" or "ssh".
	Name string
	// Docker holds the settings of the docker provider; its zero value is usable.
	Docker DockerSettings
}

// DockerSettings are the cluster-wide settings of the docker provider.
type DockerSettings struct {
	// Image is the node image; "" means the one that swarmup builds by itself.
	Image string
	// Subnet is the CIDR of the cluster's network; "" means one that is free.
	Subnet string
}

// Node is one node of the cluster.
type Node struct {
	Name string
	Role Role
	// Address is where an existing machine is reached (provider ssh only).
	Address string
	// Advertise and DataPath are an IP address, an interface name or a CIDR;
	// "" means that the provider's address, or the one the engine picks, is
	// used. Advertise is resolved: the node's own, else the swarm's.
	Advertise string
	DataPath  string
	// Labels are swarm node labels.
	Labels map[string]string
	// Availability is "" where the file does not say.
	Availability Availability
	// SSH is resolved: the node's own settings over the cluster's.
	SSH SSH
	// Engine is resolved: the node's own settings over the cluster's, and
	// engine_labels merged into Labels.
	Engine Engine
	// Machine is what the provider is asked for.
	Machine Machine
	// Pos is where the node's line (or its group's) stands in the file.
	Pos Pos
}

// SSH says how a machine is logged in to. Zero values mean that the file does
// not say: then ~/.ssh/config and the defaults (root, 22) decide.
type SSH struct {
	User         string
	Port         int
	IdentityFile string // absolute path
	KnownHosts   string // absolute path; "" means the user's own
	// HostKey is the fingerprint that the machine must show ("SHA256:..."),
	// as ssh-keygen -l prints it. Only nodes have one.
	HostKey string
	// Jump are the hosts to go through, first to last, each [user@]host[:port].
	// Nil means that the file does not say; empty means none.
	Jump []string
}

// Engine is Docker Engine as the file wants it on one node.
type Engine struct {
	// Install is how an engine gets onto a machine that has none; "" means that
	// the file does not say: then Docker's repositories are taken where they
	// have the machine's distribution, else the distribution's own package.
	Install Install
	// Script is the absolute path of the user's script, for InstallScript.
	Script string
	// Version is what the engine's version begins with, by components; ""
	// means any. See Takes.
	Version string
	// Repository is where Docker's packages come from, for InstallDocker.
	Repository Repository
	// Labels are engine labels.
	Labels map[string]string
	// InsecureRegistries and RegistryMirrors are in file order and as the
	// engine prints them: CIDRs without host bits, mirrors with a slash at the
	// end. A list that the file leaves out is nil, one that it empties is not.
	InsecureRegistries []string
	RegistryMirrors    []string
	// OpenPorts opens the swarm's ports in the host's own firewall.
	OpenPorts bool
	// Env is the engine's environment.
	Env Env
	// Daemon is the rest of daemon.json, as it stands in the file: string,
	// bool, int, float64, []any and map[string]any, never nil. It never holds a
	// key that has a field of its own here. A node's key replaces the cluster's
	// as a whole.
	Daemon map[string]any
}

// Env is an environment: names and values. The values may be passwords, so that no
// formatting prints them.
type Env map[string]string

// Format prints how many variables there are, for every verb.
func (e Env) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "[%d variables]", len(e)) }

// MarshalText gives what Format prints.
func (e Env) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%v", e), nil }

// Install is how an engine gets onto a machine that has none.
type Install string

const (
	// InstallDocker takes Docker's packages, from Docker's repositories.
	InstallDocker Install = "docker"
	// InstallDistro takes the distribution's own package.
	InstallDistro Install = "distro"
	// InstallNone never installs: a machine without an engine is a mistake.
	InstallNone Install = "none"
	// InstallScript runs a script of the user's.
	InstallScript Install = "script"
)

// Repository is a mirror of Docker's repositories. The zero value means
// Docker's own.
type Repository struct {
	// URL is its root, which stands for https://download.docker.com, without a
	// slash at the end; "" means that.
	URL string
	// Key is the absolute path of the OpenPGP key that signs it, in ASCII
	// armor; "" means Docker's, which is built in.
	Key string
}

// Swarm holds the settings of the swarm. Zero values mean the engine's defaults.
type Swarm struct {
	// ID pins Cluster.ID: with it apply never makes a swarm.
	ID string
	// Advertise is the default of Node.Advertise: an interface name or a CIDR.
	Advertise string
	// DefaultAddrPool, SubnetSize and DataPathPort are fixed at init.
	DefaultAddrPool []string
	SubnetSize      uint32
	DataPathPort    uint32
	// NodeCertExpiry is how long a node's certificate is valid; 0 means 2160h.
	NodeCertExpiry time.Duration
	// TaskHistory is how many ended tasks of a slot are remembered; nil means 5.
	TaskHistory *int
	// Heartbeat is how often nodes say that they live; 0 means 5s.
	Heartbeat time.Duration
	// SnapshotInterval and SlowFollowers are numbers of entries of the managers'
	// log: between snapshots, and kept after one; 0 means 10000 and 500.
	// OldSnapshots is how many are kept besides the last one; nil means 0.
	SnapshotInterval int
	SlowFollowers    int
	OldSnapshots     *int
	// Ingress is the network of published ports.
	Ingress Ingress
	// Autolock says whether managers that restart are locked; nil means that the
	// file does not say, and leaves it as it is.
	Autolock *Autolock
}

// Autolock says whether managers that restart stay locked until they are given a
// key, and where that key is kept: in KeyFile, or with two programs.
type Autolock struct {
	On bool
	// KeyFile is an absolute path; "" means that there are programs.
	KeyFile string
	// StoreCommand gets the key on its standard input, LoadCommand gives it on
	// its standard output. Both are a program with its arguments, run in Dir.
	StoreCommand []string
	LoadCommand  []string
	// Dir is the folder of cluster.yaml.
	Dir string
}

// Store says whether there is a place for the key: wherever On is true.
func (a *Autolock) Store() bool { return a != nil && (a.KeyFile != "" || len(a.LoadCommand) > 0) }

// Ingress holds the settings of the ingress network. Its zero value leaves the
// network as the engine makes it.
type Ingress struct {
	MTU       int    // in bytes; 0 means 1450
	Subnet    string // a CIDR; "" means one of DefaultAddrPool
	Encrypted *bool  // nil means false
}

// Given says whether the file asks for anything.
func (i Ingress) Given() bool { return i != Ingress{} }

// Machine is what a provider is asked for. Which fields a provider knows is
// checked when the file is read.
type Machine struct {
	// CPUs is a number of processors, fractions allowed; 0 means no limit.
	CPUs float64
	// Memory is in bytes; 0 means no limit.
	Memory int64
	// Image is the image of this machine; "" means the provider's.
	Image string
}

// Pos is a place in the file. The zero value means no place.
type Pos struct {
	File string
	Line int // from 1
	Col  int // from 1
}

// String gives FILE:LINE:COL, as compilers do.
func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Problem is one mistake in, or remark about, the file.
type Problem struct {
	Pos  Pos
	Path string // such as workers[0].count; "" means the whole file
	Text string // such as `unknown key "imge" (did you mean "image"?)`
}

// Managers returns the nodes that are managers, in file order.
func (c *Cluster) Managers() []Node { return c.withRole(Manager) }

// Workers returns the nodes that are workers, in file order.
func (c *Cluster) Workers() []Node { return c.withRole(Worker) }

func (c *Cluster) withRole(r Role) []Node {
	var out []Node
	for _, n := range c.Nodes {
		if n.Role == r {
			out = append(out, n)
		}
	}
	return out
}

// Node returns the node of that name.
func (c *Cluster) Node(name string) (Node, bool) {
	for _, n := range c.Nodes {
		if n.Name == name {
			return n, true
		}
	}
	return Node{}, false
}
