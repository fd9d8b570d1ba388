package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// standing is what "status -o json" says of a node.
type standing struct {
	Node, Situation string
	Found           []struct{ Situation, Text string }
}

// situations asks for the status and gives by node what was found, such as
// "partitioned+moved". Entries of no host go by their name or their ID.
func (l *lab) situations() map[string]string {
	l.Helper()
	r := l.swarmup("status", "-o", "json")
	got := map[string]string{}
	for _, n := range decode[struct{ Nodes []standing }](l.T, r.stdout).Nodes {
		var all []string
		for _, f := range n.Found {
			all = append(all, f.Situation)
		}
		name := n.Node
		if name == "" {
			name = "no name"
		}
		if got[name] != "" {
			got[name] += ", " // two lives of one node
		}
		got[name] += strings.Join(all, "+")
	}
	return got
}

// seen fails unless each node is in that state, by the status.
func (l *lab) seen(want map[string]string) {
	l.Helper()
	got := l.situations()
	for _, n := range slices.Sorted(maps.Keys(want)) {
		if got[n] != want[n] {
			l.Errorf("status: %s is %q, want %q", n, got[n], want[n])
		}
	}
}

// planned fails unless the plan has each of these lines, as "STEP/NODE WHY" where
// WHY is only the beginning of the reason; "blocked NODE TEXT" and so on likewise.
func (l *lab) planned(want ...string) {
	l.Helper()
	r := l.swarmup("plan", "-o", "json")
	p := decode[struct {
		Steps                   []struct{ ID, Why, Node string }
		Refused, Blocked, Notes []struct{ Node, Text string }
	}](l.T, r.stdout)
	var got []string
	for _, s := range p.Steps {
		got = append(got, s.ID+" "+s.Why)
	}
	for _, f := range p.Refused {
		got = append(got, "refused "+f.Node+" "+f.Text)
	}
	for _, f := range p.Blocked {
		got = append(got, "blocked "+f.Node+" "+f.Text)
	}
	for _, f := range p.Notes {
		got = append(got, "note "+f.Node+" "+f.Text)
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(line string) bool { return strings.HasPrefix(line, w) }) {
			l.Errorf("the plan lacks %q, it has\n%s", w, strings.Join(got, "\n"))
		}
	}
}

// atOnce does several things at the same time.
func atOnce(do ...func()) {
	var wg sync.WaitGroup
	for _, f := range do {
		wg.Go(f)
	}
	wg.Wait()
}

// down waits until a manager calls these nodes down.
func (l *lab) down(manager string, names ...string) {
	l.Helper()
	eventually(l.T, time.Minute, func() error {
		out, err := l.try(manager, "docker node ls --format '{{.Hostname}}={{.Status}}'")
		for _, n := range names {
			if err == nil && !slices.Contains(strings.Fields(out), n+"=Down") {
				err = fmt.Errorf("%s is not down: %s", n, out)
			}
		}
		return err
	})
}

// entry gives the NodeID that a host says it has.
func (l *lab) entry(name string) string {
	l.Helper()
	return l.on(name, "docker info --format '{{.Swarm.NodeID}}'")
}

// cut drops what passes between a host and the swarm's ports of others.
func (l *lab) cut(name string) {
	l.Helper()
	for _, chain := range []string{"INPUT", "OUTPUT"} {
		for _, rule := range []string{"-p tcp --dport 2377", "-p tcp --sport 2377", "-p tcp --dport 7946", "-p udp --dport 7946"} {
			l.on(name, "iptables -I "+chain+" "+rule+" -j DROP")
		}
	}
}

// heal lets it all pass again.
func (l *lab) heal(names ...string) {
	l.Helper()
	for _, n := range names {
		l.on(n, "iptables -F INPUT; iptables -F OUTPUT")
	}
}

