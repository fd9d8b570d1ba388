package docker

import (
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"

	"github.com/swarmup/swarmup/pkg/provider"
)

// blueprint is everything the engine is told about a machine.
type blueprint struct {
	req       provider.Request
	made      map[string]string // what it is made with
	image     string
	net       clusterNet
	address   string
	hostKey   string
	publish   bool
	publishOn string // IP address; "" means all
	modules   bool   // /lib/modules of the host
}

// stopSeconds is how long systemd gets to switch the machine off.
const stopSeconds = 30

func (b blueprint) config() *container.Config {
	seconds := stopSeconds
	return &container.Config{
		Hostname:    b.req.Node,
		Image:       b.image,
		Entrypoint:  []string{"/bin/sh", initPath},
		Labels:      machineLabels(b.req, b.made, b.address, b.hostKey),
		StopSignal:  "SIGRTMIN+3", // systemd(1): halts the machine
		StopTimeout: &seconds,
		ExposedPorts: nat.PortSet{
			sshPortName: {},
		},
	}
}

func (b blueprint) host() *container.HostConfig {
	h := &container.HostConfig{
		NetworkMode:   container.NetworkMode(b.net.id),
		CapAdd:        capabilities(),
		SecurityOpt:   []string{"seccomp=unconfined", "apparmor=unconfined", "label=disable"},
		MaskedPaths:   []string{},
		ReadonlyPaths: []string{},
		CgroupnsMode:  container.CgroupnsModePrivate,
		RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyUnlessStopped},
		Tmpfs:         map[string]string{"/run": "exec", "/tmp": "exec"},
		Mounts:        []mount.Mount{b.volume("docker"), b.volume("containerd")},
		Resources: container.Resources{
			NanoCPUs:   int64(b.req.CPUs * 1e9),
			Memory:     b.req.Memory,
			MemorySwap: b.req.Memory, // the same means no swap on top of it
		},
	}
	if b.modules {
		h.Binds = []string{"/lib/modules:/lib/modules:ro"}
	}
	if b.publish {
		h.PortBindings = nat.PortMap{sshPortName: {{HostIP: b.publishOn}}}
	}
	return h
}

// volume is a disk for /var/lib/NAME: an engine's layers do not stack on those
// of the engine outside. It has no name, so that the engine removes it in one go
// with the container, whoever asks for that (moby daemon/mounts.go keeps volumes
// that have one); its labels say whose it is.
func (b blueprint) volume(name string) mount.Mount {
	return mount.Mount{
		Type:   mount.TypeVolume,
		Target: "/var/lib/" + name,
		VolumeOptions: &mount.VolumeOptions{
			NoCopy: true,
			Labels: map[string]string{labelCluster: b.req.Cluster, labelName: b.req.Name},
		},
	}
}

func (b blueprint) networking() *network.NetworkingConfig {
	return &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
		b.net.id: {IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: b.address}},
	}}
}

// capabilities are what systemd, sshd and an engine with its containers need
// (capabilities(7)). It is not --privileged: that asks for every capability and
// device there is, and fails on hosts that lack one, such as SYS_RESOURCE in
// many sandboxes. Absent on purpose are those that reach past the machine to the
// host's clock, hardware and security modules, and names that Engine 20.10 does
// not know.
func capabilities() []string {
	return []string{
		"AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE",
		"DAC_READ_SEARCH", "FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL",
		"LEASE", "LINUX_IMMUTABLE", "MKNOD", "NET_ADMIN", "NET_BIND_SERVICE",
		"NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID",
		"SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE",
		"SYS_PTRACE", "SYS_TTY_CONFIG",
	}
}
