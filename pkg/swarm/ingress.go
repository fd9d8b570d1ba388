package swarm

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/swarmup/swarmup/pkg/engine"
)

// The options of an overlay network, spelled as its driver spells them (moby
// libnetwork/netlabel/labels.go, libnetwork/drivers/overlay/overlay.go). The
// managers set the last one when they allocate the network.
const (
	optionMTU       = "com.docker.network.driver.mtu"
	optionEncrypted = "encrypted"
	optionVXLAN     = "com.docker.network.driver.overlay.vxlanid_list"
)

// Ingress asks a manager for the swarm's ingress network. Where there is none it
// gives the zero value. A network that was removed is there until this manager's
// own engine has let go of it.
func (e *Engine) Ingress(ctx context.Context) (engine.Ingress, error) {
	var out engine.Ingress
	err := read(ctx, "read ingress network", func(ctx context.Context) error {
		list, err := e.api.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("scope", "swarm"))})
		for _, n := range list {
			if n.Ingress {
				out = ingressOf(n)
			}
		}
		return err
	})
	if err != nil {
		return engine.Ingress{}, err
	}
	return out, nil
}

func ingressOf(n network.Inspect) engine.Ingress {
	out := engine.Ingress{ID: n.ID, Ready: n.Options[optionVXLAN] != ""}
	out.MTU, _ = strconv.Atoi(n.Options[optionMTU])
	on, ok := n.Options[optionEncrypted]
	out.Encrypted = ok && on != "false"
	for _, c := range n.IPAM.Config {
		out.Subnets = append(out.Subnets, c.Subnet)
	}
	return out
}

// RemoveIngress removes the ingress network of that ID through a manager; an
// unknown ID is success. A swarm with a service that uses it refuses. The call
// returns before engines have let go of the network.
func (e *Engine) RemoveIngress(ctx context.Context, id string) error {
	err := mutate(ctx, "remove ingress network", updateLimit, func(ctx context.Context) error {
		return e.api.NetworkRemove(ctx, id)
	})
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

// CreateIngress makes the ingress network, through a manager. A swarm that has
// one refuses with engine.ErrExists, and so does a manager whose own engine has
// not let go of the one before.
func (e *Engine) CreateIngress(ctx context.Context, want engine.IngressRequest) error {
	options := map[string]string{}
	if want.MTU != 0 {
		options[optionMTU] = strconv.Itoa(want.MTU)
	}
	if want.Encrypted != nil && *want.Encrypted {
		options[optionEncrypted] = ""
	}
	req := network.CreateOptions{Driver: "overlay", Ingress: true, Options: options}
	if want.Subnet != "" {
		req.IPAM = &network.IPAM{Driver: "default", Config: []network.IPAMConfig{{Subnet: want.Subnet}}}
	}
	return mutate(ctx, "create ingress network", updateLimit, func(ctx context.Context) error {
		_, err := e.api.NetworkCreate(ctx, "ingress", req)
		return err
	})
}

// usesMesh says whether a service publishes a port through the ingress network
// (moby swarmkit manager/allocator/network.go, IsIngressNetworkNeeded).
func usesMesh(mode string, publish []string) bool {
	if mode != "" && !strings.EqualFold(mode, "vip") {
		return false
	}
	for _, p := range publish {
		if p == "" || p == "ingress" {
			return true
		}
	}
	return false
}
