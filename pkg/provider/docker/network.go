package docker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/network"
)

// clusterNet is the network of a cluster.
type clusterNet struct {
	id      string
	subnet  netip.Prefix
	gateway netip.Addr
}

func networkName(cluster string) string { return "swarmup-" + cluster }

// bridgeName is the name of the cluster's bridge on the engine's host. It is
// fixed, and the bridge driver refuses a second network with the same bridge:
// so of two creations at once exactly one succeeds, although network names are
// checked by best effort only (moby api, CheckDuplicate before 1.44). It fits
// the 15 characters of an interface name.
func bridgeName(cluster string) string {
	sum := sha256.Sum256([]byte(cluster))
	return "swarmup-" + hex.EncodeToString(sum[:])[:7]
}

// ensureNetwork returns the cluster's network and makes it where there is none.
func (p *Provider) ensureNetwork(ctx context.Context, cluster string) (clusterNet, error) {
	var refused error
	tried := map[netip.Prefix]bool{}
	for attempt := range maxTries {
		p.pause(ctx, attempt)
		all, err := p.api.NetworkList(ctx, network.ListOptions{})
		if err != nil {
			return clusterNet{}, p.explain(err)
		}
		if found, err := pickNetwork(all, cluster); err != nil || found.id != "" {
			return found, err
		}
		subnet, err := p.chooseSubnet(all, tried)
		if err != nil {
			return clusterNet{}, errors.Join(err, refused)
		}
		tried[subnet] = true
		err = p.mutate(ctx, func(ctx context.Context) error {
			_, err := p.api.NetworkCreate(ctx, networkName(cluster), networkOptions(cluster, subnet, p.mtu()))
			return err
		})
		// Somebody else has made the network, or has taken the subnet: look again.
		if err != nil && !taken(err) {
			return clusterNet{}, fmt.Errorf("create network %s: %w", networkName(cluster), err)
		}
		refused = err
	}
	return clusterNet{}, fmt.Errorf("create network %s: %w", networkName(cluster), refused)
}

// maxTries limits how often something is tried that another may have taken.
const maxTries = 8

// pickNetwork finds the cluster's network; a zero clusterNet means none.
func pickNetwork(all []network.Summary, cluster string) (clusterNet, error) {
	for _, n := range all {
		switch {
		case ours(n.Labels, cluster):
			return parseNetwork(n)
		case n.Name == networkName(cluster):
			return clusterNet{}, fmt.Errorf("network %s exists and is not swarmup's", n.Name)
		}
	}
	return clusterNet{}, nil
}

func parseNetwork(n network.Summary) (clusterNet, error) {
	for _, c := range n.IPAM.Config {
		subnet, err := netip.ParsePrefix(c.Subnet)
		if err != nil || !subnet.Addr().Is4() {
			continue
		}
		gateway, err := netip.ParseAddr(c.Gateway)
		if err != nil {
			gateway = subnet.Masked().Addr().Next() // what the bridge driver takes
		}
		return clusterNet{id: n.ID, subnet: subnet, gateway: gateway}, nil
	}
	return clusterNet{}, fmt.Errorf("network %s has no IPv4 subnet", n.Name)
}

func networkOptions(cluster string, subnet netip.Prefix, mtu int) network.CreateOptions {
	options := map[string]string{"com.docker.network.bridge.name": bridgeName(cluster)}
	if mtu != 0 {
		options["com.docker.network.driver.mtu"] = strconv.Itoa(mtu)
	}
	gateway := subnet.Masked().Addr().Next().String()
	return network.CreateOptions{
		Driver:  "bridge",
		IPAM:    &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet.String(), Gateway: gateway}}},
		Options: options,
		Labels:  map[string]string{labelCluster: cluster},
	}
}

// taken says whether the engine refused a network because its name, its bridge
// or its subnet is in use (moby libnetwork: errors of the bridge driver and of
// the allocator).
func taken(err error) bool {
	text := strings.ToLower(err.Error())
	return cerrdefs.IsConflict(err) || strings.Contains(text, "overlap") ||
		strings.Contains(text, "same bridge name") || strings.Contains(text, "already exists")
}

// removeNetworks removes the networks of a cluster.
func (p *Provider) removeNetworks(ctx context.Context, cluster string) error {
	found, err := p.api.NetworkList(ctx, network.ListOptions{Filters: ofCluster(cluster)})
	if err != nil {
		return p.explain(err)
	}
	for _, n := range found {
		err := p.mutate(ctx, func(ctx context.Context) error { return p.api.NetworkRemove(ctx, n.ID) })
		if err != nil && !cerrdefs.IsNotFound(err) {
			return fmt.Errorf("remove network %s: %w", n.Name, err)
		}
	}
	return nil
}
