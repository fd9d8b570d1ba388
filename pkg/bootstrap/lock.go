package bootstrap

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

// LockFile is the record of a lock in a file on a machine, for the time in which
// there is no swarm to keep it. The file is in /run, so that no restart of the
// machine leaves it. Each write is all or nothing, one after the other.
type LockFile struct {
	// ID is the same for as long as the record is there.
	ID string
	// Version grows with each write.
	Version uint64
	Content []byte
	// Updated is when it was written, and Now when it was read, both by the
	// machine's own clock, in seconds.
	Updated time.Time
	Now     time.Time
}

// ReadLock gives the record; engine.ErrNotFound where there is none.
func ReadLock(ctx context.Context, h Host) (LockFile, error) {
	return lockFile(ctx, h, call{args: []string{"read"}})
}

// CreateLock makes the record. If there is one it is engine.ErrExists.
func CreateLock(ctx context.Context, h Host, id string, content []byte) (LockFile, error) {
	return lockFile(ctx, h, call{args: []string{"create", id}, stdin: string(content), changes: true})
}

// UpdateLock writes the record anew, if it is still the one that was read; else it
// is engine.ErrOutdated, or engine.ErrNotFound.
func UpdateLock(ctx context.Context, h Host, was LockFile, content []byte) (LockFile, error) {
	version := strconv.FormatUint(was.Version, 10)
	return lockFile(ctx, h, call{args: []string{"update", was.ID, version}, stdin: string(content), changes: true})
}

// RemoveLock removes the record of that ID, whatever its version; none is success.
func RemoveLock(ctx context.Context, h Host, id string) error {
	_, err := run(ctx, h, call{script: "lock", args: []string{"remove", id}, limit: scriptLimit, changes: true})
	if err != nil {
		return fmt.Errorf("remove lock file: %w", err)
	}
	return nil
}

func lockFile(ctx context.Context, h Host, c call) (LockFile, error) {
	c.script, c.limit = "lock", scriptLimit
	a, err := run(ctx, h, c)
	if err == nil {
		err = refusedLock(a)
	}
	var f LockFile
	if err == nil {
		f, err = readLockFile(a)
	}
	if err != nil {
		return LockFile{}, fmt.Errorf("%s lock file: %w", c.args[0], err)
	}
	return f, nil
}

func refusedLock(a answer) error {
	for name, err := range map[string]error{"exists": engine.ErrExists, "outdated": engine.ErrOutdated, "absent": engine.ErrNotFound} {
		if _, ok := a[name]; ok {
			return err
		}
	}
	if a.text("id") == "" {
		return engine.ErrNotFound
	}
	return nil
}

func readLockFile(a answer) (LockFile, error) {
	f := LockFile{Content: a["content"]}
	var updated, now int64
	if _, err := fmt.Sscan(a.text("id"), &f.ID, &f.Version); err != nil {
		return f, fmt.Errorf("read %q: %w", head(a.text("id")), err)
	}
	if _, err := fmt.Sscan(a.text("times"), &updated, &now); err != nil {
		return f, fmt.Errorf("read %q: %w", head(a.text("times")), err)
	}
	f.Updated, f.Now = time.Unix(updated, 0), time.Unix(now, 0)
	return f, nil
}
