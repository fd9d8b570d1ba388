package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/swarmup/swarmup/pkg/backup"
	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/recovery"
	"github.com/swarmup/swarmup/pkg/rotate"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// env is all that run takes from its process, so that a test can give its own.
type env struct {
	in       io.Reader
	out, err io.Writer
	lookup   func(string) (string, bool)
	terminal bool                                  // in is a terminal, so that questions can be asked
	hidden   func(context.Context) (string, error) // reads a line from it without showing it
	screen   screen                                // the terminal that in is; nil for none
	replace  replacer                              // becomes another program
	watched  bool                                  // err is a terminal, on which a line may be written over
	signals  <-chan os.Signal
	exit     func(code int) // ends the process at once
	now      func() time.Time
	connect  func(settings) (conductor, error)
	manager  func(context.Context, env, reach) (asked, error)
	who      func(command string) lock.Run // what others are told of this run
	diff     func(*spec.Cluster, plan.State, plan.Options) plan.Plan
}

// conductor is what the commands need of package cluster.
type conductor interface {
	// Observe asks the provider, the hosts and the swarm. Hosts that do not
	// answer are asked again for as long as patience.
	Observe(ctx context.Context, patience time.Duration) (plan.State, error)
	// Losses asks what goes with the nodes that a plan removes or replaces.
	Losses(ctx context.Context, have plan.State, p plan.Plan) []plan.Loss
	// Do does one step. It is called from several goroutines.
	Do(ctx context.Context, s plan.Step) (note string, err error)
	// Moved says whether the world has become another one since it was observed, as
	// far as another run may have done it. It costs next to nothing.
	Moved(ctx context.Context) (bool, error)
	reacher
	// LockStore is where the lock is to stand, as far as the world was observed; nil
	// where there is nobody yet whom others would ask too.
	LockStore() lock.Store
	// What is rotated is the swarm that was observed.
	rotate.Swarm
	recovery.Swarm
	backup.Source
	backup.Target
	Close() error
}

// reacher is what the commands about single machines need of package cluster.
type reacher interface {
	// Machines asks the provider for all machines of the cluster.
	Machines(ctx context.Context) ([]provider.Machine, error)
	// Login logs in to the machine of a node. It follows Machines.
	Login(ctx context.Context, node string) (*ssh.Host, error)
	// Way is how the machine of a node is logged in to. It follows Machines.
	Way(node string) (ssh.Target, ssh.Options, error)
}

// settings are what a conductor is made of.
type settings struct {
	cluster        *spec.Cluster
	readOnly       bool      // nothing is written anywhere
	key            keySource // of the unlock key; nil is the store of the file
	keyUnasked     bool      // the store is not asked before the key is needed
	acceptNew      bool      // unknown host keys are accepted and remembered
	secrets        *secrets
	connectTimeout time.Duration
	drainTimeout   time.Duration
	lookTimeout    time.Duration // how long a host is waited for while the world is observed; 0 is no limit
	forceDrain     bool
	progress       func(node, line string)
	env            func(string) string
}

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted")

// run does what the arguments ask for and returns the exit code.
func run(ctx context.Context, args []string, e env) int {
	out := &stream{w: e.out}
	e.out, e.err = out, &stream{w: e.err}
	ctx, stop := interruptible(ctx, e)
	defer stop()

	err := command(ctx, args, e)
	switch failed := out.failure(); {
	case err != nil && errors.Is(context.Cause(ctx), errInterrupted):
		err = interrupted(err)
	case err == nil && failed != nil:
		err = fmt.Errorf("write to standard output: %w", failed)
	}
	say(e.err, err)
	return codeOf(err)
}

// interrupted is what becomes of the error of a command that a signal ended.
// That it was interrupted was said already.
func interrupted(err error) error {
	var exit *exitError
	if errors.As(err, &exit) {
		err = exit.err
	}
	if errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled) {
		err = nil
	}
	return &exitError{code: exitInterrupted, err: err}
}

// interruptible returns a context that the first signal ends. The second one
// ends the process at once.
func interruptible(ctx context.Context, e env) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-done:
			return
		case <-e.signals:
		}
		say(e.err, errors.New("interrupted; calls in flight get 30 s; again to stop at once"))
		cancel(errInterrupted)
		select {
		case <-done:
		case <-e.signals:
			e.exit(exitInterrupted)
		}
	}()
	return ctx, func() {
		close(done)
		<-ended
		cancel(nil)
	}
}

// stream is a writer that may be used from several goroutines, and remembers
// the first error for callers that do not look, such as a full disk beneath a
// redirected output.
type stream struct {
	mu  sync.Mutex
	w   io.Writer
	err error
}

// Write writes, unless an earlier write went wrong.
func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

func (s *stream) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
