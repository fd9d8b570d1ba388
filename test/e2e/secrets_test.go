package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// No join token is anywhere outside dockerd's own files, and no login key
// outside its 0600 file: not in outputs, argument lists, environments, logs or
// files, on neither side.
func TestSecretsAreNowhere(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: m, count: 2}]\nworkers: [{name: w}]\n")
	wait := l.start(t.Context(), "apply", "-o", "json")
	var seen bytes.Buffer // argument lists and environments of this side while it runs
	stop := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				seen.Write(processes())
			}
		}
	}()
	r := wait()
	close(stop)
	<-watched
	if r.code != 0 {
		t.Fatalf("want exit 0: %s", r)
	}
	var outputs bytes.Buffer
	outputs.WriteString(r.stdout + r.stderr)
	for _, args := range [][]string{{"plan", "-o", "json"}, {"status", "-o", "json"}, {"status"}, {"apply", "-o", "json"}} {
		r := l.must(args...)
		outputs.WriteString(r.stdout + r.stderr)
	}

	tokens := []string{l.on("m1", "docker swarm join-token -q worker"), l.on("m1", "docker swarm join-token -q manager")}
	var secrets []string
	for _, tok := range tokens {
		parts := strings.Split(tok, "-")
		secrets = append(secrets, parts[len(parts)-1]) // the part that opens the swarm
	}
	key := files(t, l.home)
	if len(key) != 1 {
		t.Fatalf("files in SWARMUP_HOME: %v, want the login key alone", key)
	}
	if info, err := os.Stat(key[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the login key has mode %v (%v), want 0600", info.Mode(), err)
	}
	pem, err := os.ReadFile(key[0])
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, strings.Split(string(pem), "\n")[2]) // a line of the private half

	for name, where := range map[string]string{
		"the outputs":                       outputs.String(),
		"an argument list or environment":   seen.String(),
		"the cluster's folder and home":     l.grepFiles(key[0]),
		"a container's labels or arguments": output(t, "docker", append([]string{"inspect"}, l.machines("")...)...),
	} {
		for _, s := range secrets {
			if strings.Contains(where, s) {
				t.Errorf("a secret stands in %s", name)
			}
		}
	}
	for _, node := range []string{"m1", "m2", "w"} {
		for _, s := range secrets {
			l.nowhereOn(node, s)
		}
	}
}

// nowhereOn looks through a machine: its files but for dockerd's own, its
// journal, and its processes' arguments and environments. The pattern comes by
// a file, or else the search would find itself.
func (l *lab) nowhereOn(node, secret string) {
	l.Helper()
	l.on(node, "mkdir -p /run/secretscan && cat > /run/secretscan/p <<'E'\n"+secret+"\nE")
	defer l.on(node, "rm -r /run/secretscan")
	scan := `cd /; {
grep -rlsF -f /run/secretscan/p --exclude-dir=secretscan /etc /root /home /tmp /run /var/log /var/tmp /usr/local /opt /srv
grep -lsF -f /run/secretscan/p /proc/[0-9]*/cmdline /proc/[0-9]*/environ
find /var/lib -path /var/lib/docker -prune -o -path /var/lib/containerd -prune -o -type f -print0 | xargs -0 grep -lsF -f /run/secretscan/p
journalctl --no-pager 2>/dev/null | grep -F -f /run/secretscan/p
} 2>/dev/null; true`
	if found := l.on(node, scan); found != "" {
		l.Errorf("a secret stands on %s in %s", node, found)
	}
}

// grepFiles gives the content of every file of this side but the login key's own.
func (l *lab) grepFiles(key string) string {
	l.Helper()
	var all strings.Builder
	for _, f := range files(l.T, l.dir) {
		if f == key {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			l.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// processes gives the argument lists and environments of all processes.
func processes() []byte {
	var out []byte
	numeric := regexp.MustCompile(`^\d+$`)
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		if !numeric.MatchString(e.Name()) {
			continue
		}
		for _, f := range []string{"cmdline", "environ"} {
			b, _ := os.ReadFile(filepath.Join("/proc", e.Name(), f))
			out = append(append(out, b...), '\n')
		}
	}
	return out
}
