// Package provider says what a provider of machines is. It holds no provider:
// each has a package of its own beneath this one.
package provider

import (
	"context"
	"errors"
	"strconv"
)

// State is what a provider says of a machine.
type State string

const (
	// Incomplete machines were never started: a Create that was cut short.
	// Create finishes them.
	Incomplete State = "incomplete"
	// Running machines are switched on. Nothing is said of what runs on them.
	Running State = "running"
	// Stopped machines exist and are switched off.
	Stopped State = "stopped"
)

// Machine is what a provider has. It is a plain value.
type Machine struct {
	// ID is the provider's own name for it, stable over its whole life.
	ID string `json:"id"`
	// Name is CLUSTER-NODE-GEN, so that a replacement can exist beside what it replaces.
	Name string `json:"name"`
	// Cluster and Node are whose it is. They were given in the call that made it.
	Cluster string `json:"cluster"`
	Node    string `json:"node"`
	State   State  `json:"state"`
	// Address is where the other machines of the cluster reach it; "" while it has none.
	Address string `json:"address,omitempty"`
	// SSH is where swarmup reaches it.
	SSH Endpoint `json:"ssh"`
	// HostKey is the fingerprint ("SHA256:...") of the key its sshd must show;
	// "" means that the provider does not know it.
	HostKey string `json:"host_key,omitempty"`
	// Owned machines were made by swarmup. Others are never deleted.
	Owned bool `json:"owned"`
	// Settings are what it was made with, by the names that the file has for
	// them; "" is the provider's default. What is not there is not known: nil
	// for machines that were made before there was a record.
	Settings map[string]string `json:"settings,omitempty"`
}

// Endpoint is where an sshd listens and who may log in. User is "" and Port 0
// where the provider does not say.
type Endpoint struct {
	Host string `json:"host"`
	Port int    `json:"port,omitempty"`
	User string `json:"user,omitempty"`
}

// Request asks for one machine.
type Request struct {
	Cluster string
	Node    string
	// Name is the machine's name; Node is its host name.
	Name string
	// CPUs is a number of processors, Memory is in bytes; 0 means no limit.
	CPUs   float64
	Memory int64
	// Image is the machine's image; "" means the provider's default.
	Image string
	// AuthorizedKeys may log in, in the format of authorized_keys.
	AuthorizedKeys []string
	// Progress is told what is going on, one short line at a time; nil is allowed.
	Progress func(line string)
}

// Provider has machines. Its methods may be called concurrently, obey their
// context, and are idempotent. Their errors say by themselves what was being done
// to which machine or cluster.
type Provider interface {
	// List returns every machine of a cluster, in any state, sorted by name.
	// It is the only memory there is: what List does not return does not
	// exist. An error means that nothing is known, never that nothing exists.
	List(ctx context.Context, cluster string) ([]Machine, error)
	// Create returns once the machine is switched on and has an address. A
	// machine of that name that already exists is finished and returned as it
	// is. A provider that cannot create returns ErrUnsupported.
	Create(ctx context.Context, req Request) (Machine, error)
	// Delete destroys a machine with its disks. One that is already gone is no
	// error. A machine that is not Owned is refused with ErrUnsupported.
	Delete(ctx context.Context, m Machine) error
}

// Starter is a Provider that can switch machines on again.
type Starter interface {
	// Start switches a stopped machine on and returns it as it is then. One
	// that already runs is no error.
	Start(ctx context.Context, m Machine) (Machine, error)
}

// Cleaner is a Provider that keeps something for a whole cluster, such as a network.
type Cleaner interface {
	// Clean removes what is left of a cluster that has no machine any more. It
	// is an error while there is one.
	// Nothing left is no error.
	Clean(ctx context.Context, cluster string) error
}

// Leaver is a Cleaner that can say whether there is anything to clean.
type Leaver interface {
	// Leftovers names what the provider keeps for a whole cluster, such as
	// "network swarmup-demo"; nothing where there is nothing.
	Leftovers(ctx context.Context, cluster string) ([]string, error)
}

// Preparer is a Provider with work to do once before machines are created.
type Preparer interface {
	// Prepare does it, such as building an image. It is told how many machines
	// are about to be created, names a limit of the host that they would
	// exceed before it runs into it, and reports progress line by line.
	Prepare(ctx context.Context, reqs []Request, progress func(line string)) error
}

// Describer is a Provider whose machines keep what they were made with.
type Describer interface {
	// Describe gives the Settings of a machine that this request would make. It
	// asks nobody.
	Describe(req Request) map[string]string
}

// Describe gives what a request asks of any provider, by the names of the file.
func Describe(req Request) map[string]string {
	out := map[string]string{"cpus": "", "memory": "", "image": req.Image}
	if req.CPUs != 0 {
		out["cpus"] = strconv.FormatFloat(req.CPUs, 'f', -1, 64)
	}
	if req.Memory != 0 {
		out["memory"] = size(req.Memory)
	}
	return out
}

// size writes a number of bytes as the file does, in the largest unit that it is
// a whole number of.
func size(bytes int64) string {
	for _, u := range []struct {
		shift int
		name  string
	}{{30, "g"}, {20, "m"}, {10, "k"}} {
		if bytes&(1<<u.shift-1) == 0 {
			return strconv.FormatInt(bytes>>u.shift, 10) + u.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}

// Authorizer is a Provider that can let another login key into its machines,
// for when the one that made them is lost.
type Authorizer interface {
	Authorize(ctx context.Context, m Machine, authorizedKeys []string) error
}

// ErrUnsupported means that this provider never does what was asked of it.
var ErrUnsupported = errors.New("not supported by this provider")
