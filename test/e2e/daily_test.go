package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The commands for every day on one small cluster, with the docker command line
// and the machines themselves as witnesses.
func TestCommandsForEveryDay(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: mgr1}]\nworkers: [{name: n1, labels: {zone: a}}]\n")
	l.must("apply")

	addresses := strings.Fields(l.must("ip", "mgr1", "n1").stdout)
	if got := l.on("mgr1", "hostname -i"); len(addresses) != 2 || !strings.Contains(got, addresses[0]) {
		t.Errorf("addresses %q, mgr1 says %q", addresses, got)
	}
	got := l.must("ls", "--format", `{{.Name}} {{.Role}} {{.Status}} {{.Availability}} {{.Label "zone"}}`).stdout
	if want := "mgr1 manager ready active \nn1 worker ready active a\n"; got != want {
		t.Errorf("ls says %q, want %q", got, want)
	}

	if got := l.must("ssh", "mgr1", "docker", "node", "ls", "-q").stdout; got != l.on("mgr1", "docker node ls -q")+"\n" {
		t.Errorf("ssh says %q", got)
	}
	l.want(42, "ssh", "n1", "exit", "42")
	for _, native := range []string{"", "--native "} {
		out, code := l.terminal("stty rows 33 cols 99; exec $BIN ssh -t " + native + "mgr1 'stty size; echo $TERM; exit 7'")
		if code != 7 || !strings.Contains(out, "33 99\r\nvt220\r\n") {
			t.Errorf("%sin a terminal: exit %d, %q", native, code, out)
		}
	}

	tree := filepath.Join(l.dir, "my tree")
	output(t, "sh", "-c", `mkdir -p "$1/sub dir" && cd "$1" && echo one >'a file' && chmod 640 'a file' && echo two >'sub dir/run me' && chmod 755 'sub dir/run me' && ln -s 'sub dir/run me' link`, "sh", tree)
	l.must("scp", "-r", tree, "mgr1:/root/up here")
	l.must("scp", "-r", "mgr1:/root/up here", "n1:/root/")
	l.must("scp", "-r", "n1:up here", filepath.Join(l.dir, "back"))
	const describe = `cd "$1" && find . -printf '%p %M %l\n' | sort && cat 'a file' link`
	want := output(t, "sh", "-c", describe, "sh", tree)
	if got := output(t, "sh", "-c", describe, "sh", filepath.Join(l.dir, "back")); got != want {
		t.Errorf("came back as\n%s\nwant\n%s", got, want)
	}
	if got := l.on("n1", strings.ReplaceAll(describe, "$1", "/root/up here")); got != want {
		t.Errorf("arrived as\n%s\nwant\n%s", got, want)
	}

	r := l.want(1, "exec", "--", "hostname; test $(hostname) = mgr1")
	if !strings.Contains(r.stdout, "mgr1 | mgr1\n") || !strings.Contains(r.stdout, "n1   | n1\n") {
		t.Errorf("exec: %s", r)
	}
	l.says(r, "failed on 1 of 2 nodes: n1")
	if got := l.must("logs", "n1", "-n", "5").stdout; strings.Count(got, "\n") != 5 {
		t.Errorf("logs: %q", got)
	}
}

// terminal runs a line of shell in a terminal of its own, and $BIN is swarmup.
func (l *lab) terminal(line string) (out string, code int) {
	l.Helper()
	cmd := exec.CommandContext(l.Context(), "script", "-qec", line, "/dev/null")
	cmd.Dir, cmd.Env = l.dir, append(l.env, "BIN="+os.Getenv(binary), "TERM=vt220", "SHELL=/bin/sh")
	b, _ := cmd.CombinedOutput()
	return string(b), cmd.ProcessState.ExitCode()
}
