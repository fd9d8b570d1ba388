package chaos

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is for one call of the docker command line. A manager without a
// leader takes 20 s to say so (moby daemon/cluster, swarmRequestTimeout).
const patience = 60 * time.Second

// cluster is one that runs are done with, one after the other.
type cluster struct {
	*testing.T
	name, dir, image string
	serves           bool // the probe service is there
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{T: t, name: "chaos-" + strings.ToLower(rand.Text()[:4]), dir: t.TempDir(), image: probeImage(t)}
	t.Cleanup(func() {
		if err := removeThose(func(name string) bool { return name == c.name }); err != nil {
			t.Error(err)
		}
	})
	return c
}

// process is a swarmup that runs.
type process struct {
	cmd   *exec.Cmd
	began time.Time
	out   transcript
	ended chan struct{}
}

// start runs swarmup with the file of a shape.
func (c *cluster) start(s shape, args ...string) *process {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "cluster.yaml"), []byte(s.yaml(c.name, c.image)), 0o600); err != nil {
		c.Fatal(err)
	}
	p := &process{cmd: exec.Command(opt.bin, args...), ended: make(chan struct{})}
	p.cmd.Dir = c.dir
	p.cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(c.dir, "user"), "SWARMUP_HOME=" + filepath.Join(c.dir, "home"),
		"DOCKER_HOST=" + os.Getenv("DOCKER_HOST"), "TMPDIR=" + os.TempDir(),
	}
	p.cmd.Stdout, p.cmd.Stderr = io.Discard, &p.out
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		c.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait()
	}()
	return p
}

// wait returns when the process has ended, which it has to within a time.
func (p *process) wait(ctx context.Context, limit time.Duration) (code int, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ended:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-timer.C:
		err = fmt.Errorf("swarmup %s did not end within %s", p.cmd.Args[1], limit)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	return p.cmd.ProcessState.ExitCode(), err
}

func (p *process) over() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// applyArgs are those of every apply. Waits are short: what they wait for is
// mended within seconds, or not at all.
func applyArgs() []string {
	return []string{"apply", "--yes", "--max-remove", "99", "--connect-timeout", "30s", "--drain-timeout", "45s", "--lock-timeout", "2m"}
}

// dies says whether swarmup is killed.
func (s script) dies() bool { return s.damage == kill || s.killed > 0 && !s.damage.toSwarmup() }

// applyLimit is longer than all waits of an apply in a row.
const applyLimit = 4 * time.Minute

// apply runs swarmup apply to its end.
func (c *cluster) apply(s shape) (code int, said string, took time.Duration, err error) {
	c.Helper()
	p := c.start(s, applyArgs()...)
	code, err = p.wait(opt.ctx, applyLimit)
	return code, p.out.String(), time.Since(p.began), err
}

// machine is a container of the cluster.
type machine struct{ id, name, node, address, state string }

func (c *cluster) machines() ([]machine, error) {
	out, err := docker("ps", "-a", "--no-trunc", "--filter", "label=swarmup.cluster="+c.name, "--format",
		`{{.ID}} {{.Names}} {{.Label "swarmup.node"}} {{.Label "swarmup.address"}} {{.State}}`)
	if err != nil {
		return nil, err
	}
	var ms []machine
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 5 {
			return nil, fmt.Errorf("docker ps says %q", line)
		}
		ms = append(ms, machine{f[0], f[1], f[2], f[3], f[4]})
	}
	return ms, nil
}

// victim gives the machine of a node; of the leader with "".
func (c *cluster) victim(node string) (victim, error) {
	ms, err := c.machines()
	if err != nil {
		return victim{}, err
	}
	if node == "" {
		node = leader(ms)
	}
	for _, m := range ms {
		if m.node == node && m.state == "running" {
			return victim{id: m.id, node: m.node, address: m.address, network: "swarmup-" + c.name}, nil
		}
	}
	return victim{}, errors.New("there is no such machine")
}

// leader gives the node that leads the swarm; "" where none says so.
func leader(ms []machine) string {
	for _, m := range ms {
		if out, err := docker("exec", m.id, "docker", "node", "inspect", "self", "--format", "{{.ManagerStatus.Leader}}"); err == nil && out == "true" {
			return m.node
		}
	}
	return ""
}

// transcript collects what a process says, and can be asked meanwhile.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
