package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// walk is a swarm of three managers and three workers that stands while one state
// after the other is made, seen and mended.
type walk struct{ *hosts }

// A state of one node at a time, in a swarm that stands.
func TestStatesOneAfterTheOther(t *testing.T) {
	if os.Getenv("SWARMUP_MATRIX") == "" {
		t.Skip("SWARMUP_MATRIX is not set; it takes some minutes")
	}
	w := walk{newHosts(t, "m1", "m2", "m3", "w1", "w2", "w3", "w4")}
	w.whole()
	w.must("apply")
	for _, state := range []struct {
		name string
		walk func(walk)
	}{
		{"not for swarms", walk.liveRestore},
		{"other swarm", walk.otherSwarm},
		{"hung", walk.hung},
		{"moved", walk.moved},
		{"moved manager", walk.movedManager},
		{"certificate expired", walk.expired},
		{"same identity", walk.twin},
		{"CA rotation", walk.rotation},
		{"removed manager", walk.deposed},
		{"locked", walk.locked},
		{"not settled", walk.unsettled},
		{"promotion pending", walk.promoting},
		{"unreachable manager", walk.unreachable},
		{"leader just changed", walk.newLeader},
		{"no quorum", walk.leaderless},
		{"joining and join failed", walk.joining},
	} {
		t.Run(state.name, func(t *testing.T) {
			l := *w.lab
			l.T = t
			h := *w.hosts
			h.lab = &l
			state.walk(walk{&h})
		})
	}
}

// The entry of a machine that the provider lists no more goes, and the node gets
// another one.
func TestAMachineThatIsGoneIsSeenAndMadeAnew(t *testing.T) {
	if os.Getenv("SWARMUP_MATRIX") == "" {
		t.Skip("SWARMUP_MATRIX is not set")
	}
	l := newLab(t)
	l.write("cluster.yaml", "name: NAME\nprovider: docker\nmanagers: [{name: m}]\nworkers: [{name: w, count: 2}]\n")
	l.must("apply")
	output(t, "docker", "rm", "-f", "-v", l.machines("w1")[0])
	l.seen(map[string]string{"m": "manager", "w1": "machine gone", "w2": "member"})
	l.planned("forget/", "create/w1", "join/w1")
	l.must("apply", "--yes")
	l.swarmIs("m", map[string]want{"m": {role: "manager"}, "w1": {role: "worker"}, "w2": {role: "worker"}})
	l.second()
	l.must("destroy", "--yes")
	l.gone()
}

// whole writes the file of all but w4.
func (w walk) whole() { w.file("m1 m2 m3", "w1 w2 w3") }

// right applies, and fails unless all is as the file says then.
func (w walk) right() {
	w.Helper()
	w.must("apply")
	w.asFile()
	w.second()
}

func (w walk) asFile() {
	w.Helper()
	w.swarmIs("m1", map[string]want{
		"m1": {role: "manager"}, "m2": {role: "manager"}, "m3": {role: "manager"},
		"w1": {role: "worker"}, "w2": {role: "worker"}, "w3": {role: "worker"},
	})
}

func (w walk) liveRestore() {
	w.on("w1", `cp /etc/docker/daemon.json /etc/docker/daemon.kept 2>/dev/null; printf '{"live-restore": true}' >/etc/docker/daemon.json && systemctl reload docker`)
	eventually(w.T, 10*time.Second, func() error {
		if out := w.on("w1", "docker info --format '{{.LiveRestoreEnabled}}'"); out != "true" {
			return fmt.Errorf("live-restore is %s", out)
		}
		return nil
	})
	w.seen(map[string]string{"w1": "not for swarms", "w2": "member"})
	w.planned("note w1 its engine has live-restore")
	w.on("w1", `printf '{"live-restore": false}' >/etc/docker/daemon.json && systemctl reload docker && sleep 1; rm -f /etc/docker/daemon.json; mv /etc/docker/daemon.kept /etc/docker/daemon.json 2>/dev/null; true`)
	w.right()
}

func (w walk) otherSwarm() {
	w.on("w2", "docker swarm leave && docker swarm init --advertise-addr eth0")
	w.seen(map[string]string{"w1": "member", "w2": "other swarm"})
	w.planned("refused w2 w2 is in another swarm")
	w.want(3, "apply")
	w.on("w2", "docker swarm leave --force")
	w.right()
}

