package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/wait"
)

type swarmNode = engine.Node

// process is one run of swarmup: it observes, plans and applies, and may be
// killed.
type process struct {
	*world
	*cluster.Cluster
	ctx  context.Context
	stop context.CancelCauseFunc
	// watch, if not nil, is told when a step begins and when it ended.
	watch apply.Watcher

	mu    sync.Mutex
	conns []net.Conn
	dead  bool
	lines []string // of progress
}

var errKilled = errors.New("killed")

// process begins a run for the file.
func (w *world) process(change ...func(*cluster.Config)) *process {
	w.Helper()
	p := &process{world: w}
	w.cloud.cut.Store(nil)
	p.ctx, p.stop = context.WithCancelCause(w.Context())
	config := cluster.Config{
		Spec: w.spec, Provider: w.provider(), Home: w.home, Local: w.spec.Provider.Name == "docker",
		SSH:            ssh.Options{Dial: p.dial},
		ConnectTimeout: 30 * time.Second,
		Progress:       p.progress,
	}
	if !config.Local {
		config.SSH.Key = ssh.NewPrivateKey(w.key.PEM)
	}
	for _, f := range change {
		f(&config)
	}
	c, err := cluster.New(config)
	if err != nil {
		w.Fatal(err)
	}
	p.Cluster = c
	return p
}

func (p *process) progress(node, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, node+": "+line)
}

func (p *process) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	p.mu.Lock()
	dead := p.dead
	p.mu.Unlock()
	if dead {
		return nil, syscall.ENETDOWN
	}
	conn, err := p.world.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn = &wire{Conn: conn}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, conn)
	return conn, nil
}

// wire takes no writes once its other side is gone. Without that x/crypto/ssh
// waits without end for the answer to a channel that is opened in the very moment
// in which the connection ends.
type wire struct {
	net.Conn
	over atomic.Bool
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err != nil {
		w.over.Store(true)
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	if w.over.Load() {
		return 0, net.ErrClosed
	}
	return w.Conn.Write(p)
}

// kill ends a process as kill -9 does: nothing is said any more to anybody.
func (p *process) kill() {
	p.mu.Lock()
	p.dead = true
	conns := slices.Clone(p.conns)
	p.mu.Unlock()
	p.cloud.cut.Store(&errKilled)
	for _, c := range conns {
		_ = c.Close()
	}
	p.stop(errKilled)
}

// end ends a process in an orderly way.
func (p *process) end() {
	_ = p.Close()
	p.stop(nil)
}

// see observes, with the patience of apply.
func (p *process) see() plan.State {
	p.Helper()
	st, err := p.Observe(p.ctx, 20*time.Second)
	if err != nil {
		p.Fatalf("observe: %v", err)
	}
	return st
}

// rounds does what the command apply does: it observes, plans and does, until
// the plan hides nothing more.
func (p *process) rounds(opt plan.Options) (last plan.Plan, reports []apply.Report, err error) {
	for range 3 {
		st, err := p.Observe(p.ctx, 20*time.Second)
		if err != nil {
			return last, reports, err
		}
		last = plan.Diff(p.spec, st, opt)
		if last.Idle() {
			break
		}
		r := apply.Run(p.ctx, last, 16, p.Do, p.watch)
		if reports = append(reports, r); p.ctx.Err() != nil || !last.Partial {
			break
		}
		opt.Replace = slices.DeleteFunc(slices.Clone(opt.Replace), func(n string) bool { return slices.Contains(last.Replaces, n) })
	}
	return last, reports, trouble(last, reports)
}

// trouble is what an apply ends with an exit code for; nil for none.
func trouble(last plan.Plan, reports []apply.Report) error {
	var errs []error
	for _, r := range reports {
		errs = append(errs, r.Err())
		if r.Interrupted() {
			errs = append(errs, errKilled)
		}
	}
	for _, f := range slices.Concat(last.Refused, last.Blocked) {
		errs = append(errs, fmt.Errorf("%s: %s", f.Node, f.Text))
	}
	return errors.Join(errs...)
}

// try applies the file in a process of its own.
func (w *world) try(change ...func(*cluster.Config)) error {
	w.Helper()
	p := w.process(change...)
	defer p.end()
	_, _, err := p.rounds(plan.Options{})
	return err
}

// apply applies the file, which must go well: the world is then what the file
// says, and there is nothing more to do.
func (w *world) apply(change ...func(*cluster.Config)) {
	w.Helper()
	if err := w.try(change...); err != nil {
		w.Fatalf("apply: %v", err)
	}
	w.settled()
}

// settled checks that the world is what the file says, and that a new process
// finds nothing to do.
func (w *world) settled() {
	w.Helper()
	if err := w.rests(); err != nil {
		w.Fatal(err)
	}
}

// rests says why the world is not what the file says, or what a new process
// finds to do; nil if all is done.
func (w *world) rests() error {
	// A new leader calls everybody unknown until they have reported to it.
	err := wait.Until(w.Context(), "the world to be what the file says", 20*time.Second, time.Second, func(context.Context) (bool, error) {
		err := w.right()
		return err == nil, err
	})
	if err != nil {
		return err
	}
	p := w.process()
	defer p.end()
	st, err := p.Observe(p.ctx, 0)
	if next := plan.Diff(w.spec, st, plan.Options{}); err != nil || !next.Empty() {
		return fmt.Errorf("there is still something to do: %w\n%s", err, text(next))
	}
	return nil
}

// text is a plan in lines.
func text(p plan.Plan) string {
	var lines []string
	for _, s := range p.Steps {
		lines = append(lines, fmt.Sprintf("%s after %v %s %v", s.ID, s.After, s.Why, s.Changes))
	}
	for _, f := range slices.Concat(p.Refused, p.Blocked) {
		lines = append(lines, fmt.Sprintf("! %s: %s", f.Node, f.Text))
	}
	return strings.Join(lines, "\n")
}
