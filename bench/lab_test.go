package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/provider/docker"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// cluster is whose machines these are. It is not in any file of swarmup's: they
// are existing hosts to all who are measured.
const cluster = "bench"

// fleet are machines with engines that run and are in no swarm.
type fleet struct {
	*testing.B
	dir, key string
	machines []provider.Machine
	provider *docker.Provider
}

// newFleet makes them. They go with the benchmark.
func newFleet(b *testing.B, n int) *fleet {
	b.Helper()
	if os.Getenv("SWARMUP_LAB") == "" {
		b.Skip("SWARMUP_LAB is not set: no real machines")
	}
	p, err := docker.New(docker.Settings{Image: os.Getenv("SWARMUP_BENCH_IMAGE")})
	if err != nil {
		b.Fatal(err)
	}
	f := &fleet{B: b, dir: b.TempDir(), provider: p, machines: make([]provider.Machine, n)}
	f.key = filepath.Join(f.dir, "id_ed25519")
	b.Cleanup(f.remove)
	_, authorized, _, err := ssh.LoadOrCreateKey(f.key)
	if err != nil {
		b.Fatal(err)
	}
	var reqs []provider.Request
	for i := range n {
		reqs = append(reqs, provider.Request{Cluster: cluster, Node: fmt.Sprintf("h%d", i), Name: fmt.Sprintf("%s-h%d-0", cluster, i), AuthorizedKeys: []string{authorized}})
	}
	if err := p.Prepare(b.Context(), reqs, func(line string) { b.Log(line) }); err != nil {
		b.Fatal(err)
	}
	f.each(func(i int) error {
		m, err := p.Create(b.Context(), reqs[i])
		f.machines[i] = m
		return err
	})
	f.reset()
	return f
}

func (f *fleet) remove() {
	ctx := context.WithoutCancel(f.Context())
	machines, err := f.provider.List(ctx, cluster)
	for _, m := range machines {
		err = errors.Join(err, f.provider.Delete(ctx, m))
	}
	err = errors.Join(err, f.provider.Clean(ctx, cluster), f.provider.Close())
	if err != nil {
		f.Error(err)
	}
}

// each does something to all machines, a few at a time.
func (f *fleet) each(do func(i int) error) {
	f.Helper()
	errs := make([]error, len(f.machines))
	slots := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for i := range f.machines {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = do(i)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		f.Fatal(err)
	}
}

// on runs a command on a machine, behind the back of those who are measured.
func (f *fleet) on(i int, command string) (string, error) {
	out, err := exec.CommandContext(f.Context(), "docker", "exec", f.machines[i].Name, "sh", "-c", command).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", f.machines[i].Name, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// reset takes all machines out of their swarm and waits until all is quiet.
func (f *fleet) reset() {
	f.Helper()
	f.each(func(i int) error {
		_, err := f.on(i, `n=0; until s=$(docker info --format '{{.Swarm.LocalNodeState}}' 2>/dev/null) && [ "$s" = inactive ]; do
			docker swarm leave --force >/dev/null 2>&1; n=$((n+1)); [ $n -lt 100 ] || exit 1; sleep 0.3; done`)
		return err
	})
	time.Sleep(2 * time.Second)
}

// formed waits until all hosts are nodes that are ready, labelled and active.
func (f *fleet) formed() {
	f.Helper()
	var problem error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if problem = f.wrong(); problem == nil {
			return
		}
	}
	f.Fatal(problem)
}

func (f *fleet) wrong() error {
	out, err := f.on(0, "docker node inspect $(docker node ls -q)")
	if err != nil {
		return err
	}
	var nodes []struct {
		Spec struct {
			Labels             map[string]string
			Availability, Role string
		}
		Status struct{ State string }
	}
	if err := json.Unmarshal([]byte(out), &nodes); err != nil {
		return err
	}
	labels, roles := map[string]bool{}, 0
	for _, n := range nodes {
		if n.Status.State == "ready" && n.Spec.Availability == "active" {
			labels[n.Spec.Labels["n"]] = true
		}
		if n.Spec.Role == "manager" {
			roles++
		}
	}
	if len(nodes) != len(f.machines) || len(labels) != len(f.machines) || roles != managers {
		return fmt.Errorf("%d nodes, %d managers, %d of them ready, labelled and active: want %d", len(nodes), roles, len(labels), len(f.machines))
	}
	return nil
}

// file writes the cluster.yaml of these hosts.
func (f *fleet) file() string {
	f.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "name: fleet\nprovider: ssh\nssh: {identity_file: ./id_ed25519}\nengine: {install: none}\n")
	for i, m := range f.machines {
		switch i {
		case 0:
			b.WriteString("managers:\n")
		case managers:
			b.WriteString("workers:\n")
		}
		fmt.Fprintf(&b, "  - {name: h%d, address: %s, labels: {n: %q}, ssh: {port: %d, host_key: %q}}\n", i, m.SSH.Host, strconv.Itoa(i), max(22, m.SSH.Port), m.HostKey)
	}
	path := filepath.Join(f.dir, "cluster.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		f.Fatal(err)
	}
	return path
}

// command is what is measured: the time of a program from its start to its end.
func (f *fleet) command(name string, args ...string) func() error {
	return func() error {
		cmd := exec.CommandContext(f.Context(), name, args...)
		cmd.Env = append(os.Environ(), "SWARMUP_HOME="+f.dir, "ANSIBLE_CONFIG=ansible/ansible.cfg")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
		return nil
	}
}

// addresses are those of all hosts.
func (f *fleet) addresses() []string {
	var out []string
	for _, m := range f.machines {
		out = append(out, m.SSH.Host)
	}
	return out
}

// build makes a program of this module.
func build(b *testing.B, pkg string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), filepath.Base(pkg))
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, pkg)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}
