package docker

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// readHost reads the limits of this machine. What cannot be read is left 0:
// a network namespace of its own, for one, does not show the table of neighbours.
func readHost(dockerRoot string) host {
	h := host{
		inotify:    sysctl("fs/inotify/max_user_instances"),
		keys:       sysctl("kernel/keys/maxkeys"),
		neighbours: sysctl("net/ipv4/neigh/default/gc_thresh3"),
		diskPath:   dockerRoot,
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		h.memory = availableMemory(string(text))
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dockerRoot, &fs); err == nil {
		h.disk = int64(min(fs.Bavail, math.MaxInt64/4096)) * int64(fs.Bsize)
	}
	return h
}

func sysctl(path string) int {
	text, err := os.ReadFile(filepath.Join("/proc/sys", path))
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return n
}
