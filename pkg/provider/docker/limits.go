package docker

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// What one machine takes of its host, measured with the images of this package
// (Debian 12 and 13, Engine 20.10 to 28.5) and rounded up.
const (
	inotifyPerMachine = 6       // instances, all of root's
	inotifyBase       = 32      // what else root has on a usual host
	keysPerMachine    = 1       // keyrings of the one user that is not root, messagebus
	memoryPerMachine  = 100e6   // bytes, as a member of a swarm without services
	diskPerMachine    = 64e6    // bytes, without images
	diskForImage      = 1_500e6 // bytes, while it is made
)

// host is what the engine's host has to give. A limit of 0 is not known.
type host struct {
	inotify    int // fs.inotify.max_user_instances
	keys       int // kernel.keys.maxkeys
	neighbours int // net.ipv4.neigh.default.gc_thresh3
	memory     int64
	disk       int64
	diskPath   string
}

// demand is how many machines there will be.
type demand struct {
	clusters map[string]int // cluster -> machines that are on, with those to come
	more     int            // machines to come
	image    bool           // an image has to be made
}

func (d demand) machines() int {
	n := 0
	for _, count := range d.clusters {
		n += count
	}
	return n
}

// neighbours are the entries of the one table that all network namespaces share:
// each machine comes to know every other of its cluster and its gateway, and the
// host knows each machine (Linux net/ipv4/arp.c, arp_tbl).
func (d demand) neighbours() int {
	n := 0
	for _, count := range d.clusters {
		n += count * (count + 1)
	}
	return n
}

// shortages names every limit that the machines would exceed, with its remedy.
func (h host) shortages(d demand) error {
	machines := d.machines()
	var errs []error
	for _, l := range []struct {
		sysctl     []string
		have, need int
	}{
		{[]string{"fs.inotify.max_user_instances"}, h.inotify, inotifyBase + inotifyPerMachine*machines},
		{[]string{"kernel.keys.maxkeys"}, h.keys, keysPerMachine * machines},
		{neighbourSysctls(), h.neighbours, d.neighbours()},
	} {
		if l.have != 0 && l.have < l.need {
			errs = append(errs, fmt.Errorf("%s %s of %d at least, it is %d: run %q",
				needing(machines, ""), l.sysctl[0], l.need, l.have, remedy(l.sysctl, l.need)))
		}
	}
	if need := int64(d.more) * memoryPerMachine; h.memory != 0 && h.memory < need {
		errs = append(errs, fmt.Errorf("%s %s of memory, %s is available", needing(d.more, "more "), megabytes(need), megabytes(h.memory)))
	}
	need := int64(d.more) * diskPerMachine
	if d.image {
		need += diskForImage
	}
	if h.disk != 0 && h.disk < need {
		errs = append(errs, fmt.Errorf("%s %s of disk in %s, %s is free", needing(d.more, "more "), megabytes(need), h.diskPath, megabytes(h.disk)))
	}
	return errors.Join(errs...)
}

// neighbourSysctls begins with the one that counts; the others are thresholds
// beneath it, at which the kernel begins to throw entries out (arp(7)).
func neighbourSysctls() []string {
	const prefix = "net.ipv4.neigh.default.gc_thresh"
	return []string{prefix + "3", prefix + "2", prefix + "1"}
}

// remedy is the command that makes room, with as much again to spare. Each
// sysctl after the first gets half of the one before it.
func remedy(sysctls []string, need int) string {
	value := 1024
	for value < 2*need {
		value *= 2
	}
	var settings []string
	for _, name := range sysctls {
		settings = append(settings, fmt.Sprintf("%s=%d", name, value))
		value /= 2
	}
	slices.Reverse(settings)
	return "sudo sysctl -w " + strings.Join(settings, " ")
}

// needing begins a sentence: "1 more machine needs", "2 machines need".
func needing(n int, more string) string {
	if n == 1 {
		return "1 " + more + "machine needs"
	}
	return fmt.Sprintf("%d %smachines need", n, more)
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n/1e6) }
