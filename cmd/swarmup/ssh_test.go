package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// yard is a cluster of two machines that exist, each with a real sshd of the test.
type yard struct {
	*testing.T
	servers map[string]*sshtest.Server
	env     map[string]string
	in      io.Reader
	screen  *fakeScreen
	became  []string
}

func newYard(t *testing.T, o sshtest.Options) *yard {
	t.Helper()
	key := sshtest.NewKey(t, "ed25519", "me")
	o.Authorized = []string{key.Authorized}
	y := &yard{T: t, servers: map[string]*sshtest.Server{}, in: strings.NewReader("")}
	line := func(n, address string) string {
		s := sshtest.Start(t, o)
		y.servers[n] = s
		return fmt.Sprintf("[{name: %s, address: %s, ssh: {port: %d, host_key: %q, identity_file: %q}}]", n, address, s.Port(), s.Fingerprint(), key.File(t))
	}
	text := "name: demo\nprovider: ssh\nmanagers: " + line("mgr1", "127.0.0.1") + "\nworkers: " + line("n1", "localhost") + "\n"
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	y.env = map[string]string{"SWARMUP_FILE": path, "SWARMUP_HOME": t.TempDir(), "TERM": "vt220"}
	return y
}

func (y *yard) run(args ...string) result {
	y.Helper()
	var out, stderr bytes.Buffer
	e := env{
		in: y.in, out: &out, err: &stderr, terminal: y.screen != nil, now: time.Now, connect: connect, who: whoami,
		lookup:  func(name string) (string, bool) { v, ok := y.env[name]; return v, ok },
		replace: func(_ string, args, _ []string) error { y.became = args; return errors.New("not in a test") },
	}
	if y.screen != nil {
		e.screen = y.screen
	}
	code := run(y.Context(), args, e)
	return result{code: code, out: out.String(), err: stderr.String()}
}

// fakeScreen is a terminal of 80x25 that grows once.
type fakeScreen struct{ raw, restored int }

func (f *fakeScreen) Size() (ssh.Size, error) { return ssh.Size{Width: 80, Height: 25}, nil }

func (f *fakeScreen) Raw() (func(), error) {
	f.raw++
	return func() { f.restored++ }, nil
}

func (f *fakeScreen) Resizes(context.Context) <-chan ssh.Size {
	sizes := make(chan ssh.Size, 1)
	sizes <- ssh.Size{Width: 132, Height: 43}
	return sizes
}

// answers is a machine that tells what it was asked, and ends as the line says: "exit N".
func answers(c sshtest.Command) int {
	in, _ := io.ReadAll(c.Stdin)
	_, _ = fmt.Fprintf(c.Stdout, "%s: %q < %q\n", c.User, c.Line, in)
	_, _ = io.WriteString(c.Stderr, "a warning\n")
	code := 0
	_, _ = fmt.Sscanf(c.Line, "exit %d", &code)
	return code
}

func TestSSH(t *testing.T) {
	tests := []struct {
		name     string
		args     []string
		in       string
		code     int
		out, err string
	}{
		{name: "passes words, input and both outputs on", args: []string{"mgr1", "--", "sort", "-r"}, in: "a b", out: "root: \"sort -r\" < \"a b\"\n", err: "a warning\n"},
		{name: "takes the command after the node, flags of its own included", args: []string{"mgr1", "ls", "-la", "--", "x"}, out: "root: \"ls -la -- x\" < \"\"\n", err: "a warning\n"},
		{name: "passes the exit code on, and says nothing of it", args: []string{"n1", "exit", "42"}, code: 42, out: "root: \"exit 42\" < \"\"\n", err: "a warning\n"},
		{name: "knows the nodes", args: []string{"mgr"}, code: exitRefused, err: "swarmup: no node \"mgr\" in demo (did you mean \"mgr1\"?)\n"},
		{name: "needs a node", code: exitRefused, err: "ssh needs the name of one node"},
		{name: "needs a terminal for one", args: []string{"-t", "mgr1", "top"}, code: exitRefused, err: "--tty needs a terminal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			y := newYard(t, sshtest.Options{Exec: answers})
			y.in = strings.NewReader(tt.in)
			got := y.run(append([]string{"ssh"}, tt.args...)...)
			if got.code != tt.code || got.out != tt.out || !strings.Contains(got.err, tt.err) || tt.err == "a warning\n" && got.err != tt.err {
				t.Errorf("exit %d\n%s%s", got.code, got.out, got.err)
			}
		})
	}
}

func TestSSHExitsWith255WhereTheConnectionFails(t *testing.T) {
	y := newYard(t, sshtest.Options{Exec: func(sshtest.Command) int { return sshtest.NoStatus }})
	if got := y.run("ssh", "mgr1", "reboot"); got.code != exitConnection || !strings.Contains(got.err, "mgr1") {
		t.Errorf("lost: exit %d, %s", got.code, got.err)
	}
	y.servers["mgr1"].Close()
	if got := y.run("ssh", "mgr1", "true"); got.code != exitConnection || !strings.Contains(got.err, "hint: is the machine on") {
		t.Errorf("down: exit %d, %s", got.code, got.err)
	}
}

func TestSSHIsAShellInATerminalThatIsRestored(t *testing.T) {
	for code := range 2 {
		y := newYard(t, sshtest.Options{Exec: func(c sshtest.Command) int {
			grown := <-c.Terminal.Resized
			_, _ = fmt.Fprintf(c.Stdout, "%q %s %dx%d, then %dx%d", c.Line, c.Terminal.Type, c.Terminal.Width, c.Terminal.Height, grown[0], grown[1])
			return code
		}})
		y.screen = &fakeScreen{}
		got := y.run("ssh", "mgr1")
		if want := `"" vt220 80x25, then 132x43`; got.code != code || got.out != want {
			t.Errorf("exit %d, %q, want %q\n%s", got.code, got.out, want, got.err)
		}
		if y.screen.raw != 1 || y.screen.restored != 1 {
			t.Errorf("raw %d times, restored %d times", y.screen.raw, y.screen.restored)
		}
	}
}

func TestSSHNativeBecomesTheSystemsOwn(t *testing.T) {
	y := newYard(t, sshtest.Options{Exec: answers})
	t.Setenv("PATH", fakeProgram(t, "ssh"))
	got := y.run("ssh", "--native", "n1", "--", "id", "-u")
	if got.code != exitConnection || !strings.Contains(got.err, "not in a test") {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
	pinned := filepath.Join(y.env["SWARMUP_HOME"], "demo", "known_hosts.n1")
	line, err := os.ReadFile(pinned)
	if err != nil || !strings.HasPrefix(string(line), "n1 ssh-ed25519 ") {
		t.Errorf("pinned %q, %v", line, err)
	}
	for _, want := range []string{fmt.Sprint(y.servers["n1"].Port()), `UserKnownHostsFile="` + pinned + `"`, "HostKeyAlias=n1"} {
		if !slices.Contains(y.became, want) {
			t.Errorf("%q lacks %q", y.became, want)
		}
	}
	if tail := y.became[len(y.became)-3:]; !slices.Equal(tail, []string{"localhost", "id", "-u"}) {
		t.Errorf("ends with %q", tail)
	}
	y.env[keyVar] = "a key"
	if got := y.run("ssh", "--native", "n1"); got.code != exitRefused || cmp.Or(got.err, "-") == "-" {
		t.Errorf("with a key that is in no file: exit %d: %s", got.code, got.err)
	}
}

// fakeProgram makes a folder with a program in it.
func fakeProgram(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
