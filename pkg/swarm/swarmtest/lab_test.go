//go:build linux

package swarmtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/swarm"
)

// The table holds for real engines too: three of them, each in a network of its
// own on this machine, apart from any engine that runs here already. It needs
// root, dockerd, iproute2 and iptables, and takes about two minutes.
func TestRealEnginesBehaveAsTheTableSays(t *testing.T) {
	if os.Getenv("SWARMUP_LAB") == "" {
		t.Skip("SWARMUP_LAB is not set: this test starts real engines")
	}
	check(t, newReal(t), facts())
}

// real is a bench of three dockerds. Its networks and names begin with
// swarmtest.
type real struct {
	t    *testing.T
	dir  string
	cmds [4]*exec.Cmd
}

const bridge = "swarmtest-0"

func newReal(t *testing.T) *real {
	t.Helper()
	dir, err := os.MkdirTemp("", "swarmtest") // short: sockets have a limit on their paths
	if err != nil {
		t.Fatal(err)
	}
	r := &real{t: t, dir: dir}
	t.Cleanup(r.clean)
	r.sh("ip netns add %s && ip -n %s link add br0 type bridge && ip -n %s link set br0 up", bridge, bridge, bridge)
	for k := 1; k <= 3; k++ {
		n := r.hostname(k)
		r.sh("ip netns add %s && ip -n %s link set lo up", n, n)
		r.sh("ip -n %s link add v%d type veth peer name eth0 netns %s && ip -n %s link set v%d master br0 up", bridge, k, n, bridge, k)
		r.sh("ip -n %s addr add %s/24 dev eth0 && ip -n %s link set eth0 up && ip -n %s route add default via 10.99.0.254", n, r.addr(k), n, n)
		r.revive(k)
	}
	return r
}

func (r *real) dial(k int) swarm.Dialer {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", r.path(k, "sock"))
	}
}

func (r *real) addr(k int) string     { return fmt.Sprintf("10.99.0.%d", k) }
func (r *real) hostname(k int) string { return fmt.Sprintf("swarmtest-%d", k) }

func (r *real) path(k int, name string) string {
	return filepath.Join(r.dir, strconv.Itoa(k), name)
}

// revive starts an engine and waits until it answers. In its mount namespace
// it sees neither this machine's containerd nor its key.
func (r *real) revive(k int) {
	r.t.Helper()
	d := filepath.Join(r.dir, strconv.Itoa(k))
	if err := os.MkdirAll(filepath.Join(d, "etc"), 0o700); err != nil {
		r.t.Fatal(err)
	}
	// Killed processes may stay as zombies where nobody reaps them, and an
	// engine takes those for alive.
	_ = os.Remove(r.path(k, "pid"))
	_ = os.Remove(r.path(k, "exec/containerd/containerd.pid"))
	script := fmt.Sprintf(`hostname %s; mount --make-rprivate /; mkdir -p /run/containerd /etc/docker
		mount -t tmpfs none /run/containerd; mount --bind %s/etc /etc/docker; echo {} > %s/daemon.json
		exec dockerd --config-file=%s/daemon.json --data-root=%s/data --exec-root=%s/exec --pidfile=%s/pid \
			-H unix://%s/sock --bridge=none --iptables=false --ip-masq=false >>%s/log 2>&1`,
		r.hostname(k), d, d, d, d, d, d, d, d)
	cmd := exec.Command("nsenter", "--net=/run/netns/"+r.hostname(k), "unshare", "-m", "-u", "sh", "-c", script)
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.cmds[k] = cmd
	ping := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: r.dial(k), DisableKeepAlives: true}}
	for range 600 { // the socket is there at once, answers come up to 20 s later
		if resp, err := ping.Get("http://engine/_ping"); err == nil {
			_ = resp.Body.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	log, _ := os.ReadFile(r.path(k, "log"))
	r.t.Fatalf("engine %d does not start: %s", k, bytes.TrimSpace(log[max(0, len(log)-2000):]))
}

func (r *real) kill(k int) { r.end(k, syscall.SIGKILL) }

// end ends an engine; nsenter and unshare have become it.
func (r *real) end(k int, s syscall.Signal) {
	if r.cmds[k] == nil {
		return
	}
	_ = r.cmds[k].Process.Signal(s)
	_ = r.cmds[k].Wait()
	r.cmds[k] = nil
}

func (r *real) cut(k int, on bool) {
	r.t.Helper()
	do := map[bool]string{true: "-A", false: "-D"}[on]
	r.sh("nsenter --net=/run/netns/%s iptables %s INPUT -p tcp --dport 2377 -j DROP", r.hostname(k), do)
}

func (r *real) sh(format string, args ...any) {
	r.t.Helper()
	line := fmt.Sprintf(format, args...)
	if out, err := exec.Command("sh", "-c", line).CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// clean ends everything that the bench has begun, by its process IDs, also the
// containerds of engines that were killed.
func (r *real) clean() {
	for k := 1; k <= 3; k++ {
		r.end(k, syscall.SIGTERM)
		pid, err := os.ReadFile(r.path(k, "exec/containerd/containerd.pid"))
		if n, bad := strconv.Atoi(strings.TrimSpace(string(pid))); err == nil && bad == nil {
			_ = syscall.Kill(n, syscall.SIGTERM)
			for range 50 {
				if errors.Is(syscall.Kill(n, 0), syscall.ESRCH) {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
	}
	for _, n := range []string{r.hostname(1), r.hostname(2), r.hostname(3), bridge} {
		_ = exec.Command("ip", "netns", "del", n).Run()
	}
	if mounts, err := os.ReadFile("/proc/mounts"); err != nil || strings.Contains(string(mounts), r.dir) {
		r.t.Errorf("%s is left as it is: something is mounted in it", r.dir)
		return
	}
	_ = os.RemoveAll(r.dir)
}

// This takes about two minutes.
func TestRealEnginesKeepSecretsAsTheTableSays(t *testing.T) {
	if os.Getenv("SWARMUP_LAB") == "" {
		t.Skip("SWARMUP_LAB is not set: this test starts real engines")
	}
	check(t, newReal(t), secretFacts())
}
