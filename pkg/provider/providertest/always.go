package providertest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
)

// always is what every provider does.
func (s Subject) always(t *testing.T) {
	s.test(t, "a cluster that nobody made has no machines, and that is no error", func(ctx context.Context, t *testing.T) {
		if got := s.list(ctx, t, s.Cluster+"-none"); len(got) > 0 {
			t.Errorf("got %v, want none", names(got))
		}
	})
	s.test(t, "after an interruption a list is an error, never empty", func(ctx context.Context, t *testing.T) {
		ctx, cancel := context.WithCancelCause(ctx)
		cancel(errInterrupted)
		if got, err := s.Provider.List(ctx, s.Cluster); err == nil {
			t.Errorf("got %v and no error", names(got))
		}
	})
	s.test(t, "a machine that swarmup does not own is not deleted", func(ctx context.Context, t *testing.T) {
		m := provider.Machine{ID: "stranger", Name: "stranger", Cluster: s.Cluster, Node: "stranger"}
		if err := s.Provider.Delete(ctx, m); !errors.Is(err, provider.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
	})
}

var errInterrupted = errors.New("interrupted")

// fixed is what a provider does that only lists.
func (s Subject) fixed(t *testing.T) {
	s.test(t, "the machines are those of the nodes, sorted by name, and not owned", func(ctx context.Context, t *testing.T) {
		machines := s.list(ctx, t, s.Cluster)
		var nodes []string
		for _, m := range machines {
			nodes = append(nodes, m.Node)
			if m.Owned || m.ID == "" || m.Cluster != s.Cluster || m.SSH.Host == "" {
				t.Errorf("unexpected: %+v", m)
			}
		}
		if diff := cmp.Diff(s.Nodes, nodes); diff != "" {
			t.Errorf("nodes (-want +got)\n%s", diff)
		}
		if got := names(machines); !slices.IsSorted(got) {
			t.Errorf("not sorted: %v", got)
		}
	})
	s.test(t, "no machine can be created", func(ctx context.Context, t *testing.T) {
		if _, err := s.Provider.Create(ctx, s.request(s.Cluster, "new")); !errors.Is(err, provider.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
	})
	s.test(t, "no machine can be deleted", func(ctx context.Context, t *testing.T) {
		before := s.list(ctx, t, s.Cluster)
		for _, m := range before {
			if err := s.Provider.Delete(ctx, m); !errors.Is(err, provider.ErrUnsupported) {
				t.Errorf("delete %s: got %v, want ErrUnsupported", m.Name, err)
			}
		}
		if diff := cmp.Diff(before, s.list(ctx, t, s.Cluster)); diff != "" {
			t.Errorf("(-before +after)\n%s", diff)
		}
	})
}
