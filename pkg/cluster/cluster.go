// Package cluster is the conductor: it observes the world and does single steps
// of a plan in it. It owns all connections. It decides nothing about what is to
// be done or in which order; package plan does, and package apply keeps to it.
package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// Config is what a Cluster works with. Durations of zero mean the defaults.
type Config struct {
	Spec     *spec.Cluster
	Provider provider.Provider
	// SSH is how hosts are logged in to. For local providers the key is
	// swarmup's own, and neither agent nor configuration file is asked.
	SSH ssh.Options
	// Local says that the provider's machines live on this computer and are
	// logged in to with a key that swarmup keeps in Home.
	Local bool
	// Home is where the cluster's own files are: $SWARMUP_HOME/NAME. Only local
	// clusters have any.
	Home string
	// Progress is told what a step is at, a short line at a time; nil is
	// allowed. It is called from several goroutines.
	Progress func(node, line string)
	// ConnectTimeout is for how long a new or silent machine is waited for; 2 min.
	ConnectTimeout time.Duration
	// DrainTimeout is for how long the tasks of a node are waited for; 10 min.
	DrainTimeout time.Duration
	// ForceDrain goes on at DrainTimeout.
	ForceDrain bool
	// Key gives the key that unlocks managers, and what it is called in messages,
	// in the place of the file's store; nil means the store. It may be called
	// concurrently.
	Key func(ctx context.Context) (key engine.Key, from string, err error)
	// KeyUnasked is for a Cluster that needs no unlock key: its store is not asked
	// while the world is observed.
	KeyUnasked bool
	// LookTimeout bounds for how long Observe waits for hosts, and after that for
	// what the swarm says; what has not answered by then is Silent. 0 means that
	// each wait has its own limit only.
	LookTimeout time.Duration
	// ReadOnly is for a Cluster that only observes: it never writes anything
	// anywhere, not even a login key.
	ReadOnly bool
}

// Defaults of Config.
const (
	DefaultConnectTimeout = 2 * time.Minute
	DefaultDrainTimeout   = 10 * time.Minute
)

// Cluster observes one cluster and does steps in it. Observe comes first and is
// not called concurrently with anything; Do may be called concurrently.
type Cluster struct {
	cfg Config

	mu    sync.Mutex // guards what follows; nothing is waited for while it is held
	hosts []*host
	via   *host                    // the manager that gave the last answer
	named map[string]bool          // machines that this run has asked for
	turns map[string]chan struct{} // by NodeID: who may change the entry
	nodes *shared[[]engine.Node]   // the swarm's nodes, asked for by many at once
	swarm *shared[engine.Swarm]    // its own record, likewise
	round round
	// formed means that there was a swarm, so that the lock stands in it.
	formed bool

	ring *ring         // the unlock key, as it is stored
	back chan struct{} // tries that go out from the leader

	keyMu sync.Mutex
	key   loginKey
}

// round is what one Observe and the steps after it have in common.
type round struct {
	swarmID  string
	nodes    []engine.Node            // as they were observed
	machines []provider.Machine       // likewise
	done     map[string][]plan.Action // by node
	failed   map[string]bool          // nodes with a step that failed
	joined   map[string]string        // by node: the entry that it got
	marked   map[string]bool          // machines that others take the place of since then
	prepared *preparation
	back     time.Time // when the last manager of a roll came back
}

func newRound() round {
	return round{done: map[string][]plan.Action{}, failed: map[string]bool{}, joined: map[string]string{}, marked: map[string]bool{}, prepared: &preparation{}}
}

// New returns a Cluster. It touches nothing yet.
func New(cfg Config) (*Cluster, error) {
	switch {
	case cfg.Spec == nil || cfg.Provider == nil:
		return nil, errors.New("make cluster: no file or no provider")
	case cfg.Local && cfg.Home == "":
		return nil, errors.New("make cluster: no folder for the login key")
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = DefaultConnectTimeout
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = DefaultDrainTimeout
	}
	if cfg.Progress == nil {
		cfg.Progress = func(string, string) {}
	}
	if cfg.SSH.Pool == nil {
		cfg.SSH.Pool = new(ssh.Pool)
	}
	return &Cluster{
		cfg: cfg, named: map[string]bool{}, turns: map[string]chan struct{}{},
		nodes: newShared[[]engine.Node](), swarm: newShared[engine.Swarm](), round: newRound(), back: make(chan struct{}, backAtOnce),
		ring: newRing(cfg.Spec),
	}, nil
}

// Close ends all connections.
func (c *Cluster) Close() error {
	for _, h := range c.all() {
		h.retire()
	}
	return nil
}

// progress is where one node's lines of progress go.
func (c *Cluster) progress(node string) func(string) {
	return func(line string) { c.cfg.Progress(node, line) }
}

// bounded runs f for each item, at most limit at once, and returns when all
// have ended. It is the one loop that observes in parallel.
func bounded[T any](ctx context.Context, limit int, items []T, f func(context.Context, T)) {
	places := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for _, it := range items {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			f(ctx, it)
		})
	}
	wg.Wait()
}

// indexes gives those of a slice, for a bounded that fills another one.
func indexes[T any](items []T) []int {
	out := make([]int, len(items))
	for i := range out {
		out[i] = i
	}
	return out
}
