package swarm

import (
	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmup/swarmup/pkg/engine"
)

// logOf gives of a swarm's raft settings what may be changed here. The numbers are
// below the bounds of the file, or somebody else's own.
func logOf(r swarm.RaftConfig) engine.Log {
	out := engine.Log{SnapshotInterval: int(r.SnapshotInterval), SlowFollowers: int(r.LogEntriesForSlowFollowers)} //nolint:gosec // see above
	if r.KeepOldSnapshots != nil {
		out.OldSnapshots = int(*r.KeepOldSnapshots) //nolint:gosec // see above
	}
	return out
}

// setLog writes what differs.
func setLog(r *swarm.RaftConfig, want engine.Log) {
	have := logOf(*r)
	if want.SnapshotInterval != have.SnapshotInterval {
		r.SnapshotInterval = uint64(max(0, want.SnapshotInterval))
	}
	if want.SlowFollowers != have.SlowFollowers {
		r.LogEntriesForSlowFollowers = uint64(max(0, want.SlowFollowers))
	}
	if want.OldSnapshots != have.OldSnapshots {
		old := uint64(max(0, want.OldSnapshots))
		r.KeepOldSnapshots = &old
	}
}
