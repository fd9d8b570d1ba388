package docker

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
)

var errInterrupted = errors.New("interrupted")

func TestStatesOfContainersAreStatesOfMachines(t *testing.T) {
	for state, want := range map[string]provider.State{
		"created": provider.Incomplete, "running": provider.Running, "restarting": provider.Running,
		"paused": provider.Stopped, "exited": provider.Stopped, "dead": provider.Stopped, "removing": provider.Stopped,
	} {
		f, p := newFake(t, Settings{})
		f.containers["x"] = &box{id: "x", name: "demo-n1-1", state: state, config: container.Config{Labels: map[string]string{labelCluster: "demo", labelName: "demo-n1-1"}}}
		got, err := p.List(t.Context(), "demo")
		if err != nil || len(got) != 1 || got[0].State != want {
			t.Errorf("%s: got %+v, %v, want %s", state, got, err, want)
		}
	}
}

func TestAPublishedMachineIsReachedAtThePortItHasNow(t *testing.T) {
	f, p := newFake(t, Settings{Reach: ReachPublished})
	m, b := f.create(t, p, request("n1"))
	if want := (provider.Endpoint{Host: "127.0.0.1", Port: b.port, User: "root"}); m.SSH != want {
		t.Errorf("got %+v, want %+v", m.SSH, want)
	}
	if m.Address == "127.0.0.1" {
		t.Error("the other machines would dial themselves")
	}
	before := b.port
	if err := p.Stop(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	m, err := p.Start(t.Context(), m)
	if err != nil || m.SSH.Port == before || m.SSH.Port != b.port {
		t.Errorf("after a restart: %+v, %v, want port %d", m.SSH, err, b.port)
	}
}

func TestAuthorizeAddsWhatIsMissing(t *testing.T) {
	f, p := newFake(t, Settings{})
	m, b := f.create(t, p, request("n1"))
	if err := p.Authorize(t.Context(), m, []string{"ssh-ed25519 BBBB you\n", "ssh-ed25519 AAAA me"}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.files[authorizedPath], "ssh-ed25519 AAAA me\nssh-ed25519 BBBB you\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	delete(b.files, authorizedPath)
	if err := p.Authorize(t.Context(), m, []string{"ssh-ed25519 CCCC they"}); err != nil || b.files[authorizedPath] != "ssh-ed25519 CCCC they\n" {
		t.Errorf("without a file: %v, %q", err, b.files[authorizedPath])
	}
}

func TestOnlyTheClustersLeftoversAreNamedAndRemoved(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.create(t, p, request("n1"))
	for name, labels := range map[string]map[string]string{
		"demo-old-1-docker": {labelCluster: "demo", labelName: "demo-old-1"},
		"other-n1-1-docker": {labelCluster: "other", labelName: "other-n1-1"},
		"database":          nil,
	} {
		f.volumes[name] = &volume.Volume{Name: name, Labels: labels}
	}
	left, err := p.Leftovers(t.Context(), "demo")
	if diff := cmp.Diff([]string{"network swarmup-demo", "volume demo-old-1-docker"}, left); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	if err := p.Clean(t.Context(), "demo"); text(err) != "clean up after demo: 1 of its machines still exist" {
		t.Errorf("with a machine: got %v", err)
	}
	machines, err := p.List(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Delete(t.Context(), machines[0]), p.Clean(t.Context(), "demo")); err != nil {
		t.Fatal(err)
	}
	if len(f.networks) != 0 || len(f.volumes) != 2 || f.volumes["database"] == nil || f.volumes["other-n1-1-docker"] == nil {
		t.Errorf("left: networks %v, volumes %v", f.networks, f.volumes)
	}
}

func TestANetworkThatSomebodyElseUsesIsNotForced(t *testing.T) {
	f, p := newFake(t, Settings{})
	n, err := p.ensureNetwork(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	f.containers["x"] = &box{id: "x", name: "x", state: "running", host: container.HostConfig{NetworkMode: container.NetworkMode(n.id)}}
	err = p.Clean(t.Context(), "demo")
	if want := "clean up after demo: remove network swarmup-demo: "; !strings.HasPrefix(text(err), want) || !strings.Contains(text(err), "has active endpoints") {
		t.Errorf("got %v", err)
	}
}

func TestNothingOfANamelessClusterIsEverTouched(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.volumes["v"] = &volume.Volume{Name: "v", Labels: map[string]string{labelCluster: ""}}
	if err := p.Clean(t.Context(), ""); err == nil || f.volumes["v"] == nil {
		t.Errorf("got %v, volumes %v", err, f.volumes)
	}
}

func TestACallInFlightOutlivesAnInterruption(t *testing.T) {
	_, p := newFake(t, Settings{})
	ctx, cancel := context.WithCancelCause(t.Context())
	var during error
	err := p.mutate(ctx, func(ctx context.Context) error {
		cancel(errInterrupted)
		during = ctx.Err()
		return nil
	})
	if during != nil || err != nil {
		t.Errorf("during %v, after %v, want none", during, err)
	}
	if err := p.mutate(ctx, func(context.Context) error { return nil }); !errors.Is(err, errInterrupted) {
		t.Errorf("the next call: got %v, want %v", err, errInterrupted)
	}
}

func TestLocksAreByNameAndHonourTheirContext(t *testing.T) {
	var l locks
	a, err := l.hold(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.hold(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	b()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if _, err := l.hold(ctx, "a"); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want %v", err, errInterrupted)
	}
	next := make(chan error)
	go func() {
		release, err := l.hold(t.Context(), "a")
		if err == nil {
			release()
		}
		next <- err
	}()
	a()
	if err := <-next; err != nil {
		t.Error(err)
	}
}
