package providertest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/provider/providertest"
)

var errHook = errors.New("no more credit")

func TestMemoryKeepsTheContract(t *testing.T) {
	p := &providertest.Memory{}
	cut := false
	p.OnBoot = func(context.Context, provider.Request) (providertest.Place, error) {
		if cut {
			return providertest.Place{}, errHook
		}
		return providertest.Place{}, nil
	}
	providertest.Run(t, providertest.Subject{
		Provider: p, Cluster: "demo", Stop: p.Stop, Cleans: true, Prepares: true, Authorizes: true, Describes: true,
		CutShort: func(ctx context.Context, req provider.Request) error {
			cut = true
			defer func() { cut = false }()
			if _, err := p.Create(ctx, req); !errors.Is(err, errHook) {
				return errors.New("the boot did not fail")
			}
			return nil
		},
	})
}

func request(node string) provider.Request {
	return provider.Request{Cluster: "demo", Node: node, Name: "demo-" + node + "-1", AuthorizedKeys: []string{"key a"}}
}

func TestAMachineIsWhereItsBootSays(t *testing.T) {
	place := providertest.Place{
		Address: "10.0.0.9", SSH: provider.Endpoint{Host: "127.0.0.1", Port: 4022, User: "admin"}, HostKey: "SHA256:x",
	}
	p := &providertest.Memory{OnBoot: func(context.Context, provider.Request) (providertest.Place, error) { return place, nil }}
	m, err := p.Create(t.Context(), request("n1"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(place, providertest.Place{Address: m.Address, SSH: m.SSH, HostKey: m.HostKey}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestHooksMakeCallsFail(t *testing.T) {
	refuse := func(context.Context, provider.Request) error { return errHook }
	tests := []struct {
		name string
		p    *providertest.Memory
		call func(ctx context.Context, p *providertest.Memory, m provider.Machine) error
		left int
	}{
		{
			name: "a create that is refused leaves nothing", p: &providertest.Memory{OnCreate: refuse},
			call: func(ctx context.Context, p *providertest.Memory, _ provider.Machine) error {
				_, err := p.Create(ctx, request("n2"))
				return err
			},
		},
		{
			name: "a list that fails is an error", p: &providertest.Memory{OnList: func(context.Context, string) error { return errHook }},
			call: func(ctx context.Context, p *providertest.Memory, _ provider.Machine) error {
				_, err := p.List(ctx, "demo")
				p.OnList = nil
				return err
			}, left: 1,
		},
		{
			name: "a delete that is refused leaves the machine",
			p:    &providertest.Memory{OnDelete: func(context.Context, provider.Machine) error { return errHook }},
			call: func(ctx context.Context, p *providertest.Memory, m provider.Machine) error { return p.Delete(ctx, m) }, left: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := tt.p.Create(t.Context(), request("n1"))
			if err := tt.call(t.Context(), tt.p, m); !errors.Is(err, errHook) {
				t.Errorf("got %v, want %v", err, errHook)
			}
			machines, err := tt.p.List(t.Context(), "demo")
			if err != nil || len(machines) != tt.left {
				t.Errorf("left: %v, %v, want %d machines", machines, err, tt.left)
			}
		})
	}
}

func TestASlowBootIsSeenAsIncompleteAndObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &providertest.Memory{OnBoot: func(ctx context.Context, _ provider.Request) (providertest.Place, error) {
			select {
			case <-time.After(time.Hour):
				return providertest.Place{}, nil
			case <-ctx.Done():
				return providertest.Place{}, context.Cause(ctx)
			}
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		failed := make(chan error)
		go func() {
			_, err := p.Create(ctx, request("n1"))
			failed <- err
		}()
		synctest.Wait()
		machines, err := p.List(ctx, "demo")
		if err != nil || len(machines) != 1 || machines[0].State != provider.Incomplete {
			t.Errorf("meanwhile: %v, %v", machines, err)
		}
		if _, err := p.Create(ctx, request("n1")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second create: got %v", err)
		}
		if err := <-failed; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
	})
}

func TestAuthorizedKeysAddUp(t *testing.T) {
	p := &providertest.Memory{}
	m, err := p.Create(t.Context(), request("n1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Authorize(t.Context(), m, []string{"key b", "key a"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"key a", "key b"}, p.Authorized(m.Name)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
