package existing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/provider/existing"
	"github.com/swarmup/swarmup/pkg/provider/providertest"
)

func given() []provider.Machine {
	return []provider.Machine{
		{Node: "w1", SSH: provider.Endpoint{Host: "w1.example.org"}},
		{Node: "m1", SSH: provider.Endpoint{Host: "198.51.100.7", Port: 2222, User: "admin"}, Address: "10.0.0.7", HostKey: "SHA256:abc"},
	}
}

func TestProviderKeepsTheContract(t *testing.T) {
	p := existing.New("demo", given())
	providertest.Run(t, providertest.Subject{Provider: p, Cluster: "demo", Nodes: []string{"m1", "w1"}})
}

func TestMachinesAreTheGivenOnesCompleted(t *testing.T) {
	got, err := existing.New("demo", given()).List(t.Context(), "demo")
	want := []provider.Machine{
		{
			ID: "demo-m1", Name: "demo-m1", Cluster: "demo", Node: "m1", State: provider.Running, Address: "10.0.0.7",
			SSH: provider.Endpoint{Host: "198.51.100.7", Port: 2222, User: "admin"}, HostKey: "SHA256:abc",
		},
		{
			ID: "demo-w1", Name: "demo-w1", Cluster: "demo", Node: "w1", State: provider.Running, Address: "w1.example.org",
			SSH: provider.Endpoint{Host: "w1.example.org"},
		},
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMachinesCannotBeChangedFromOutside(t *testing.T) {
	in := given()
	p := existing.New("demo", in)
	in[0].Node = "changed before"
	first, err := p.List(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	first[0].Node = "changed after"
	second, err := p.List(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	if got := second[0].Node + " " + second[1].Node; got != "m1 w1" {
		t.Errorf("got %q, want %q", got, "m1 w1")
	}
}
