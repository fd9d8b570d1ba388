package daemon

import "slices"

// neverKeys are those that a node of a swarm, or of swarmup, cannot have.
func neverKeys() []Key {
	never := func(name, flag, source, why string) Key {
		return Key{Name: name, Flag: flag, Set: Never, Unset: Restart, Source: source, Why: why}
	}
	proxy := "write engine.env instead: there NO_PROXY gets the addresses of all members"
	return slices.Concat(
		[]Key{
			never("live-restore", "", "moby daemon/config/config_linux.go, IsSwarmCompatible", "an engine with live-restore cannot be in a swarm"),
			never("firewall-backend", "", "moby daemon/config/config_linux.go, IsSwarmCompatible",
				"an engine with the nftables back end cannot be in a swarm, but with iptables: false, or from 29.6 on with the feature swarm-nftables"),
			never("hosts", "host", "moby daemon/config/config.go, findConfigurationConflicts", "the engine's unit sets -H, and an engine with both does not start"),
			never("swarm-default-advertise-addr", "", inConfig, "write advertise instead"),
			never("pidfile", "", inConfig, "it is by this file that swarmup, and the engine's unit, find its process"),
			never("rootless", "", "docs.docker.com/engine/security/rootless/troubleshoot", "an engine without root has no overlay networks"),
		},
		since("up to 20.10", []Key{
			never("cluster-store", "", inOld, "an engine with a cluster store cannot be in a swarm"),
			never("cluster-advertise", "", inOld, "an engine with a cluster store cannot be in a swarm"),
			never("cluster-store-opts", "cluster-store-opt", inOld, "an engine with a cluster store cannot be in a swarm"),
		}),
		since("23.0 on", []Key{
			never("proxies", "", "moby daemon/config/config.go, Proxies", proxy),
			never("http-proxy", "", "moby daemon/config/config.go, Proxies", proxy),
			never("https-proxy", "", "moby daemon/config/config.go, Proxies", proxy),
			never("no-proxy", "", "moby daemon/config/config.go, Proxies", proxy),
		}),
	)
}

// networkKeys are about networks; all take a restart.
func networkKeys() []Key {
	return slices.Concat(
		named(inConfig, Restart, `bridge fixed-cidr default-address-pools=default-address-pool network-control-plane-mtu dns dns-opts=dns-opt dns-search`),
		named(inConfigOS, Restart, `iptables ip6tables ip-forward ip-masq userland-proxy userland-proxy-path ipv6 fixed-cidr-v6 mtu ip bip
			default-gateway default-gateway-v6 icc`),
		named(inConfig, Restart, "host-gateway-ip"),
		since("28.0 on", named(inConfigOS, Restart, "ip-forward-no-drop bip6 allow-direct-routing")),
		since("28.0 on", named(inConfig, Restart, "host-gateway-ips=host-gateway-ip")),
		since("28.3 on", named(inConfigOS, Restart, "bridge-accept-fwmark")),
		since("24.0 on", named(inConfig, Restart, "default-network-opts=default-network-opt")),
	)
}

// containerKeys are what containers get, and where they are kept; all take a restart.
func containerKeys() []Key {
	return slices.Concat(
		named(inConfig, Restart, `log-driver log-opts=log-opt exec-opts=exec-opt storage-driver storage-opts=storage-opt
			node-generic-resources=node-generic-resource`),
		named(inConfigOS, Restart, `default-init cgroup-parent selinux-enabled userns-remap default-ulimits=default-ulimit cpu-rt-period
			cpu-rt-runtime init init-path seccomp-profile no-new-privileges`),
		since("25.0 on", named(inConfig, Restart, "cdi-spec-dirs=cdi-spec-dir")),
		since("29 on", named("docker/cli 29.9 docs/reference/dockerd.md", Restart, "apparmor-profile")),
		since("up to 24.0", named(inOld, Restart, "oom-score-adjust")),
		since("up to 26.1", named(inOld, Restart, "allow-nondistributable-artifacts")),
	)
}

// processKeys are about dockerd itself; all take a restart. With another
// data-root an engine knows nothing any more of the swarm that it was in.
func processKeys() []Key {
	return slices.Concat(
		named(inConfig, Restart, `authorization-plugins=authorization-plugin raw-logs data-root exec-root group log-level tls tlsverify
			tlscacert tlscert tlskey swarm-raft-heartbeat-tick swarm-raft-election-tick metrics-addr experimental containerd cri-containerd
			builder containerd-namespace containerd-plugins-namespace deprecated-key-path`),
		since("25.0 on", named(inConfig, Restart, "log-format")),
		since("29 on", named("moby daemon/config/config.go, MinAPIVersion", Restart, "min-api-version")),
		since("up to 27", named(inOld, Restart, "api-cors-header")),
		since("up to 20.10", named(inOld, Restart, "graph")),
	)
}
