package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

// fakeMesh is the control plane of a swarm, as far as its ingress network goes:
// a network that was removed is shown for a while, and its name is taken for a
// little longer.
type fakeMesh struct {
	now      engine.Ingress
	removed  time.Time
	shown    time.Duration
	taken    time.Duration
	refuse   error
	attached map[string]string // node -> network
	made     int
}

func (f *fakeMesh) Ingress(context.Context) (engine.Ingress, error) {
	if !f.removed.IsZero() && time.Since(f.removed) >= f.shown {
		return engine.Ingress{}, nil
	}
	return f.now, nil
}

func (f *fakeMesh) RemoveIngress(context.Context, string) error {
	if f.refuse == nil {
		f.removed = time.Now()
	}
	return f.refuse
}

func (f *fakeMesh) CreateIngress(_ context.Context, want engine.IngressRequest) error {
	if f.now.ID != "" && (f.removed.IsZero() || time.Since(f.removed) < f.taken) {
		return fmt.Errorf("create: %w", engine.ErrExists)
	}
	f.made++
	f.now = engine.Ingress{ID: fmt.Sprint("new", f.made), MTU: want.MTU, Ready: true}
	f.removed = time.Time{}
	return nil
}

func (f *fakeMesh) Nodes(context.Context) ([]engine.Node, error) {
	return []engine.Node{{ID: "a"}, {ID: "b"}}, nil
}

func (f *fakeMesh) TouchNode(_ context.Context, id string) error {
	if f.attached == nil {
		f.attached = map[string]string{}
	}
	f.attached[id] = f.now.ID
	return nil
}

func TestIngress(t *testing.T) {
	old := engine.Ingress{ID: "old", Ready: true}
	tests := []struct {
		name string
		mesh fakeMesh
		made int
		err  string
		most time.Duration
	}{
		{name: "a network that is right is left alone", mesh: fakeMesh{now: engine.Ingress{ID: "old", MTU: 1400}}},
		{name: "one that is not is made anew", mesh: fakeMesh{now: old, shown: 300 * time.Millisecond, taken: 500 * time.Millisecond}, made: 1, most: time.Second},
		{name: "one that is missing is made", made: 1},
		{name: "one that is in use stays", mesh: fakeMesh{now: old, refuse: errors.New("service x depends on it")},
			err: "make ingress network: service x depends on it"},
		{name: "one that does not go", mesh: fakeMesh{now: old, shown: time.Hour},
			err: "make ingress network: wait for the old one to be gone: not within 30s"},
		{name: "one whose name stays taken", mesh: fakeMesh{now: old, taken: time.Hour},
			err: "make ingress network: wait for a manager to take the new one: not within 30s: create: it exists already"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				made, err := Ingress(t.Context(), &tt.mesh, engine.IngressRequest{MTU: 1400})
				if text := errText(err); text != tt.err || made != (tt.made > 0) || tt.mesh.made != tt.made {
					t.Errorf("got %v, %q, made %d times; want %d, %q", made, text, tt.mesh.made, tt.made, tt.err)
				}
				if took := time.Since(began); tt.most > 0 && took > tt.most {
					t.Errorf("took %s", took)
				}
				for _, id := range []string{"a", "b"} {
					if tt.made > 0 && tt.mesh.attached[id] != tt.mesh.now.ID {
						t.Errorf("%s is attached to %q", id, tt.mesh.attached[id])
					}
				}
			})
		})
	}
}
