package docker

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// lab is one cluster on a real engine, which is gone when the test is over.
type lab struct {
	*Provider
	cluster string
	key     ssh.PrivateKey
	public  string
}

// inLab skips a test outside of the lab. Inside nothing is skipped: an engine
// that does not answer is a failure.
func inLab(t *testing.T) {
	t.Helper()
	if os.Getenv("SWARMUP_LAB") == "" {
		t.Skip("SWARMUP_LAB is not set: this test makes real machines")
	}
}

func newLab(t *testing.T, s Settings) *lab {
	t.Helper()
	inLab(t)
	private, public, _, err := ssh.GenerateHostKey() // any ed25519 key will do
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{newProvider(t, s), labCluster(), private, public}
	t.Cleanup(func() { l.sweep(t, l.cluster) })
	return l
}

func labCluster() string { return "lab-" + strings.ToLower(rand.Text()[:6]) }

func newProvider(t *testing.T, s Settings) *Provider {
	t.Helper()
	p, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// sweep removes whatever the cluster has, also after a failure.
func (l *lab) sweep(t *testing.T, cluster string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	machines, err := l.List(ctx, cluster)
	for _, m := range machines {
		err = errors.Join(err, l.Delete(ctx, m))
	}
	if err := errors.Join(err, l.Clean(ctx, cluster)); err != nil {
		t.Errorf("sweep: %v", err)
	}
}

func (l *lab) request(node string) provider.Request {
	return provider.Request{
		Cluster: l.cluster, Node: node, Name: l.cluster + "-" + node + "-t1", AuthorizedKeys: []string{l.public},
	}
}

func (l *lab) create(t *testing.T, req provider.Request) provider.Machine {
	t.Helper()
	m, err := l.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// login opens a connection as a user of the provider would.
func (l *lab) login(t *testing.T, m provider.Machine, key ssh.PrivateKey) *ssh.Host {
	t.Helper()
	h, err := ssh.Dial(t.Context(), ssh.Target{Name: m.Node, Host: m.SSH.Host, Port: m.SSH.Port, User: m.SSH.User, HostKey: m.HostKey},
		ssh.Options{Key: key, Patience: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func run(t *testing.T, h *ssh.Host, cmd string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := h.Run(ctx, cmd, nil)
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return strings.TrimSpace(out)
}
