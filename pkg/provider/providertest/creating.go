package providertest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
)

// creating is what becomes of requests.
func (s Subject) creating(t *testing.T) {
	s.test(t, "a created machine is what was asked for, runs and can be reached", func(ctx context.Context, t *testing.T) {
		m := s.create(ctx, t, "n1")
		want := provider.Machine{
			ID: m.ID, Name: s.request(s.Cluster, "n1").Name, Cluster: s.Cluster, Node: "n1", State: provider.Running,
			Address: m.Address, SSH: m.SSH, HostKey: m.HostKey, Owned: true,
			Settings: s.settings(s.request(s.Cluster, "n1")),
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if m.ID == "" || m.Address == "" || m.SSH.Host == "" {
			t.Errorf("without an ID, an address or an endpoint: %+v", m)
		}
	})
	s.test(t, "list shows a machine as create returned it", func(ctx context.Context, t *testing.T) {
		m := s.create(ctx, t, "n1")
		if diff := cmp.Diff([]provider.Machine{m}, s.list(ctx, t, s.Cluster)); diff != "" {
			t.Errorf("(-created +listed)\n%s", diff)
		}
	})
	if s.Describes {
		s.test(t, "a machine keeps what it was made with, whatever is asked for later", s.kept)
	}
	s.test(t, "a machine that exists is returned as it is", func(ctx context.Context, t *testing.T) {
		first, again := s.create(ctx, t, "n1"), s.create(ctx, t, "n1")
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("(-first +again)\n%s", diff)
		}
	})
	s.test(t, "machines made at once have different addresses and are listed by name", s.atOnce)
	s.test(t, "the same machine made twice at once is one machine", s.twice)
	s.test(t, "a cluster does not see another's machines", func(ctx context.Context, t *testing.T) {
		before := s.list(ctx, t, s.Cluster)
		m, err := s.Provider.Create(ctx, s.request(s.other(), "n1"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]provider.Machine{m}, s.list(ctx, t, s.other())); diff != "" {
			t.Errorf("the other cluster (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(before, s.list(ctx, t, s.Cluster)); diff != "" {
			t.Errorf("this cluster (-before +after)\n%s", diff)
		}
	})
}

// kept makes a machine, and asks for it again in another way.
func (s Subject) kept(ctx context.Context, t *testing.T) {
	req := s.request(s.Cluster, "sized")
	req.Memory = 512 << 20
	made := s.settings(req)
	if made["memory"] == s.settings(s.request(s.Cluster, "sized"))["memory"] {
		t.Errorf("settings do not tell of memory: %v", made)
	}
	if _, err := s.Provider.Create(ctx, req); err != nil {
		t.Fatal(err)
	}
	req.Memory = 0
	again, err := s.Provider.Create(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	listed, _ := s.find(ctx, t, "sized")
	for _, m := range []provider.Machine{again, listed} {
		if diff := cmp.Diff(made, m.Settings); diff != "" {
			t.Errorf("(-made with +told)\n%s", diff)
		}
	}
	if err := s.Provider.Delete(ctx, listed); err != nil {
		t.Error(err)
	}
}

func (s Subject) atOnce(ctx context.Context, t *testing.T) {
	nodes := []string{"c", "a", "b", "n1"}
	made, errs := s.together(ctx, nodes, s.Provider, s.peer())
	seen := map[string]string{}
	for i, m := range made {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if who := seen[m.Address]; who != "" {
			t.Errorf("%s and %s have the same address %s", who, m.Name, m.Address)
		}
		seen[m.Address] = m.Name
	}
	got := names(s.list(ctx, t, s.Cluster))
	want := names(made)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got)\n%s", diff)
	}
}

func (s Subject) twice(ctx context.Context, t *testing.T) {
	made, errs := s.together(ctx, []string{"twice", "twice", "twice"}, s.Provider, s.peer())
	for i := range made {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
	}
	listed, _ := s.find(ctx, t, "twice")
	if listed.State != provider.Running {
		t.Errorf("the machine is %s", listed.State)
	}
	count := 0
	for _, m := range s.list(ctx, t, s.Cluster) {
		if m.Node == "twice" {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d machines, want 1", count)
	}
}

func (s Subject) peer() provider.Provider {
	if s.Peer != nil {
		return s.Peer
	}
	return s.Provider
}

// together creates machines at once, by the providers in turn.
func (s Subject) together(ctx context.Context, nodes []string, by ...provider.Provider) ([]provider.Machine, []error) {
	made, errs := make([]provider.Machine, len(nodes)), make([]error, len(nodes))
	var wg sync.WaitGroup
	for i, node := range nodes {
		wg.Go(func() { made[i], errs[i] = by[i%len(by)].Create(ctx, s.request(s.Cluster, node)) })
	}
	wg.Wait()
	return made, errs
}
