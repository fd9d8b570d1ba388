package engine

import "time"

// Config is a config object of a swarm without its content, which never
// changes. Its labels may, and names are unique in a swarm (swarmkit
// manager/controlapi/config.go).
type Config struct {
	ID     string
	Name   string
	Labels map[string]string
	// Version counts writes: an update names the one that it is meant for. It is
	// 0 where it was not read.
	Version uint64
	// Created and Updated are by the clock of whoever led the swarm then.
	Created time.Time
	Updated time.Time
}