// A hung engine is no inactive one: nothing is done about it.
func (w walk) hung() {
	w.on("w3", "kill -STOP $(pidof dockerd)")
	began := time.Now()
	w.seen(map[string]string{"m1": "manager", "w1": "member", "w3": "hung"})
	if took := time.Since(began); took > 60*time.Second {
		w.Errorf("looking took %s", took)
	}
	w.on("w3", "kill -CONT $(pidof dockerd)")
	w.right()
}

// move gives a machine another address of its network.
func (w walk) move(name string) {
	w.Helper()
	id := w.lab.machines(name)[0]
	network := output(w.T, "docker", "inspect", "-f", "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}", id)
	old := output(w.T, "docker", "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", id)
	output(w.T, "docker", "network", "disconnect", network, id)
	fresh := old[:strings.LastIndex(old, ".")] + ".2" + old[strings.LastIndex(old, ".")+1:]
	output(w.T, "docker", "network", "connect", "--ip", fresh, network, id)
	m := w.hosts.machines[name]
	m.SSH.Host, m.Address = fresh, fresh
	w.hosts.machines[name] = m
	w.whole()
	eventually(w.T, 20*time.Second, func() error {
		_, err := w.try(name, "ss -tln | grep -q :22 && docker info >/dev/null")
		return err
	})
}

func (w walk) moved() {
	before := w.entry("w1")
	w.on("m1", "docker node update --label-add theirs=1 w1")
	w.move("w1")
	w.planned("drain/w1 moved: ")
	if got := w.situations()["w1"]; !strings.Contains(got, "moved") {
		w.Errorf("status: w1 is %q", got)
	}
	w.must("apply", "--yes")
	if w.entry("w1") == before {
		w.Error("w1 did not join again")
	}
	if got, want := w.on("w1", "docker info --format '{{.Swarm.NodeAddr}}'"), w.hosts.machines["w1"].SSH.Host; got != want {
		w.Errorf("w1 is known by %s, want %s", got, want)
	}
	w.on("m1", "docker node update --label-rm theirs w1") // it is still there
	w.right()
}

func (w walk) movedManager() {
	w.move("m3")
	if got := w.situations()["m3"]; !strings.Contains(got, "moved") {
		w.Errorf("status: m3 is %q", got)
	}
	w.must("apply", "--yes")
	if got, want := w.on("m1", "docker node inspect m3 --format '{{.ManagerStatus.Addr}}'"), w.hosts.machines["m3"].SSH.Host+":2377"; got != want {
		w.Errorf("m3 is known by %s, want %s", got, want)
	}
	w.right()
}

func (w walk) twin() {
	id := w.entry("w2")
	w.on("w3", "systemctl stop docker.socket docker; rm -rf /var/lib/docker/swarm")
	state := output(w.T, "sh", "-c", "docker exec "+w.lab.machines("w2")[0]+" tar -C /var/lib/docker -c swarm | docker exec -i "+w.lab.machines("w3")[0]+" tar -C /var/lib/docker -x")
	w.Log(state)
	w.on("w3", "systemctl start docker")
	eventually(w.T, 30*time.Second, func() error {
		if got := w.entry("w3"); got != id {
			return fmt.Errorf("w3 is %q, not %q", got, id)
		}
		return nil
	})
	got := w.situations()
	if !strings.HasPrefix(got["w3"], "same identity") && !strings.HasPrefix(got["w2"], "same identity") {
		w.Errorf("status: w2 is %q and w3 is %q", got["w2"], got["w3"])
	}
	w.planned("refused ")
	w.on("w3", "docker swarm leave --force; systemctl stop docker.socket docker; rm -f /var/lib/docker/engine-id /etc/docker/key.json; systemctl start docker")
	w.right()
}

