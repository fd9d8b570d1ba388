package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/provider/docker"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// hosts is a lab whose machines exist already, for provider ssh. They come from
// the docker provider; the clusters that are made of them know nothing of it.
type hosts struct {
	*lab
	machines map[string]provider.Machine
	provider *docker.Provider
	key      string // file of the login key
}

// newHosts makes machines of those names. Each has an engine that runs and is
// in no swarm.
func newHosts(t *testing.T, names ...string) *hosts {
	t.Helper()
	l := newLab(t)
	p, err := docker.New(docker.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	h := &hosts{lab: l, machines: map[string]provider.Machine{}, provider: p, key: filepath.Join(l.dir, "id_ed25519")}
	t.Cleanup(func() {
		l.remove()
		_ = p.Close()
	})
	_, authorized, _, err := ssh.LoadOrCreateKey(h.key)
	if err != nil {
		t.Fatal(err)
	}
	var reqs []provider.Request
	of := append(chosen(t), "")
	for i, n := range names {
		reqs = append(reqs, provider.Request{Cluster: l.name, Node: n, Name: l.name + "-" + n + "-0", Image: of[i%max(1, len(of)-1)], AuthorizedKeys: []string{authorized}})
	}
	if err := p.Prepare(t.Context(), reqs, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	for _, r := range reqs {
		m, err := p.Create(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		h.machines[r.Node] = m
	}
	for _, n := range names {
		eventually(t, time.Minute, func() error {
			out, err := l.try(n, "ss -tln | grep -q :22 && docker info --format '{{.Swarm.LocalNodeState}}'")
			if err == nil && out != "inactive" {
				err = fmt.Errorf("%s is %s", n, out)
			}
			return err
		})
	}
	return h
}

// file writes a cluster.yaml of existing hosts: "a b" are managers, "c d" workers.
func (h *hosts) file(managers, workers string) {
	h.Helper()
	h.write("cluster.yaml", h.content(managers, workers))
}

// content is such a file.
func (h *hosts) content(managers, workers string) string {
	h.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "name: NAME\nprovider: ssh\nssh: {identity_file: ./id_ed25519}\nengine: {install: none}\nmanagers:\n")
	for _, n := range strings.Fields(managers) {
		b.WriteString(h.line(n))
	}
	if workers != "" {
		b.WriteString("workers:\n")
	}
	for _, n := range strings.Fields(workers) {
		b.WriteString(h.line(n))
	}
	return b.String()
}

// line is a node's line; its name in the file is the machine's.
func (h *hosts) line(name string) string {
	m := h.machines[name]
	return fmt.Sprintf("  - {name: %s, address: %s, ssh: {port: %d, host_key: %q}}\n", name, m.SSH.Host, max(22, m.SSH.Port), m.HostKey)
}

// delete destroys machines as a provider's console would.
func (h *hosts) delete(ctx context.Context, names ...string) {
	h.Helper()
	for _, n := range names {
		if err := h.provider.Delete(ctx, h.machines[n]); err != nil {
			h.Fatal(err)
		}
	}
}
