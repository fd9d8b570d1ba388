package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A swarm of three managers is locked by an edit of the file; managers whose
// engines restart are unlocked by apply, and by hand; keys, tokens and the root CA
// are rotated. The key is nowhere but in its file.
func TestManagersThatRestartAreUnlocked(t *testing.T) {
	l := newLab(t)
	const nodes = "name: NAME\nprovider: docker\nmanagers: [{name: m, count: 3}]\n"
	l.write("cluster.yaml", nodes)
	l.must("apply")
	l.write("cluster.yaml", nodes+"swarm: {autolock: {key_file: ./unlock.key}}\n")
	if r := l.must("plan"); !strings.Contains(r.stdout, "autolock: false -> true") {
		t.Errorf("the plan does not show it: %s", r)
	}
	l.must("apply")
	key := l.storedKey()
	l.second()

	l.restart("m2")
	if r := l.must("status"); !strings.Contains(r.stdout, "locked") {
		t.Errorf("status does not say locked: %s", r)
	}
	if r := l.must("plan"); !strings.Contains(r.stdout, "m2  unlock manager") {
		t.Errorf("the plan does not unlock: %s", r)
	}
	l.must("apply")
	l.second()

	l.restart("m3")
	wrong := filepath.Join(l.dir, "wrong")
	if err := os.WriteFile(wrong, []byte("SWMKEY-1-"+strings.Repeat("A", 43)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l.says(l.want(1, "unlock", "--key-file", wrong), "unlock m3: the key from "+wrong+" does not unlock it")
	if r := l.must("unlock"); !strings.Contains(r.stdout, "m3  unlocked") || !strings.Contains(r.stdout, "m1  not locked") {
		t.Errorf("got %s", r)
	}

	token := l.on("m1", "docker swarm join-token -q worker")
	l.must("rotate", "tokens", "--role", "worker")
	if again := l.on("m1", "docker swarm join-token -q worker"); again == token {
		t.Error("the token is the old one")
	}
	l.must("rotate", "unlock-key")
	if again := l.storedKey(); again == key {
		t.Error("the key is the old one")
	}
	began := time.Now()
	l.must("rotate", "ca")
	t.Logf("the rotation of the root CA took %s", time.Since(began).Round(time.Millisecond))
	l.second()
	l.keyIsNowhere(key, l.storedKey())
}

// restart restarts the engine of a machine, and waits until it answers.
func (l *lab) restart(node string) {
	l.Helper()
	l.on(node, "systemctl restart docker && docker info >/dev/null 2>&1; true")
}

// storedKey gives the key that is stored, which must be the swarm's, for its owner
// alone.
func (l *lab) storedKey() string {
	l.Helper()
	path := filepath.Join(l.dir, "unlock.key")
	text, err := os.ReadFile(path)
	if err != nil {
		l.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if want := l.on("m1", "docker swarm unlock-key -q"); line != want {
		l.Errorf("another key is stored than the swarm's")
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		l.Errorf("the key's file has mode %v (%v), want 0600", info.Mode(), err)
	}
	return line
}

// keyIsNowhere looks for keys in the folders of the lab and on its machines.
func (l *lab) keyIsNowhere(keys ...string) {
	l.Helper()
	for _, f := range files(l.T, l.dir) {
		text, err := os.ReadFile(f)
		if err != nil {
			l.Fatal(err)
		}
		for _, key := range keys {
			if strings.Contains(string(text), key) && filepath.Base(f) != "unlock.key" {
				l.Errorf("the key stands in %s", f)
			}
		}
	}
	for _, node := range []string{"m1", "m2", "m3"} {
		for _, key := range keys {
			l.nowhereOn(node, key)
		}
	}
}
