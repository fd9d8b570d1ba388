package docker

import (
	"strconv"
	"strings"
)

// availableMemory reads MemAvailable, in bytes, from /proc/meminfo (proc(5));
// 0 where it is not there.
func availableMemory(meminfo string) int64 {
	for line := range strings.Lines(meminfo) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemAvailable:" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				return 0
			}
			return kb * 1024
		}
	}
	return 0
}