// orphan lets a join of a host die between its certificate and its registration,
// and takes the certificate away, so that the swarm keeps an entry without a name.
func (l *lab) orphan(manager, name string) {
	l.Helper()
	token := l.on(manager, "docker swarm join-token -q worker")
	at := l.on(manager, "docker info --format '{{.Swarm.NodeAddr}}'")
	for range 10 {
		l.on(name, "pid=$(pidof dockerd); (docker swarm join --token "+token+" "+at+":2377 >/dev/null 2>&1 &); "+
			"i=0; while [ ! -e /var/lib/docker/swarm/certificates/swarm-node.crt ] && [ $i -lt 200000 ]; do i=$((i+1)); done; kill -STOP $pid; "+
			"systemctl kill -s KILL docker; systemctl stop docker.socket docker; rm -rf /var/lib/docker/swarm; systemctl reset-failed docker; systemctl start docker")
		if strings.Contains(l.on(manager, "docker node ls --format '[{{.Hostname}}]'"), "[]") {
			return
		}
		l.on(manager, "docker node ls --format '{{.Hostname}} {{.ID}}' | sed -n 's/^"+name+" //p' | xargs -r docker node rm --force")
	}
	l.Fatal("no join has left an entry without a name")
}

// Ten states at once: each is seen as itself, planned for by its name, and mended
// in one go.
func TestStatesAtOnceAreSeenAndMended(t *testing.T) {
	h := newHosts(t, "m", "w1", "w2", "w3", "w4", "w5", "w6", "w7", "x")
	h.file("m", "w1 w2 w3 w4 w5 w6")
	h.must("apply")
	w3 := h.entry("w3")
	token := h.on("m", "docker swarm join-token -q worker")
	at := h.on("m", "docker info --format '{{.Swarm.NodeAddr}}'")
	h.on("m", "docker node update --availability drain w5 && docker node update --label-add zone=b w4")
	atOnce(
		func() { h.on("w1", "docker swarm leave") },
		func() { h.on("m", "docker node rm --force w2") },
		func() {
			h.on("w3", "systemctl stop docker.socket docker")
			h.on("m", "docker node rm --force "+w3)
			h.on("w3", "systemctl start docker") // 20 s, which it looks for its managers
		},
		func() { h.cut("w4") },
		func() { h.on("w6", "systemctl stop docker.socket docker") },
		func() { h.on("x", "docker swarm join --token "+token+" "+at+":2377") },
		func() { h.orphan("m", "w7") },
		func() { h.down("m", "w1", "w4", "w6") },
	)
	h.file("m", "w1 w2 w3 w4 w5 w6 w7")
	h.change("w5", "{", "{availability: active, ")
	h.seen(map[string]string{
		"m": "manager", "w1": "ghost, ghost", "w2": "forgotten while running", "w3": "removed while away", "w4": "partitioned",
		"w5": "availability differs", "w6": "no engine", "w7": "inactive", "no name": "orphan join", "x": "stranger",
	})
	h.planned(
		"forget/", "join/w1", "join/w2 forgotten while running: ", "join/w3 removed while away: ", "settle/w4 partitioned: ",
		"label/w5", "configure/w6 its engine is stopped", "join/w7", "sweep 1 entries", "note x x (",
	)
	h.heal("w4")
	h.must("apply")
	members := map[string]want{"m": {role: "manager"}, "x": {role: "worker"}}
	for _, n := range []string{"w1", "w2", "w3", "w5", "w6", "w7"} {
		members[n] = want{role: "worker"}
	}
	members["w4"] = want{role: "worker", labels: map[string]string{"zone": "b"}}
	h.swarmIs("m", members)
	h.second()
}

// change replaces a part of a node's line of the file.
func (h *hosts) change(node, old, text string) {
	h.Helper()
	file, line := read(h.T, h.dir+"/cluster.yaml"), h.line(node)
	h.write("cluster.yaml", strings.Replace(file, line, strings.Replace(line, old, text, 1), 1))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
