package docker

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/provider/providertest"
	"github.com/swarmup/swarmup/pkg/ssh"
)

func TestRealMachinesKeepTheContract(t *testing.T) {
	for _, reach := range []Reach{ReachDirect, ReachPublished} {
		t.Run(string(reach), func(t *testing.T) {
			inLab(t)
			s := Settings{Reach: reach}
			p := newProvider(t, s)
			providertest.Run(t, subject(p, newProvider(t, s), labCluster()))
		})
	}
}

// subject declares what this provider is able to do.
func subject(p, peer *Provider, cluster string) providertest.Subject {
	return providertest.Subject{
		Provider: p, Peer: peer, Cluster: cluster,
		Stop: p.Stop, Cleans: true, Prepares: true, Authorizes: true, Describes: true,
		CutShort: func(ctx context.Context, req provider.Request) error {
			image, err := p.ensureImage(ctx, p.imageOf(req), nil)
			if err != nil {
				return err
			}
			_, err = p.reserve(ctx, req, image, "SHA256:lost", 0)
			return err
		},
	}
}

func TestAMachineIsAHostWithAnEngine(t *testing.T) {
	l := newLab(t, Settings{})
	m := l.create(t, l.request("n1"))
	h := l.login(t, m, l.key)
	if got := run(t, h, "hostname"); got != "n1" {
		t.Errorf("hostname: got %q, want n1", got)
	}
	got := run(t, h, `timeout 20 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.1; done'
		docker info --format '{{.Driver}} {{.Swarm.LocalNodeState}} {{.Name}} {{.Containers}}'`)
	if got != "overlay2 inactive n1 0" {
		t.Errorf("engine: got %q, want overlay2 inactive n1 0", got)
	}
	if got := run(t, h, "systemctl --failed --no-legend --plain"); got != "" {
		t.Errorf("failed units:\n%s", got)
	}
}

func TestTwoMachinesDifferInAllThatIdentifiesThem(t *testing.T) {
	l := newLab(t, Settings{})
	a, b := l.create(t, l.request("a")), l.create(t, l.request("b"))
	if a.HostKey == b.HostKey || a.Address == b.Address {
		t.Errorf("%+v\n%+v", a, b)
	}
	const identity = "cat /etc/machine-id /var/lib/docker/engine-id"
	const booted = "timeout 20 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.1; done'"
	ha, hb := l.login(t, a, l.key), l.login(t, b, l.key)
	run(t, ha, booted)
	run(t, hb, booted)
	ida, idb := strings.Fields(run(t, ha, identity)), strings.Fields(run(t, hb, identity))
	if len(ida) != 2 || len(idb) != 2 || ida[0] == idb[0] || ida[1] == idb[1] {
		t.Errorf("machine and engine: %v and %v", ida, idb)
	}
}

func TestMachinesFormASwarmAndRunItsServices(t *testing.T) {
	l := newLab(t, Settings{})
	a, b := l.create(t, l.request("a")), l.create(t, l.request("b"))
	ha, hb := l.login(t, a, l.key), l.login(t, b, l.key)
	const booted = "timeout 20 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.1; done'; "
	// An image out of the machine's own files: no registry is needed.
	const image = `d=$(mktemp -d); cp -L --parents /usr/bin/sleep $(ldd /usr/bin/sleep | grep -o '/lib[^ ]*') $d
		tar -c -C $d . | docker import - tiny:1`
	run(t, ha, booted+"docker swarm init >/dev/null; "+image)
	run(t, hb, booted+image)
	token := run(t, ha, "docker swarm join-token -q worker")
	run(t, hb, fmt.Sprintf("docker swarm join --token %s %s:2377", token, a.Address))
	run(t, ha, `docker network create -d overlay --attachable net >/dev/null
		docker service create -d -q --name s --mode global --network net tiny:1 sleep 1000`)
	got := run(t, ha, `timeout 60 sh -c 'until [ $(docker service ps s --format "{{.CurrentState}}" | grep -c ^Running) = 2 ]; do sleep 0.2; done' || true
		docker service ps s --format '{{.Node}} {{.DesiredState}} {{.Error}}' | sort`)
	if diff := cmp.Diff("a Running \nb Running", got); diff != "" {
		t.Errorf("tasks (-want +got)\n%s", diff)
	}
}

