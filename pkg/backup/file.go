package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Source is a cluster that backups are taken of.
type Source interface {
	// SaveSwarm stops the engine of a manager, hands the tar of its swarm folder to
	// read, and starts the engine again. When it returns the manager is one again,
	// whatever went wrong.
	SaveSwarm(ctx context.Context, node string, read func(io.Reader) error) error
}

// Target is a cluster that a backup is put into.
type Target interface {
	// RestoreSwarm makes the host of a node the only manager of the swarm whose
	// folder it is given as a tar, and returns the swarm's ID once it leads.
	RestoreSwarm(ctx context.Context, node string, content io.Reader) (swarmID string, err error)
}

// Write takes the backup that m describes into a new file, mode 0600. The file is
// there whole or not at all; its size is returned.
func Write(ctx context.Context, s Source, m Manifest, file string) (size int64, err error) {
	if _, err := os.Lstat(file); err == nil {
		return 0, refusef("name another file", "%q is there already", file)
	}
	part := file + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(part)
	}()
	if err := f.Chmod(0o600); err != nil {
		return 0, err
	}
	if err := s.SaveSwarm(ctx, m.Node, func(from io.Reader) error { return write(f, m, from) }); err != nil {
		return 0, fmt.Errorf("back up %s: %w", m.Cluster, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return 0, err
	}
	st, err := os.Stat(part)
	if err != nil {
		return 0, err
	}
	return st.Size(), os.Rename(part, file)
}

// Open verifies a whole file and says what it is a backup of.
func Open(file string) (Manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return Manifest{}, err
	}
	defer func() { _ = f.Close() }()
	m, err := read(f, nil)
	if err != nil {
		return m, fmt.Errorf("read %q: %w", file, err)
	}
	return m, nil
}

// Restore makes a node the only manager of the swarm in a file, which is verified
// before anything is touched.
func Restore(ctx context.Context, t Target, file, node string) (swarmID string, err error) {
	if _, err := Open(file); err != nil {
		return "", err
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	from, to := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		_, err := read(f, to)
		_ = to.CloseWithError(err) // nil is the end of it
		sent <- err
	}()
	id, err := t.RestoreSwarm(ctx, node, from)
	_ = from.CloseWithError(io.ErrClosedPipe)
	if bad := <-sent; bad != nil && !errors.Is(bad, io.ErrClosedPipe) {
		err = bad
	}
	if err != nil {
		return "", fmt.Errorf("restore %q to %s: %w", file, node, err)
	}
	return id, nil
}
