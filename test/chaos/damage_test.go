package chaos

import (
	"fmt"
	"strings"
)

// damage is what goes wrong.
type damage string

const (
	kill      damage = "swarmup killed"
	interrupt damage = "swarmup interrupted"
	daemon    damage = "dockerd killed"
	halt      damage = "dockerd stopped"
	pause     damage = "machine paused"
	cut       damage = "packets dropped"
	unplug    damage = "network unplugged"
	shutdown  damage = "machine stopped"
	power     damage = "machine powered off"
	remove    damage = "machine deleted"
	full      damage = "disk full"
)

// damages has the most frequent ones more than once.
func damages() []damage {
	return []damage{kill, kill, kill, interrupt, daemon, daemon, halt, pause, cut, unplug, shutdown, power, remove, remove, full}
}

// toSwarmup says whether it is swarmup itself that is damaged, and no machine.
func (d damage) toSwarmup() bool { return d == kill || d == interrupt }

// lasts says whether somebody has to mend it before apply can.
func (d damage) lasts() bool { return d == pause || d == cut || d == unplug || d == full }

// victim is the machine that is damaged.
type victim struct {
	id, node, address, network string
}

// inflict does the damage.
func (d damage) inflict(v victim) error {
	switch d {
	case daemon:
		return sh(v.id, "kill -9 $(cat /run/docker.pid)")
	case halt:
		return sh(v.id, "systemctl stop docker.socket docker.service")
	case pause:
		return run("pause", v.id)
	case cut:
		return sh(v.id, dropAll)
	case unplug:
		return run("network", "disconnect", "--force", v.network, v.id)
	case shutdown:
		return run("stop", "-t", "5", v.id)
	case power:
		return run("kill", v.id)
	case remove:
		return run("rm", "-f", "-v", v.id)
	case full:
		return sh(v.id, fill)
	}
	return fmt.Errorf("%s is no damage to a machine", d)
}

// heal does what a person would do about it.
func (d damage) heal(v victim) error {
	switch d {
	case pause:
		return run("unpause", v.id)
	case cut:
		return sh(v.id, strings.ReplaceAll(dropAll, "-I", "-D"))
	case unplug:
		return run("network", "connect", "--ip", v.address, v.network, v.id)
	case full:
		return sh(v.id, unfill)
	}
	return nil
}

// dropAll keeps all packets but those to the machine itself from passing.
const dropAll = `set -e
iptables -w -I INPUT ! -i lo -j DROP
iptables -w -I OUTPUT ! -o lo -j DROP`

// fill lays a disk without room over the engine's configuration, with what was
// there on it, and, on a machine that is no member yet, over the swarm's state.
const fill = `set -e
mkdir -p /etc/docker /var/lib/docker/swarm /mnt/full
cp -a /etc/docker/. /mnt/full/
mount -t tmpfs -o size=64k tmpfs /etc/docker
cp -a /mnt/full/. /etc/docker/
rm -rf /mnt/full
dd if=/dev/zero of=/etc/docker/.fill bs=1k count=64 2>/dev/null || true
if [ -z "$(ls /var/lib/docker/swarm)" ]; then
	mount -t tmpfs -o size=16k tmpfs /var/lib/docker/swarm
	dd if=/dev/zero of=/var/lib/docker/swarm/.fill bs=1k count=16 2>/dev/null || true
fi`

// unfill gives the disk room, and keeps what came to be on it. Where the swarm's
// state is on it the engine is restarted, as after a move to a larger disk.
const unfill = `set -e
rm -f /etc/docker/.fill
cp -a /etc/docker /mnt/docker
umount /etc/docker
cp -a /mnt/docker/. /etc/docker/
rm -rf /mnt/docker
if mountpoint -q /var/lib/docker/swarm; then
	rm -f /var/lib/docker/swarm/.fill
	systemctl stop docker.socket docker.service
	cp -a /var/lib/docker/swarm /var/lib/docker/swarm.full
	umount /var/lib/docker/swarm
	rmdir /var/lib/docker/swarm
	mv /var/lib/docker/swarm.full /var/lib/docker/swarm
	systemctl start docker.service
fi`