func TestCPUsAndMemoryAreLimits(t *testing.T) {
	l := newLab(t, Settings{})
	req := l.request("n1")
	req.CPUs, req.Memory = 0.5, 512<<20
	h := l.login(t, l.create(t, req), l.key)
	memory := run(t, h, "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes")
	if want := fmt.Sprint(512 << 20); memory != want {
		t.Errorf("memory: got %s, want %s", memory, want)
	}
	cpu := run(t, h, "cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us | tr '\\n' ' '")
	if cpu != "50000 100000" {
		t.Errorf("quota and period: got %q, want 50000 100000", cpu)
	}
}

func TestAnotherKeyIsLetInBesidesTheFirst(t *testing.T) {
	l := newLab(t, Settings{})
	m := l.create(t, l.request("n1"))
	another, public, _, err := ssh.GenerateHostKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Authorize(t.Context(), m, []string{public}); err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]ssh.PrivateKey{"the first": l.key, "the other": another} {
		if got := run(t, l.login(t, m, key), "id -un"); got != "root" {
			t.Errorf("%s key: logged in as %q", name, got)
		}
	}
	if got := run(t, l.login(t, m, l.key), "stat -c '%a %u' /root/.ssh/authorized_keys"); got != "600 0" {
		t.Errorf("mode and owner: got %q", got)
	}
}

// The engine of each image. SWARMUP_LAB=all tries them all; each is made on first
// use, which takes a minute.
func TestEveryImageBootsWithTheEngineItIsNamedFor(t *testing.T) {
	inLab(t)
	images := []string{DefaultImage}
	if os.Getenv("SWARMUP_LAB") == "all" {
		images = Images()
	}
	engines := map[string]string{
		"swarmup-node:trixie": "26.1.", "swarmup-node:bookworm": "20.10.", "swarmup-node:sid": "28.",
		"swarmup-node-bare:trixie": "none", "swarmup-node-bare:bookworm": "none",
	}
	for _, image := range images {
		t.Run(image, func(t *testing.T) {
			l := newLab(t, Settings{Image: image})
			h := l.login(t, l.create(t, l.request("n1")), l.key)
			got := run(t, h, `command -v dockerd >/dev/null || { echo none; exit; }
				timeout 20 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.1; done'; docker version --format '{{.Server.Version}}'`)
			if !strings.HasPrefix(got, engines[image]) {
				t.Errorf("engine %q, want %s", got, engines[image])
			}
			if got := run(t, h, "systemctl --failed --no-legend --plain"); got != "" {
				t.Errorf("failed units:\n%s", got)
			}
		})
	}
}

func TestABareMachineHasNoEngineAndCanInstallOne(t *testing.T) {
	l := newLab(t, Settings{Image: "swarmup-node-bare:trixie"})
	h := l.login(t, l.create(t, l.request("n1")), l.key)
	if got := run(t, h, "command -v docker dockerd || echo none"); got != "none" {
		t.Errorf("there is %s", got)
	}
	got := run(t, h, "apt-get -qq update && apt-cache policy docker.io | grep -c 'Candidate: [0-9]'")
	if got != "1" {
		t.Errorf("apt offers no docker.io: %q", got)
	}
}

func TestAMachineStopsAndStartsQuickly(t *testing.T) {
	l := newLab(t, Settings{})
	m := l.create(t, l.request("n1"))
	run(t, l.login(t, m, l.key), "touch /root/kept; timeout 20 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.1; done'")
	start := time.Now()
	if err := l.Stop(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	stopped := time.Since(start)
	on, err := l.Start(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	run(t, l.login(t, on, l.key), "ls /root/kept; timeout 20 sh -c 'until docker info >/dev/null 2>&1; do sleep 0.1; done'")
	t.Logf("stop %s, start to engine %s", stopped.Round(time.Millisecond), (time.Since(start) - stopped).Round(time.Millisecond))
	if limit := stopSeconds * time.Second / 2; stopped > limit {
		t.Errorf("stopping took %s, want less than %s", stopped, limit)
	}
}
