package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// machine is a directory that looks like a machine. The real scripts run in it,
// with real tools where those only read and write files, and with small stateful
// fakes where they reach further: see fakes.
type machine struct {
	t     *testing.T
	shell string // its sh
	root  string
	bin   string
	puts  int
	// commands are all that were sent.
	commands []string
	diesAfter
}

// diesAfter makes a machine unreachable after some calls; its zero value never.
type diesAfter struct {
	calls int // from 1
	made  int
}

var errLost = errors.New("connection lost")

func (d *diesAfter) call(do func() error) error {
	d.made++
	if d.calls > 0 && d.made > d.calls {
		return errLost
	}
	err := do()
	if d.calls > 0 && d.made == d.calls {
		return errLost
	}
	return err
}

// tools are what the scripts may use of a machine: POSIX, and base64, readlink
// -f, stat -c, timeout and sync FILE, which GNU and busybox both have, and flock
// -n, which util-linux and busybox have.
var tools = strings.Fields("awk base64 cat cp date df dirname flock grep head ls mkdir mv readlink rm rmdir sed stat sync tail timeout tr uname wc")

// shells are the shells to test with. All machines have one of them.
func shells(t *testing.T) []string {
	t.Helper()
	out := []string{"/bin/sh"}
	if path, err := exec.LookPath("busybox"); err == nil {
		out = append(out, path)
	}
	return out
}

// eachShell runs a test once with the system's shell and tools and once with
// busybox's. Processes are what these tests cost, so outside the lab a test runs
// with one of them, always the same one.
func eachShell(t *testing.T, test func(t *testing.T, m *machine)) {
	all := shells(t)
	if os.Getenv("SWARMUP_LAB") == "" {
		h := fnv.New32a()
		_, _ = h.Write([]byte(t.Name()))
		i := int(h.Sum32()) % len(all)
		all = all[i : i+1]
	}
	for _, sh := range all {
		t.Run("with "+filepath.Base(sh), func(t *testing.T) { test(t, newMachine(t, sh)) })
	}
}

func newMachine(t *testing.T, shell string) *machine {
	t.Helper()
	dir := t.TempDir()
	m := &machine{t: t, shell: shell, root: dir + "/root", bin: dir + "/bin"}
	for _, d := range []string{m.bin, m.root + "/etc", m.root + "/run", m.root + "/proc", m.root + "/var/lib"} {
		m.must(os.MkdirAll(d, 0o755))
	}
	for _, tool := range append(tools, "sh") {
		path := shell
		if filepath.Base(shell) != "busybox" || tool == "flock" { // Alpine's busybox has one, Debian's has not
			var err error
			if path, err = exec.LookPath(tool); err != nil {
				t.Fatal(err)
			}
		}
		m.must(os.Symlink(path, m.bin+"/"+tool))
	}
	m.tool("sleep", "exit 0")
	return m
}

func (m *machine) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// tool adds a command that is a few words of shell.
func (m *machine) tool(name, body string) {
	m.t.Helper()
	_ = os.Remove(m.bin + "/" + name)
	m.must(os.WriteFile(m.bin+"/"+name, []byte("#!/bin/sh\n"+body+"\n"), 0o755))
}

// fake adds commands that are played by this test binary.
func (m *machine) fake(names ...string) {
	m.t.Helper()
	self, err := os.Executable()
	m.must(err)
	for _, name := range names {
		m.must(os.Symlink(self, m.bin+"/"+name))
	}
}

func (m *machine) write(path, content string) {
	m.t.Helper()
	m.must(os.MkdirAll(filepath.Dir(m.root+path), 0o755))
	m.must(os.WriteFile(m.root+path, []byte(content), 0o644))
}

// read gives the content of a file, and "none" if there is none.
func (m *machine) read(path string) string {
	m.t.Helper()
	b, err := os.ReadFile(m.root + path)
	if errors.Is(err, fs.ErrNotExist) {
		return "none"
	}
	m.must(err)
	return string(b)
}

// calls gives the commands that were run, but for those that only look.
func (m *machine) calls() []string {
	var out []string
	for line := range strings.Lines(m.read("/calls")) {
		out = append(out, strings.TrimSpace(line))
	}
	return slices.DeleteFunc(out, func(s string) bool { return s == "none" })
}

func (m *machine) env() []string {
	// The last two are for the fakes: what a test binary does at its end takes
	// time with the race detector, and needs a place with coverage.
	return []string{"ROOT=" + m.root, "PATH=" + m.bin, "GORACE=atexit_sleep_ms=0", "GOCOVERDIR=" + filepath.Dir(m.root)}
}

// Run runs a command as an SSH server does: by the login shell.
func (m *machine) Run(ctx context.Context, cmd string, stdin io.Reader) (string, error) {
	var out, errs bytes.Buffer
	m.commands = append(m.commands, cmd)
	err := m.call(func() error {
		argv := []string{"-c", cmd}
		if filepath.Base(m.shell) == "busybox" {
			argv = []string{"sh", "-c", cmd}
		}
		c := exec.CommandContext(ctx, m.shell, argv...)
		c.Env = m.env()
		c.Stdin, c.Stdout, c.Stderr = stdin, &out, &errs
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		return c.Run()
	})
	if err != nil {
		return out.String(), fmt.Errorf("run: %w: %s", err, errs.String())
	}
	if errs.Len() > 0 {
		m.t.Errorf("a script wrote to standard error: %s", errs.String())
	}
	return out.String(), nil
}

// Put writes a file whole or not at all.
func (m *machine) Put(_ context.Context, path string, mode fs.FileMode, content []byte) error {
	m.puts++
	return m.call(func() error {
		if err := os.MkdirAll(filepath.Dir(m.root+path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(m.root+path+".tmp", content, mode); err != nil {
			return err
		}
		return os.Rename(m.root+path+".tmp", m.root+path)
	})
}

// live is what the API of the machine's engine tells.
func (m *machine) live(context.Context) (daemon.Live, error) {
	e := readEngine(m.root)
	if !e.Running {
		return daemon.Live{}, errors.New("no engine answers")
	}
	l := daemon.Live{Known: true, Labels: map[string]string{}, InsecureRegistries: append(e.Registries, "127.0.0.0/8")}
	for _, kv := range e.Labels {
		k, v, _ := strings.Cut(kv, "=")
		l.Labels[k] = v
	}
	for _, u := range e.Mirrors {
		l.RegistryMirrors = append(l.RegistryMirrors, strings.TrimSuffix(u, "/")+"/")
	}
	return l, nil
}

// install puts an engine on the machine, stopped.
func (m *machine) install(e fakeEngine) {
	m.t.Helper()
	m.must(os.MkdirAll(m.root+"/etc/docker", 0o755))
	e.install(m.root, m.bin)
}

// systemd makes the machine one that systemd runs.
func (m *machine) systemd() {
	m.t.Helper()
	m.must(os.MkdirAll(m.root+"/run/systemd/system", 0o755))
	m.fake("systemctl")
	m.tool("journalctl", `
lines=$(wc -l 2>/dev/null <"$ROOT/journal")
for arg; do
	case $arg in
	--show-cursor) echo "-- cursor: s=${lines:-0}"; exit ;;
	--after-cursor=s=*) from=${arg##*=} ;;
	esac
done
tail -n +$((${from:-0} + 1)) "$ROOT/journal" 2>/dev/null`)
}

// openrc makes the machine one that OpenRC runs.
func (m *machine) openrc() {
	m.t.Helper()
	m.must(os.MkdirAll(m.root+"/run/openrc", 0o755))
	m.fake("rc-service", "rc-update")
}
