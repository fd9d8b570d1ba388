package providertest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
)

// optional is what a provider does that says so.
func (s Subject) optional(t *testing.T) {
	if s.Stop != nil {
		s.test(t, "a stopped machine stays the same machine, and starts again", s.stopAndStart)
	}
	if s.Prepares {
		s.test(t, "preparing makes no machine", func(ctx context.Context, t *testing.T) {
			before := s.list(ctx, t, s.Cluster)
			reqs := []provider.Request{s.request(s.Cluster, "prepared")}
			if err := s.Provider.(provider.Preparer).Prepare(ctx, reqs, func(string) {}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, s.list(ctx, t, s.Cluster)); diff != "" {
				t.Errorf("(-before +after)\n%s", diff)
			}
		})
	}
	if s.Authorizes {
		s.test(t, "another key is let in, twice is no error, a machine that is gone is", func(ctx context.Context, t *testing.T) {
			m, a := s.create(ctx, t, "n1"), s.Provider.(provider.Authorizer)
			for range 2 {
				if err := a.Authorize(ctx, m, s.request("", "").AuthorizedKeys); err != nil {
					t.Error(err)
				}
			}
			m.ID, m.Name = "gone", "gone"
			if err := a.Authorize(ctx, m, s.request("", "").AuthorizedKeys); err == nil {
				t.Error("a machine that is gone: no error")
			}
		})
	}
}

func (s Subject) stopAndStart(ctx context.Context, t *testing.T) {
	running, starter := s.create(ctx, t, "n1"), s.Provider.(provider.Starter)
	if err := s.Stop(ctx, running); err != nil {
		t.Fatal(err)
	}
	stopped, _ := s.find(ctx, t, "n1")
	if stopped.State != provider.Stopped || stopped.ID != running.ID || stopped.HostKey != running.HostKey {
		t.Errorf("stopped: %+v", stopped)
	}
	if again := s.create(ctx, t, "n1"); again.ID != running.ID {
		t.Errorf("create gave another machine: %+v", again)
	}
	for _, from := range []string{"stopped", "running"} {
		started, err := starter.Start(ctx, running)
		if err != nil {
			t.Fatalf("start a %s machine: %v", from, err)
		}
		listed, _ := s.find(ctx, t, "n1")
		if diff := cmp.Diff(started, listed); diff != "" {
			t.Errorf("start a %s machine (-started +listed)\n%s", from, diff)
		}
		started.SSH.Port = running.SSH.Port // a published port may be another each time
		if diff := cmp.Diff(running, started); diff != "" {
			t.Errorf("start a %s machine (-before +after)\n%s", from, diff)
		}
	}
}

// deleting comes last: it takes all down.
func (s Subject) deleting(t *testing.T) {
	s.test(t, "a deleted machine is gone, and deleting it again is no error", func(ctx context.Context, t *testing.T) {
		m := s.create(ctx, t, "n1")
		for range 2 {
			if err := s.Provider.Delete(ctx, m); err != nil {
				t.Fatal(err)
			}
			if m, found := s.find(ctx, t, "n1"); found {
				t.Fatalf("there is %+v", m)
			}
		}
	})
	s.test(t, "a new machine of an old name is another machine", func(ctx context.Context, t *testing.T) {
		old := s.create(ctx, t, "n1")
		if err := s.Provider.Delete(ctx, old); err != nil {
			t.Fatal(err)
		}
		young := s.create(ctx, t, "n1")
		if err := s.Provider.Delete(ctx, old); err != nil {
			t.Fatal(err)
		}
		if got, found := s.find(ctx, t, "n1"); young.ID == old.ID || !found || got.ID != young.ID {
			t.Errorf("old %s, new %s, left %+v", old.ID, young.ID, got)
		}
	})
	if s.Cleans {
		s.test(t, "leftovers are named while there are any and cleaned away, and cleaning again is no error", s.cleaning)
	}
}

func (s Subject) cleaning(ctx context.Context, t *testing.T) {
	leaver, cleaner := s.Provider.(provider.Leaver), s.Provider.(provider.Cleaner)
	s.create(ctx, t, "n1")
	if err := cleaner.Clean(ctx, s.Cluster); err == nil {
		t.Error("no error for a cluster with machines")
	}
	for _, m := range s.list(ctx, t, s.Cluster) {
		if err := s.Provider.Delete(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := leaver.Leftovers(ctx, s.Cluster); err != nil || len(left) == 0 {
		t.Errorf("before: leftovers %v, %v, want some", left, err)
	}
	for range 2 {
		if err := cleaner.Clean(ctx, s.Cluster); err != nil {
			t.Fatal(err)
		}
		if left, err := leaver.Leftovers(ctx, s.Cluster); err != nil || len(left) > 0 {
			t.Errorf("after: leftovers %v, %v, want none", left, err)
		}
	}
	if left, err := leaver.Leftovers(ctx, s.other()); err != nil || len(left) == 0 {
		t.Errorf("another cluster: leftovers %v, %v, want its own", left, err)
	}
}
