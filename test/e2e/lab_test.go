package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// binary is the command under test, built once; TestMain sets its folder.
const binary = "SWARMUP_E2E_BINARY"

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv("SWARMUP_LAB") == "" {
		fmt.Fprintln(os.Stderr, "e2e: SWARMUP_LAB is not set; these tests need a Docker Engine and root")
		return 0
	}
	if err := removeLeftovers(); err != nil {
		fmt.Fprintln(os.Stderr, "remove what an earlier run left:", err)
		return 1
	}
	dir, err := os.MkdirTemp("", "swarmup-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	bin := filepath.Join(dir, "swarmup")
	build := exec.Command("go", "build", "-o", bin, "github.com/swarmup/swarmup/cmd/swarmup")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(binary, bin); err != nil {
		return 1
	}
	return m.Run()
}

// removeLeftovers takes away the labs of runs that were killed: a test that
// crashes does not clean up.
func removeLeftovers() error {
	for _, kind := range kinds() {
		id := "{{.ID}}"
		if kind.list[0] == "volume" {
			id = "{{.Name}}"
		}
		list := append(kind.list, "--filter", "label=swarmup.cluster", "--format", id+` {{.Label "swarmup.cluster"}}`)
		out, err := exec.Command("docker", list...).Output()
		if err != nil {
			return fmt.Errorf("docker %s: %w", strings.Join(list, " "), err)
		}
		for line := range strings.Lines(string(out)) {
			id, cluster, _ := strings.Cut(strings.TrimSpace(line), " ")
			if !regexp.MustCompile(`^e2e-[a-z0-9]{4}$`).MatchString(cluster) {
				continue
			}
			if out, err := exec.Command("docker", append(kind.rm, id)...).CombinedOutput(); err != nil {
				return fmt.Errorf("remove %s: %w: %s", id, err, out)
			}
		}
	}
	return nil
}

// kind is one kind of thing in an engine.
type kind struct{ list, rm []string }

// kinds are those that a cluster leaves, in the order in which they can go.
func kinds() []kind {
	return []kind{
		{[]string{"ps", "-a"}, []string{"rm", "-f", "-v"}},
		{[]string{"volume", "ls"}, []string{"volume", "rm", "-f"}},
		{[]string{"network", "ls"}, []string{"network", "rm"}},
	}
}

// lab is one cluster of one test, with a folder and a home of its own.
type lab struct {
	*testing.T
	name string // the cluster's: e2e- and four random letters
	dir  string
	home string // SWARMUP_HOME
	env  []string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{T: t, name: "e2e-" + strings.ToLower(rand.Text()[:4]), dir: t.TempDir()}
	l.home = filepath.Join(l.dir, "home")
	l.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(l.dir, "user"), "SWARMUP_HOME=" + l.home,
		"DOCKER_HOST=" + os.Getenv("DOCKER_HOST"), "TMPDIR=" + os.TempDir(),
	}
	t.Cleanup(l.remove)
	return l
}

// remove takes away whatever carries the lab's name, whether or not destroy works.
func (l *lab) remove() {
	for _, kind := range kinds() {
		ids := strings.Fields(output(l.T, "docker", append(kind.list, "-q", "--filter", "label=swarmup.cluster="+l.name)...))
		if len(ids) > 0 {
			output(l.T, "docker", append(kind.rm, ids...)...)
		}
	}
}

// write puts a file into the lab's folder, with NAME replaced by the cluster's,
// and machines of the engine that was asked for.
func (l *lab) write(file, content string) string {
	l.Helper()
	content, err := equip(content, chosen(l.T))
	if err != nil {
		l.Fatal(err)
	}
	path := filepath.Join(l.dir, file)
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, "NAME", l.name)), 0o600); err != nil {
		l.Fatal(err)
	}
	return path
}

// result is one run of the command.
type result struct {
	args           []string
	stdout, stderr string
	code           int
	took           time.Duration
}

func (r result) String() string {
	return fmt.Sprintf("swarmup %s: exit %d after %s\n--- stdout\n%s--- stderr\n%s", strings.Join(r.args, " "), r.code, r.took.Round(time.Millisecond), r.stdout, r.stderr)
}

// swarmup runs the command to its end.
func (l *lab) swarmup(args ...string) result {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 8*time.Minute)
	defer cancel()
	return l.start(ctx, args...)()
}

// interrupt starts the command and sends it a Ctrl-C after a while.
func (l *lab) interrupt(after time.Duration, args ...string) func() result {
	l.Helper()
	cmd := exec.CommandContext(l.Context(), os.Getenv(binary), args...)
	wait := l.begin(cmd, args)
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(os.Interrupt) })
	return func() result {
		defer timer.Stop()
		return wait()
	}
}

// start starts the command and returns what waits for its end. The end of ctx
// kills it.
func (l *lab) start(ctx context.Context, args ...string) (wait func() result) {
	l.Helper()
	return l.begin(exec.CommandContext(ctx, os.Getenv(binary), args...), args)
}

func (l *lab) begin(cmd *exec.Cmd, args []string) (wait func() result) {
	l.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = l.dir, l.env, &stdout, &stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		if cmd.ProcessState == nil { // the test ended before it
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			l.Logf("cut off: swarmup %s\n%s%s", strings.Join(args, " "), stdout.String(), stderr.String())
		}
	})
	return func() result {
		err := cmd.Wait()
		if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
			l.Fatal(err)
		}
		r := result{args, stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), time.Since(began)}
		l.Logf("%s", r)
		return r
	}
}

// must runs the command and wants it to succeed.
func (l *lab) must(args ...string) result {
	l.Helper()
	return l.want(0, args...)
}

// want runs the command and wants it to end with that exit code.
func (l *lab) want(code int, args ...string) result {
	l.Helper()
	r := l.swarmup(args...)
	if r.code != code {
		l.Fatalf("want exit %d: %s", code, r)
	}
	return r
}

// says fails unless the run printed each of these to stderr.
func (l *lab) says(r result, texts ...string) {
	l.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stderr, strings.ReplaceAll(text, "NAME", l.name)) {
			l.Errorf("stderr does not say %q: %s", text, r)
		}
	}
}

// machines are the containers of the cluster, or of one of its nodes.
func (l *lab) machines(node string) []string {
	l.Helper()
	args := []string{"ps", "-aq", "--filter", "label=swarmup.cluster=" + l.name}
	if node != "" {
		args = append(args, "--filter", "label=swarmup.node="+node)
	}
	return strings.Fields(output(l.T, "docker", args...))
}

// on runs a shell command in the one machine of a node.
func (l *lab) on(node, command string) string {
	l.Helper()
	m := l.machines(node)
	if len(m) != 1 {
		l.Fatalf("%s has %d machines", node, len(m))
	}
	return output(l.T, "docker", "exec", m[0], "sh", "-c", command)
}

// try is on for a command that may fail.
func (l *lab) try(node, command string) (string, error) {
	l.Helper()
	m := l.machines(node)
	if len(m) != 1 {
		return "", fmt.Errorf("%s has %d machines", node, len(m))
	}
	out, err := exec.CommandContext(l.Context(), "docker", "exec", m[0], "sh", "-c", command).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// output runs a program and wants it to succeed. It outlives the test's
// context, since clean-up needs it.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s %s: %v: %s%s", name, strings.Join(args, " "), err, stderr.String(), out)
	}
	return strings.TrimSpace(string(out))
}

// eventually asks again until there is no error any more.
func eventually(t *testing.T, limit time.Duration, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %v", limit, err)
		}
		time.Sleep(300 * time.Millisecond)
	}
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}
