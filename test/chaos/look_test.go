package chaos

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
)

// world is what the docker command lines show, of the engine outside and of the
// engines in the machines.
type world struct {
	machines []seen
	volumes  []string // by the machine that they are of
	networks []string
}

// seen is a machine as its own engine shows it. One that does not run shows
// nothing.
type seen struct {
	machine
	info  info
	cert  cert
	files []string // in /etc/docker
	tasks int      // running containers of the probe service
	nodes []entry  // as a manager shows them; nil on workers
	locks []string // of runs that have ended, as a manager shows them
}

// info is what of "docker info" matters here.
type info struct {
	Name   string
	Labels []string
	Swarm  struct {
		NodeID, LocalNodeState, Error string
		ControlAvailable              bool
		Cluster                       struct{ ID string }
	}
}

// cert is whose the node's certificate is.
type cert struct{ cluster, node, role string }

// entry is a node as a manager shows it.
type entry struct {
	ID   string
	Spec struct {
		Labels             map[string]string
		Role, Availability string
	}
	Description struct {
		Hostname string
		Engine   struct{ Labels map[string]string }
	}
	Status        struct{ State string }
	ManagerStatus *struct {
		Leader       bool
		Reachability string
	}
}

// answers asks a machine for everything at once; the parts are told from each
// other by a line.
const answers = `docker info --format '{{json .}}' 2>/dev/null; echo =====
cat /var/lib/docker/swarm/certificates/swarm-node.crt 2>/dev/null; echo =====
ls -A /etc/docker; echo =====
docker ps -q --filter label=com.docker.swarm.service.name=probe; echo =====
if ids=$(docker node ls -q 2>/dev/null); then docker node inspect $ids; fi; echo =====
docker config ls --format '{{.Name}}' 2>/dev/null; ls -d /run/swarmup/lock 2>/dev/null; true`

// look asks everybody.
func (c *cluster) look() (w world, err error) {
	ms, err := c.machines()
	if err != nil {
		return w, err
	}
	w.machines = make([]seen, len(ms))
	errs := make([]error, len(ms))
	var wg sync.WaitGroup
	for i, m := range ms {
		wg.Go(func() { w.machines[i], errs[i] = ask(m) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return w, err
		}
	}
	volumes, err := docker("volume", "ls", "--format", `{{.Label "swarmup.name"}}`, "--filter", "label=swarmup.cluster="+c.name)
	if err != nil {
		return w, err
	}
	networks, err := docker("network", "ls", "--format", "{{.Name}}", "--filter", "name="+c.name)
	w.volumes, w.networks = strings.Fields(volumes), strings.Fields(networks)
	return w, err
}

func ask(m machine) (s seen, err error) {
	s.machine = m
	if m.state != "running" {
		return s, nil
	}
	out, err := docker("exec", m.id, "sh", "-c", answers)
	if err != nil {
		return s, err
	}
	parts := strings.Split(out+"\n", "=====\n")
	if len(parts) != 6 {
		return s, fmt.Errorf("%s answers %q", m.node, out)
	}
	if err := decode(parts[0], &s.info); err != nil {
		return s, fmt.Errorf("docker info of %s: %w", m.node, err)
	}
	if err := decode(parts[4], &s.nodes); err != nil {
		return s, fmt.Errorf("docker node inspect of %s: %w", m.node, err)
	}
	s.cert, err = certificate(parts[1])
	s.files, s.tasks, s.locks = strings.Fields(parts[2]), len(strings.Fields(parts[3])), strings.Fields(parts[5])
	return s, err
}

// decode leaves v as it is where there is no answer.
func decode(text string, v any) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

// certificate reads a node's certificate: organisation, unit and name are those
// of the swarm, the role and the node (swarmkit ca/certificates.go).
func certificate(text string) (c cert, err error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return c, nil
	}
	x, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return c, err
	}
	first := func(of []string) string { return strings.Join(of, ",") }
	return cert{first(x.Subject.Organization), x.Subject.CommonName, strings.TrimPrefix(first(x.Subject.OrganizationalUnit), "swarm-")}, nil
}
