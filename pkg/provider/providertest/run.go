package providertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/provider"
)

// Subject is a provider under test with what it is able to do. Whatever it
// declares is tested; whatever it implements and does not declare fails.
type Subject struct {
	Provider provider.Provider
	// Cluster is a name that no one else uses. The suite deletes all its
	// machines at the end, and those of Cluster-b. It may be long on clouds.
	Cluster string
	// Nodes are those of the machines of a provider that cannot create any,
	// sorted. Without them the provider must be able to create and delete.
	Nodes []string
	// Peer is the same provider as another process has it; nil means that it
	// keeps its machines in its own memory.
	Peer provider.Provider
	// Adapt completes a request before it is used; nil changes nothing.
	Adapt func(provider.Request) provider.Request
	// Stop switches a machine off. With it the provider must be a Starter.
	Stop func(ctx context.Context, m provider.Machine) error
	// CutShort leaves what a Create leaves that was killed in the middle; nil
	// means that this cannot be.
	CutShort func(ctx context.Context, req provider.Request) error
	// Cleans, Prepares, Authorizes, Describes declare the optional interfaces. A
	// provider that Cleans must be a Leaver, too.
	Cleans, Prepares, Authorizes, Describes bool
	// Limit is for one test; 0 means a minute.
	Limit time.Duration
}

// Run tests that a provider keeps the contract of package provider.
func Run(t *testing.T, s Subject) {
	t.Helper()
	if s.Limit == 0 {
		s.Limit = time.Minute
	}
	s.declared(t)
	s.always(t)
	if s.Nodes != nil {
		s.fixed(t)
		return
	}
	t.Cleanup(func() { s.sweep(t) })
	s.creating(t)
	s.unhappy(t)
	s.optional(t)
	s.deleting(t)
}

// sweep removes what the tests have left, also after a failure.
func (s Subject) sweep(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*s.Limit)
	defer cancel()
	for _, cluster := range []string{s.Cluster, s.other()} {
		machines, err := s.Provider.List(ctx, cluster)
		for _, m := range machines {
			err = errors.Join(err, s.Provider.Delete(ctx, m))
		}
		if c, ok := s.Provider.(provider.Cleaner); ok {
			err = errors.Join(err, c.Clean(ctx, cluster))
		}
		if err != nil {
			t.Errorf("sweep %s: %v", cluster, err)
		}
	}
}

func (s Subject) other() string { return s.Cluster + "-b" }

// declared compares what the subject says with what its provider implements.
func (s Subject) declared(t *testing.T) {
	_, starts := s.Provider.(provider.Starter)
	_, cleans := s.Provider.(provider.Cleaner)
	_, leaves := s.Provider.(provider.Leaver)
	_, prepares := s.Provider.(provider.Preparer)
	_, authorizes := s.Provider.(provider.Authorizer)
	_, describes := s.Provider.(provider.Describer)
	got := []bool{starts, cleans, leaves, prepares, authorizes, describes}
	want := []bool{s.Stop != nil, s.Cleans, s.Cleans, s.Prepares, s.Authorizes, s.Describes}
	if !slices.Equal(got, want) {
		t.Fatalf("starts, cleans, names leftovers, prepares, authorizes, describes\n got %v\nwant %v", got, want)
	}
}

// test runs one test with a deadline.
func (s Subject) test(t *testing.T, name string, f func(ctx context.Context, t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), s.Limit)
		defer cancel()
		f(ctx, t)
	})
}

// request is for the machine CLUSTER-NODE-t1.
func (s Subject) request(cluster, node string) provider.Request {
	req := provider.Request{
		Cluster: cluster, Node: node, Name: fmt.Sprintf("%s-%s-t1", cluster, node),
		AuthorizedKeys: []string{
			"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEo0TWMzUGDvyA3hJ8pvp8h1vBLBl0Ylxy7Yl2o1OQIn test",
		},
	}
	if s.Adapt != nil {
		req = s.Adapt(req)
	}
	return req
}

// settings are those of a machine that a request makes, where they are kept.
func (s Subject) settings(req provider.Request) map[string]string {
	if d, ok := s.Provider.(provider.Describer); ok {
		return d.Describe(req)
	}
	return nil
}

func (s Subject) create(ctx context.Context, t *testing.T, node string) provider.Machine {
	t.Helper()
	m, err := s.Provider.Create(ctx, s.request(s.Cluster, node))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s Subject) list(ctx context.Context, t *testing.T, cluster string) []provider.Machine {
	t.Helper()
	machines, err := s.Provider.List(ctx, cluster)
	if err != nil {
		t.Fatal(err)
	}
	return machines
}

// find returns the listed machine of a node; false if there is none.
func (s Subject) find(ctx context.Context, t *testing.T, node string) (provider.Machine, bool) {
	t.Helper()
	for _, m := range s.list(ctx, t, s.Cluster) {
		if m.Node == node {
			return m, true
		}
	}
	return provider.Machine{}, false
}

func names(machines []provider.Machine) []string {
	out := []string{}
	for _, m := range machines {
		out = append(out, m.Name)
	}
	return out
}