// A rotation of the root CA waits for every member that is listed.
func (w walk) rotation() {
	w.on("w1", "systemctl stop docker.socket docker")
	w.on("m1", "docker swarm ca --rotate --detach")
	r := w.swarmup("status")
	if !strings.Contains(r.stdout, "CA rotation: the swarm's root CA is being rotated") {
		w.Errorf("status does not say so: %s", r)
	}
	w.on("w1", "systemctl start docker")
	eventually(w.T, time.Minute, func() error {
		if strings.Contains(w.swarmup("status").stdout, "CA rotation") {
			return fmt.Errorf("it goes on")
		}
		return nil
	})
	w.right()
}

func (w walk) deposed() {
	w.on("m3", "systemctl stop docker.socket docker")
	w.on("m1", "docker node demote m3 && docker node rm --force m3")
	w.on("m3", "systemctl start docker")
	w.seen(map[string]string{"m1": "manager", "m3": "removed manager"})
	if r := w.swarmup("apply", "--yes"); r.code != 0 {
		w.on("m3", "docker swarm leave --force")
	}
	w.right()
}

func (w walk) locked() {
	w.on("m1", "docker swarm update --autolock=true")
	key := w.on("m1", "docker swarm unlock-key -q")
	w.on("m3", "systemctl restart docker")
	w.seen(map[string]string{"m1": "manager", "m3": "locked"})
	w.planned("blocked m3 m3 is a manager and locked")
	w.on("m3", "printf '%s\\n' '"+key+"' | docker swarm unlock")
	w.on("m1", "docker swarm update --autolock=false")
	w.right()
}

// A manager that is demoted while nobody reaches it keeps its certificate.
func (w walk) unsettled() {
	w.cut("m3")
	w.on("m1", "docker node demote m3")
	if got := w.situations()["m3"]; !strings.Contains(got, "not settled") {
		w.Errorf("status: m3 is %q", got)
	}
	w.heal("m3")
	w.right()
}

func (w walk) promoting() {
	w.cut("w1")
	w.on("m1", "docker node promote w1")
	if got := w.situations()["w1"]; !strings.Contains(got, "promotion pending") {
		w.Errorf("status: w1 is %q", got)
	}
	w.planned("settle/w1 ", "demote/w1 promotion pending")
	w.heal("w1")
	w.right()
}

func (w walk) unreachable() {
	w.cut("m3")
	w.down("m1", "m3")
	if got := w.situations()["m3"]; !strings.Contains(got, "unreachable manager") {
		w.Errorf("status: m3 is %q", got)
	}
	w.planned("settle/m3 partitioned: ")
	w.heal("m3")
	w.right()
}

func (w walk) newLeader() {
	leader := w.on("m1", "docker node ls --filter role=manager --format '{{if eq .ManagerStatus \"Leader\"}}{{.Hostname}}{{end}}' | grep .")
	w.on(leader, "systemctl stop docker.socket docker")
	var all []string
	for range 20 {
		got := w.situations()
		all = append(all, got["w1"])
		if strings.Contains(got["w1"], "leader just changed") {
			break
		}
	}
	if !strings.Contains(strings.Join(all, " "), "leader just changed") {
		w.Errorf("never seen: %q", all)
	}
	w.right()
}

func (w walk) leaderless() {
	w.on("m2", "systemctl stop docker.socket docker")
	w.on("m3", "systemctl stop docker.socket docker")
	w.seen(map[string]string{"m1": "no quorum", "m2": "no engine", "w1": "member"})
	w.planned("configure/m2 its engine is stopped", "configure/m3 its engine is stopped")
	w.right()
}

// A join that nobody answers goes on in the background, and then fails for good.
func (w walk) joining() {
	token := w.on("m1", "docker swarm join-token -q worker")
	at := w.on("m1", "docker info --format '{{.Swarm.NodeAddr}}'")
	w.file("m1 m2 m3", "w1 w2 w3 w4")
	w.cut("w4")
	w.on("w4", "(docker swarm join --token "+token+" "+at+":2377 >/dev/null 2>&1 &)")
	w.seen(map[string]string{"w4": "joining"})
	eventually(w.T, time.Minute, func() error {
		if got := w.on("w4", "docker info --format '{{.Swarm.LocalNodeState}}'"); got != "error" {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	w.seen(map[string]string{"w4": "join failed"})
	w.heal("w4")
	w.planned("join/w4 join failed: ")
	w.must("apply")
	w.whole()
	w.must("apply", "--yes")
	w.asFile()
}
