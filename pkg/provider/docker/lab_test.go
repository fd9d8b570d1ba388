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
func inLab(tb testing.TB) {
	tb.Helper()
	if os.Getenv("SWARMUP_LAB") == "" {
		tb.Skip("SWARMUP_LAB is not set: this test makes real machines")
	}
}

func newLab(tb testing.TB, s Settings) *lab {
	tb.Helper()
	inLab(tb)
	private, public, _, err := ssh.GenerateHostKey() // any ed25519 key will do
	if err != nil {
		tb.Fatal(err)
	}
	l := &lab{newProvider(tb, s), labCluster(), private, public}
	tb.Cleanup(func() { l.sweep(tb, l.cluster) })
	return l
}

func labCluster() string { return "lab-" + strings.ToLower(rand.Text()[:6]) }

func newProvider(tb testing.TB, s Settings) *Provider {
	tb.Helper()
	p, err := New(s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = p.Close() })
	return p
}

// sweep removes whatever the cluster has, also after a failure.
func (l *lab) sweep(tb testing.TB, cluster string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), time.Minute)
	defer cancel()
	machines, err := l.List(ctx, cluster)
	for _, m := range machines {
		err = errors.Join(err, l.Delete(ctx, m))
	}
	if err := errors.Join(err, l.Clean(ctx, cluster)); err != nil {
		tb.Errorf("sweep: %v", err)
	}
}

func (l *lab) request(node string) provider.Request {
	return provider.Request{
		Cluster: l.cluster, Node: node, Name: l.cluster + "-" + node + "-t1", AuthorizedKeys: []string{l.public},
	}
}

func (l *lab) create(tb testing.TB, req provider.Request) provider.Machine {
	tb.Helper()
	m, err := l.Create(tb.Context(), req)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// login opens a connection as a user of the provider would.
func (l *lab) login(tb testing.TB, m provider.Machine, key ssh.PrivateKey) *ssh.Host {
	tb.Helper()
	h, err := ssh.Dial(tb.Context(), ssh.Target{Name: m.Node, Host: m.SSH.Host, Port: m.SSH.Port, User: m.SSH.User, HostKey: m.HostKey},
		ssh.Options{Key: key, Patience: 30 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = h.Close() })
	return h
}

func run(tb testing.TB, h *ssh.Host, cmd string) string {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	out, err := h.Run(ctx, cmd, nil)
	if err != nil {
		tb.Fatalf("%s: %v", cmd, err)
	}
	return strings.TrimSpace(out)
}
