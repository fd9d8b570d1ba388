package preflight

import "fmt"

// A manager writes a snapshot and its log under the engine's folder before it
// says yes to anything, a megabyte or so in a new swarm; with less than noRoom
// neither that nor an installation comes to an end. Below littleRoom the first
// images fill the disk, and a manager whose disk is full is lost to its swarm.
const (
	noRoom     = 64 << 20
	littleRoom = 1 << 30
)

func (j *judge) disk(h Host) {
	text := fmt.Sprintf("%s has %d MiB left where its engine keeps its data", h.Name, h.DiskFree>>20)
	const hint = "make room (docker system df shows what takes it), or give it a larger disk"
	switch {
	case h.DiskFree == 0:
	case h.DiskFree < noRoom:
		j.add(Disk, h.Name, text, hint)
	case h.DiskFree < littleRoom:
		j.add(DiskLow, h.Name, text, hint)
	}
}
