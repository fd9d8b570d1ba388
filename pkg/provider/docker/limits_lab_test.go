package docker

import (
	"strings"
	"sync"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

func TestNothingOfAMachineStays(t *testing.T) {
	l := newLab(t, Settings{})
	m, other := l.create(t, l.request("n1")), l.create(t, l.request("n2"))
	// A Delete that was killed behind the container, and somebody who removes a
	// container by hand.
	if err := l.remove(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	if err := l.api.ContainerRemove(t.Context(), other.ID, container.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	left, err := l.Leftovers(t.Context(), l.cluster)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 3 || left[0] != "network swarmup-"+l.cluster {
		t.Errorf("leftovers %s, want the network and two volumes of n2", left)
	}
	if err := l.Delete(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if left, err = l.Leftovers(t.Context(), l.cluster); err != nil || len(left) != 1 {
		t.Errorf("leftovers %s, %v, want the network alone", left, err)
	}
	if err := l.Delete(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := l.Clean(t.Context(), l.cluster); err != nil {
		t.Fatal(err)
	}
	if left, err = l.Leftovers(t.Context(), l.cluster); err != nil || len(left) > 0 {
		t.Errorf("after: %v, %v", left, err)
	}
}

func TestAStrangersContainerIsNeitherTakenNorRemoved(t *testing.T) {
	l := newLab(t, Settings{})
	image, err := l.ensureImage(t.Context(), DefaultImage, nil)
	if err != nil {
		t.Fatal(err)
	}
	req := l.request("n1")
	made, err := l.api.ContainerCreate(t.Context(), &container.Config{Image: image}, nil, nil, nil, req.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.api.ContainerRemove(t.Context(), made.ID, container.RemoveOptions{Force: true}) })
	defer func() {
		if err := l.api.ContainerRemove(t.Context(), made.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	}()
	_, err = l.Create(t.Context(), req)
	if want := "create machine " + req.Name + ": container " + req.Name + " exists and is not swarmup's"; err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	if _, err := l.api.ContainerInspect(t.Context(), made.ID); cerrdefs.IsNotFound(err) {
		t.Error("it is gone")
	}
}

func TestManyWhoNeedTheNetworkAtOnceShareOne(t *testing.T) {
	l := newLab(t, Settings{})
	const many = 8
	nets, errs := make([]clusterNet, many), make([]error, many)
	var wg sync.WaitGroup
	for i := range many {
		p := newProvider(t, Settings{})
		wg.Go(func() { nets[i], errs[i] = p.ensureNetwork(t.Context(), l.cluster) })
	}
	wg.Wait()
	for i := range many {
		if errs[i] != nil || nets[i].id != nets[0].id {
			t.Errorf("%d: %v, %v, want %v", i, nets[i], errs[i], nets[0])
		}
	}
	found, err := l.api.NetworkList(t.Context(), network.ListOptions{Filters: ofCluster(l.cluster)})
	if err != nil || len(found) != 1 {
		t.Errorf("networks: %v, %v, want one", found, err)
	}
}

func TestATakenSubnetIsNamed(t *testing.T) {
	first := newLab(t, Settings{})
	n, err := first.ensureNetwork(t.Context(), first.cluster)
	if err != nil {
		t.Fatal(err)
	}
	second := newLab(t, Settings{Subnet: n.subnet.String()})
	_, err = second.Create(t.Context(), second.request("n1"))
	want := "subnet " + n.subnet.String() + " is taken by network swarmup-" + first.cluster
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
}
