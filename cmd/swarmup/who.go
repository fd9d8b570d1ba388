package main

import (
	"cmp"
	"fmt"
	"os"
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
		ID: lock.NewID(), Holder: user + "@" + host, Process: os.Getpid(),
		Command: "swarmup " + command, Since: time.Now(),
	}
}
