package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/lock"
)

// whoami says who runs this, for those who find the cluster locked.
func whoami(command string) lock.Run {
	user := cmp.Or(os.Getenv("USER"), os.Getenv("LOGNAME"), fmt.Sprint("user ", os.Getuid()))
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return lock.Run{
		ID: lock.NewID(), Holder: user + "@" + host, Process: os.Getpid(), Space: processSpace(),
		Command: "swarmup " + command, Since: time.Now(),
	}
}

// processSpace names the space that this process has its number in: a process
// namespace of one start of a kernel, so that containers are told apart. It is ""
// where the kernel is not Linux.
func processSpace() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + space
}

// over says whether a run is certainly over: it was in the space of processes that
// this one is in, and there is nobody of its number.
func over(r lock.Run) bool {
	space := processSpace()
	if space == "" || r.Space != space || r.Process <= 0 {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.Process))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	// The state stands behind the name, which may hold anything (proc_pid_stat(5)):
	// Z is of a process that has ended, and that its parent has not asked for yet.
	return strings.HasPrefix(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " Z")
}
