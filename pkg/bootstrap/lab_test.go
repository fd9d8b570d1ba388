package bootstrap

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/spec"
)

// labMachine is a real machine: a container with systemd. Commands reach it
// through docker exec.
type labMachine struct{ id string }

// newLabMachine makes a machine from a node image of the docker provider.
func newLabMachine(t *testing.T, repository, tag string) labMachine {
	t.Helper()
	if os.Getenv("SWARMUP_LAB") == "" {
		t.Skip("SWARMUP_LAB is not set: this test makes real machines")
	}
	images := docker(t, "images", "--format", "{{.Repository}}:{{.Tag}}", repository)
	image := ""
	for line := range strings.Lines(images) {
		if strings.Contains(line, ":"+tag) {
			image = strings.TrimSpace(line)
		}
	}
	if image == "" {
		t.Skipf("there is no image %s:%s*: the docker provider makes it", repository, tag)
	}
	args := []string{"run", "--detach", "--cgroupns=private", "--tmpfs=/run:exec", "--tmpfs=/tmp:exec",
		"--volume=/var/lib/docker", "--volume=/var/lib/containerd",
		"--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined"}
	for _, c := range strings.Fields("AUDIT_CONTROL AUDIT_READ DAC_READ_SEARCH IPC_LOCK IPC_OWNER LEASE LINUX_IMMUTABLE NET_ADMIN NET_BROADCAST SYSLOG SYS_ADMIN SYS_BOOT SYS_MODULE SYS_NICE SYS_PTRACE SYS_TTY_CONFIG") {
		args = append(args, "--cap-add="+c)
	}
	m := labMachine{id: strings.TrimSpace(docker(t, append(args, image)...))}
	t.Cleanup(func() { docker(t, "rm", "--force", "--volumes", m.id) })
	docker(t, "exec", m.id, "sh", "-c", "until systemctl is-system-running --wait >/dev/null 2>&1 || systemctl is-active multi-user.target >/dev/null; do sleep 0.2; done")
	return m
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	var errs bytes.Buffer
	c := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", args...)
	c.Stderr = &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", args[0], err, errs.String())
	}
	return string(out)
}

func (m labMachine) Run(ctx context.Context, cmd string, stdin io.Reader) (string, error) {
	var errs bytes.Buffer
	c := exec.CommandContext(ctx, "docker", "exec", "--interactive", m.id, "sh", "-c", cmd)
	c.Stdin, c.Stderr = stdin, &errs
	out, err := c.Output()
	if err != nil {
		return string(out), fmt.Errorf("run: %w: %s", err, errs.String())
	}
	return string(out), nil
}

func (m labMachine) Put(ctx context.Context, path string, mode fs.FileMode, content []byte) error {
	_, err := m.Run(ctx, fmt.Sprintf("p=%s; mkdir -p ${p%%/*} && cat >$p.tmp && chmod %o $p.tmp && mv $p.tmp $p", path, mode), bytes.NewReader(content))
	return err
}

func (m labMachine) live(ctx context.Context) (daemon.Live, error) {
	out, err := m.Run(ctx, "docker info --format '{{json .}}'", nil)
	var info struct {
		Labels         []string
		RegistryConfig struct {
			InsecureRegistryCIDRs []string
			Mirrors               []string
			IndexConfigs          map[string]struct{ Secure bool }
		}
	}
	if err == nil {
		err = json.Unmarshal([]byte(out), &info)
	}
	if err != nil {
		return daemon.Live{}, err
	}
	l := daemon.Live{Known: true, Labels: map[string]string{}, InsecureRegistries: info.RegistryConfig.InsecureRegistryCIDRs, RegistryMirrors: info.RegistryConfig.Mirrors}
	for _, kv := range info.Labels {
		k, v, _ := strings.Cut(kv, "=")
		l.Labels[k] = v
	}
	for name, c := range info.RegistryConfig.IndexConfigs {
		if !c.Secure {
			l.InsecureRegistries = append(l.InsecureRegistries, name)
		}
	}
	return l, nil
}

func TestLabConfigures(t *testing.T) {
	registries := daemon.Want{
		Labels: map[string]string{"a": "1"}, InsecureRegistries: []string{"r:5000", "10.1.2.3/16"}, RegistryMirrors: []string{"https://m.example"},
		Keys: map[string]any{"log-driver": "local"},
	}
	steps := []struct {
		want daemon.Want
		did  daemon.Effect
		err  string // part of it
	}{
		{role("mgr"), daemon.Reload, ""},
		{role("mgr"), daemon.None, ""},
		{registries, daemon.Restart, ""},
		{registries, daemon.None, ""},
		{daemon.Want{Keys: map[string]any{"foo": 1}}, daemon.None, "dockerd: unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: foo"},
		{daemon.Want{Keys: map[string]any{"log-level": "nonsense"}}, daemon.None, "logging level: nonsense"},
		{daemon.Want{Keys: map[string]any{"storage-driver": "nonsense"}}, daemon.None, "restart engine: dockerd: failed to start daemon: error initializing graphdriver: driver not supported"},
		{registries, daemon.None, ""},
		{daemon.Want{Labels: map[string]string{"com.docker.x": "1"}, Keys: registries.Keys}, daemon.None, "is not allowed: the namespaces com.docker.*"},
	}
	for _, tag := range []string{"bookworm", "trixie", "sid"} {
		t.Run(tag, func(t *testing.T) {
			m := newLabMachine(t, "swarmup-node", tag)
			if err := EnsureRunning(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			for i, step := range steps {
				did, err := Configure(t.Context(), m, Settings{Want: step.want, AllowRestart: true, Live: m.live})
				if did != step.did || (err == nil) != (step.err == "") || err != nil && !strings.Contains(err.Error(), step.err) {
					t.Errorf("step %d: got %s, %v, want %s, %s", i, did, err, step.did, step.err)
				}
			}
			if err := Unconfigure(t.Context(), m); err != nil {
				t.Error(err)
			}
			out, err := m.Run(t.Context(), "cat /etc/docker/daemon.json; ls /etc/docker; docker info --format '{{.Labels}}'", nil)
			if want := "{}\ndaemon.json\n[]\n"; err != nil || strings.Replace(out, "key.json\n", "", 1) != want {
				t.Errorf("after all is taken back: got %q, %v, want %q", out, err, want)
			}
		})
	}
}

func TestLabInstalls(t *testing.T) {
	m := newLabMachine(t, "swarmup-node-bare", "")
	f, err := Probe(t.Context(), m)
	if err != nil || f.Engine != Absent {
		t.Fatalf("got %+v, %v", f, err)
	}
	if err := Install(t.Context(), m, f, Request{How: spec.InstallDistro}, nil); err != nil {
		t.Fatal(err)
	}
	if f, err = Probe(t.Context(), m); err != nil || f.Engine != Running {
		t.Errorf("got %+v, %v", f, err)
	}
}
