package providertest

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
)

// unhappy is what happens around interruptions.
func (s Subject) unhappy(t *testing.T) {
	s.test(t, "after an interruption nothing is created", func(ctx context.Context, t *testing.T) {
		cut, cancel := context.WithCancelCause(ctx)
		cancel(errInterrupted)
		if m, err := s.Provider.Create(cut, s.request(s.Cluster, "late")); err == nil {
			t.Errorf("got %+v and no error", m)
		}
		if m, found := s.find(ctx, t, "late"); found {
			t.Errorf("there is %+v", m)
		}
	})
	s.test(t, "after an interruption nothing is deleted", func(ctx context.Context, t *testing.T) {
		m := s.create(ctx, t, "n1")
		cut, cancel := context.WithCancelCause(ctx)
		cancel(errInterrupted)
		if err := s.Provider.Delete(cut, m); err == nil {
			t.Error("no error")
		}
		if _, found := s.find(ctx, t, "n1"); !found {
			t.Error("the machine is gone")
		}
	})
	if s.CutShort == nil {
		return
	}
	s.test(t, "a machine whose creation was cut short is listed as incomplete, and finished by the next", func(ctx context.Context, t *testing.T) {
		req := s.request(s.Cluster, "half")
		if err := s.CutShort(ctx, req); err != nil {
			t.Fatal(err)
		}
		half, found := s.find(ctx, t, "half")
		if !found || half.State != provider.Incomplete || half.Name != req.Name || !half.Owned {
			t.Errorf("before: %+v", half)
		}
		whole := s.create(ctx, t, "half")
		listed, _ := s.find(ctx, t, "half")
		if diff := cmp.Diff(whole, listed); diff != "" || whole.State != provider.Running {
			t.Errorf("after: state %s (-created +listed)\n%s", whole.State, diff)
		}
	})
	s.test(t, "a machine whose creation was cut short can be deleted", func(ctx context.Context, t *testing.T) {
		if err := s.CutShort(ctx, s.request(s.Cluster, "half2")); err != nil {
			t.Fatal(err)
		}
		half, _ := s.find(ctx, t, "half2")
		if err := s.Provider.Delete(ctx, half); err != nil {
			t.Fatal(err)
		}
		if m, found := s.find(ctx, t, "half2"); found {
			t.Errorf("there is %+v", m)
		}
	})
}
