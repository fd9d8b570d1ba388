package docker

import (
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/swarmup/swarmup/pkg/provider"
)

// What the engine says to one of two processes that want the same at once.
func TestWhoeverIsSecondGoesOn(t *testing.T) {
	tests := []struct {
		name, call string
		no         refusal
	}{
		{
			name: "a name that is reserved and not yet to be seen", call: "POST /containers/create",
			no: refusal{status: 409, text: `Conflict. The container name "/demo-n1-1" is already in use by container ""`},
		},
		{
			name: "a network that was removed since it was looked for", call: "POST /containers/create",
			no: refusal{status: 404, text: "network 5298e1dfd526 not found"},
		},
		{
			name: "a bridge that exists and is not yet to be seen", call: "POST /networks/create",
			no: refusal{status: 403, text: "cannot create network x (swarmup-0): conflicts with network y (swarmup-0): networks have same bridge name"},
		},
		{
			name: "a subnet that was free a moment ago", call: "POST /networks/create",
			no: refusal{status: 403, text: "Pool overlaps with other one on this address space"},
		},
		{
			name: "a name of a network that was free a moment ago", call: "POST /networks/create",
			no: refusal{status: 409, text: "network with name swarmup-demo already exists"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, p := newFake(t, Settings{})
			tt.no.once = true
			f.refuse[tt.call] = tt.no
			m, _ := f.create(t, p, request("n1"))
			if m.State != provider.Running || len(f.containers) != 1 || len(f.networks) != 1 {
				t.Errorf("got %+v, %d containers, %d networks", m, len(f.containers), len(f.networks))
			}
		})
	}
}

func TestARefusalThatStaysEndsTheAttempts(t *testing.T) {
	f, p := newFake(t, Settings{Subnet: "10.9.0.0/24"})
	f.refuse["POST /networks/create"] = refusal{status: 403, text: "Pool overlaps with other one on this address space"}
	_, err := p.ensureNetwork(t.Context(), "demo")
	if want := "create network swarmup-demo: Error response from daemon: Pool overlaps with other one on this address space"; text(err) != want {
		t.Errorf("\n got %q\nwant %q", text(err), want)
	}
}

func TestTheNextSubnetIsTriedAfterOneThatIsTaken(t *testing.T) {
	_, p := newFake(t, Settings{})
	first, err := p.chooseSubnet([]network.Summary{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, p := newFake(t, Settings{})
	f.refuse["POST /networks/create"] = refusal{status: 403, text: "Pool overlaps with other one on this address space", once: true}
	n, err := p.ensureNetwork(t.Context(), "demo")
	if err != nil || n.subnet == first {
		t.Errorf("got %s, %v, want another than %s", n.subnet, err, first)
	}
}

func TestARemovalThatIsUnderWayIsWaitedFor(t *testing.T) {
	f, p := newFake(t, Settings{})
	m, _ := f.create(t, p, request("n1"))
	f.refuse["DELETE /containers/"+m.ID] = refusal{status: 409, text: "removal of container " + m.ID + " is already in progress", once: true}
	if err := p.Delete(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if len(f.containers)+len(f.volumes) > 0 {
		t.Errorf("left: %v, %v", f.containers, f.volumes)
	}
}

func TestARemovalThatIsRefusedIsSaid(t *testing.T) {
	f, p := newFake(t, Settings{})
	m, _ := f.create(t, p, request("n1"))
	f.refuse["DELETE /containers/"+m.ID] = refusal{status: 500, text: "driver overlay2 failed to remove root filesystem"}
	err := p.Delete(t.Context(), m)
	if want := "delete machine demo-n1-1: Error response from daemon: driver overlay2 failed to remove root filesystem"; text(err) != want {
		t.Errorf("\n got %q\nwant %q", text(err), want)
	}
	if len(f.volumes) != 2 {
		t.Errorf("its volumes went before it: %v", f.volumes)
	}
}

func TestAPausedMachineIsStartedByItsOwnCall(t *testing.T) {
	f, p := newFake(t, Settings{})
	m, b := f.create(t, p, request("n1"))
	f.mu.Lock()
	b.state = "paused"
	f.mu.Unlock()
	if on, err := p.Start(t.Context(), m); err != nil || on.State != provider.Running {
		t.Errorf("got %+v, %v", on, err)
	}
}

func TestAMachineOfAnotherClusterIsNotDeletedUnderThisOnesName(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.containers["x"] = &box{id: "x", name: "other-n1-1", state: "running", config: container.Config{
		Labels: map[string]string{labelCluster: "other", labelName: "other-n1-1"},
	}}
	m := machineOf("n1")
	m.ID = "x"
	if err := p.Delete(t.Context(), m); err == nil || f.containers["x"] == nil {
		t.Errorf("got %v, containers %v", err, f.containers)
	}
}

// A process that is killed in the middle of Delete leaves nothing that nobody
// would ever look for.
func TestAMachineAndItsVolumesGoInOneCall(t *testing.T) {
	f, p := newFake(t, Settings{})
	m, _ := f.create(t, p, request("n1"))
	if len(f.volumes) != 2 {
		t.Fatalf("%d volumes, want 2", len(f.volumes))
	}
	if err := p.remove(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	if len(f.containers)+len(f.volumes) > 0 {
		t.Errorf("left: %v, %v", f.containers, f.volumes)
	}
}
