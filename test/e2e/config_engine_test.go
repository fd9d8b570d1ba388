package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// configured is a file of two hosts behind a proxy, with settings of all kinds.
func (h *hosts) configured(change ...string) {
	h.Helper()
	text := strings.NewReplacer(change...).Replace(`name: NAME
provider: ssh
ssh: {identity_file: ./id_ed25519}
engine:
  install: none
  env: {HTTPS_PROXY: "http://user:hunter2@127.0.0.1:9", NO_PROXY: .local}
  registry_mirrors: [http://127.0.0.1:9]
  daemon: {log-driver: local, log-opts: {max-size: 1m}}
swarm:
  default_addr_pool: [10.200.0.0/16]
  node_cert_expiry: 720h
  task_history: 2
  heartbeat: 7s
  ingress: {mtu: 1400, subnet: 10.255.0.0/16}
`)
	h.write("cluster.yaml", text+"managers:\n"+h.line("m")+"workers:\n"+h.line("w"))
}

// Engines and the swarm are as the file says from the first moment on, stay so,
// and are as before when the cluster is gone.
func TestConfigurationOfEnginesAndOfTheSwarm(t *testing.T) {
	h := newHosts(t, "m", "w")
	h.configured()
	r := h.must("apply", "--yes")
	if strings.Contains(r.stdout+r.stderr, "hunter2") {
		t.Errorf("it shows the proxy's password: %s", r)
	}
	noProxy := ".local," + h.machines["m"].SSH.Host + "," + h.machines["w"].SSH.Host
	for _, n := range []string{"m", "w"} {
		got := h.on(n, `tr '\0' '\n' </proc/$(cat /run/docker.pid)/environ | grep -i proxy= | sort; stat -c %a /etc/docker/swarmup.env; docker info --format '{{.LoggingDriver}} {{.RegistryConfig.Mirrors}}'`)
		want := fmt.Sprintf("HTTPS_PROXY=http://user:hunter2@127.0.0.1:9\nNO_PROXY=%s\nno_proxy=%[1]s\n600\nlocal [http://127.0.0.1:9/]", noProxy)
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", n, got, want)
		}
		eventually(t, 20*time.Second, func() error { return h.meshed(n) })
	}
	got := h.on("m", `docker info --format '{{with .Swarm.Cluster.Spec}}{{.Orchestration.TaskHistoryRetentionLimit}} {{.Dispatcher.HeartbeatPeriod}} {{.CAConfig.NodeCertExpiry}}{{end}}'`)
	if want := "2 7s 720h0m0s"; got != want {
		t.Errorf("settings: got %s, want %s", got, want)
	}
	h.second("--yes")

	t.Run("tasks log by the driver of the file", func(t *testing.T) {
		h.loadImage("m", "w")
		h.on("m", "docker service create -q -d --no-resolve-image --name web --mode global --publish 8080:80 "+image+" sleep")
		for _, n := range []string{"m", "w"} {
			eventually(t, 30*time.Second, func() error {
				out, err := h.try(n, "docker inspect --format '{{.HostConfig.LogConfig.Type}} {{index .HostConfig.LogConfig.Config \"max-size\"}}' $(docker ps -q --filter name=web)")
				if err == nil && out != "local 1m" {
					err = fmt.Errorf("%s logs by %q", n, out)
				}
				return err
			})
		}
	})
	t.Run("an ingress network in use is not touched", func(t *testing.T) {
		h.configured("mtu: 1400", "mtu: 1300")
		h.says(h.want(1, "apply", "--yes"), "the ingress network cannot be changed while services publish ports through it: web")
	})
	t.Run("what is fixed is refused", func(t *testing.T) {
		h.configured("10.200.0.0/16", "10.201.0.0/16")
		h.says(h.want(3, "apply", "--yes"), "swarm.default_addr_pool is fixed when a swarm is made: it is 10.200.0.0/16, and the file wants 10.201.0.0/16")
	})
	t.Run("what needs a restart rolls", func(t *testing.T) {
		h.configured("127.0.0.1:9\", NO", "127.0.0.1:10\", NO", "max-size: 1m", "max-size: 2m")
		if r := h.must("apply", "--yes"); !strings.Contains(r.stdout, "m  restart engine\n         ~ log-opts: {max-size: 1m} -> {max-size: 2m}\n") {
			t.Errorf("the plan does not say so: %s", r)
		}
		for _, n := range []string{"m", "w"} {
			eventually(t, 30*time.Second, func() error {
				out, err := h.try(n, `tr '\0' '\n' </proc/$(cat /run/docker.pid)/environ | grep -o '127.0.0.1:[0-9]*'; docker inspect --format '{{index .HostConfig.LogConfig.Config "max-size"}}' $(docker ps -q --filter name=web)`)
				if want := "127.0.0.1:10\n2m"; err == nil && out != want {
					err = fmt.Errorf("%s runs with %q, want %q", n, out, want)
				}
				return err
			})
		}
		h.second("--yes")
	})
	h.configured()
	h.must("destroy", "--yes")
	for _, n := range []string{"m", "w"} {
		if got := h.on(n, "ls /etc/docker /etc/systemd/system/docker.service.d 2>/dev/null; docker info --format '{{.Swarm.LocalNodeState}}'"); strings.Contains(got, "swarmup") || !strings.HasSuffix(got, "inactive") {
			t.Errorf("%s is left with %s", n, got)
		}
	}
}

// meshed says in which way a node is not on the ingress network of the file.
func (h *hosts) meshed(node string) error {
	out, err := h.try(node, `docker network inspect ingress --format '{{index .Options "com.docker.network.driver.mtu"}} {{(index .IPAM.Config 0).Subnet}} {{len .Containers}}'`)
	if want := "1400 10.255.0.0/16 1"; err == nil && out != want {
		err = fmt.Errorf("the ingress network of %s: %s, want %s", node, out, want)
	}
	return err
}
