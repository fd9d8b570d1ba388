package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// speaks tells the line it was given in two pieces, and ends as "exit N" says.
func speaks(c sshtest.Command) int {
	_, _ = io.WriteString(c.Stdout, "ran ")
	_, _ = io.WriteString(c.Stdout, c.Line+"\nlast")
	_, _ = io.WriteString(c.Stderr, "a warning\n")
	code := 0
	_, _ = fmt.Sscanf(c.Line, "exit %d", &code)
	return code
}

func TestExec(t *testing.T) {
	tests := []struct {
		name string
		args []string
		code int
		out  []string // sorted
		err  string
	}{
		{name: "runs on all nodes, each line behind its node", args: []string{"--", "uptime -p"},
			out: []string{"mgr1 | last", "mgr1 | ran uptime -p", "n1   | last", "n1   | ran uptime -p"}, err: "n1   | a warning\n"},
		{name: "keeps several words as they are", args: []string{"n1", "--", "echo", "a b", "it's"}, out: []string{"n1 | last", `n1 | ran 'echo' 'a b' 'it'\''s'`}},
		{name: "narrows by role", args: []string{"--filter", "role=worker", "--", "id"}, out: []string{"n1 | last", "n1 | ran id"}},
		{name: "names those that failed, and exits with 1", args: []string{"--", "exit 3"}, code: exitFailed,
			out: []string{"mgr1 | last", "mgr1 | ran exit 3", "n1   | last", "n1   | ran exit 3"}, err: "swarmup: failed on 2 of 2 nodes: mgr1 and n1\n"},
		{name: "needs a command", args: []string{"n1"}, code: exitRefused, err: "exec needs a command after --"},
		{name: "knows the nodes", args: []string{"n2", "--", "id"}, code: exitRefused, err: `no node "n2" in demo (did you mean "n1"?)`},
		{name: "needs a node", args: []string{"--filter", "name=x", "--", "id"}, code: exitRefused, err: "no node matches"},
		{name: "knows no status", args: []string{"--filter", "status=ready", "--", "id"}, code: exitRefused, err: "knows no status"},
		{name: "needs a limit", args: []string{"--parallel", "0", "--", "id"}, code: exitRefused, err: "--parallel is 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newYard(t, sshtest.Options{Exec: speaks}).run(append([]string{"exec"}, tt.args...)...)
			lines := strings.FieldsFunc(got.out, func(r rune) bool { return r == '\n' })
			slices.Sort(lines)
			if got.code != tt.code || !slices.Equal(lines, tt.out) || !strings.Contains(got.err, tt.err) {
				t.Errorf("exit %d, %q\n%s", got.code, lines, got.err)
			}
		})
	}
}

func TestExecDoesItsWorkWhereANodeIsDown(t *testing.T) {
	y := newYard(t, sshtest.Options{Exec: speaks})
	y.servers["mgr1"].Close()
	got := y.run("exec", "--", "id")
	if got.code != exitFailed || got.out != "n1   | ran id\nn1   | last\n" || !strings.Contains(got.err, "failed on 1 of 2 nodes: mgr1\n") {
		t.Errorf("exit %d, %q\n%s", got.code, got.out, got.err)
	}
}

func TestALineWithoutAnEndIsCut(t *testing.T) {
	var out strings.Builder
	l := &lines{to: &out, prefix: "> "}
	if n, err := l.Write([]byte(strings.Repeat("x", mostLine+5))); n != mostLine+5 || err != nil {
		t.Fatal(n, err)
	}
	l.end()
	l.end()
	if want := "> " + strings.Repeat("x", mostLine+5) + "\n"; out.String() != want {
		t.Errorf("%d bytes, want %d", out.Len(), len(want))
	}
}

func TestLogs(t *testing.T) {
	const journal = "exec journalctl -q --no-pager -u docker.service -n "
	tests := []struct {
		name     string
		args     []string
		exit     int
		code     int
		ran, err string
	}{
		{name: "shows the end", args: []string{"n1"}, ran: journal + "100\n"},
		{name: "follows", args: []string{"-f", "-n", "5", "n1"}, ran: journal + "5 -f\n"},
		{name: "shows all", args: []string{"n1", "-n", "all"}, ran: "exec tail -n +1 /var/log/docker.log"},
		{name: "says that there is none", args: []string{"n1"}, exit: noLog, code: exitFailed, err: "n1 keeps no log of its engine"},
		{name: "wants a number", args: []string{"n1", "-n", "5; reboot"}, code: exitRefused, err: `--lines is "5; reboot"`},
		{name: "needs a node", code: exitRefused, err: "logs needs the name of a node"},
		{name: "knows the nodes", args: []string{"n2"}, code: exitRefused, err: `did you mean "n1"?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newYard(t, sshtest.Options{Exec: func(c sshtest.Command) int {
				_, _ = io.WriteString(c.Stdout, c.Line)
				return tt.exit
			}}).run(append([]string{"logs"}, tt.args...)...)
			if got.code != tt.code || !strings.Contains(got.out, tt.ran) || !strings.Contains(got.err, tt.err) {
				t.Errorf("exit %d, %q\n%s", got.code, got.out, got.err)
			}
		})
	}
}
