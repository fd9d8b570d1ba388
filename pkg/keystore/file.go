package keystore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/swarmup/swarmup/pkg/engine"
)

// mostText bounds what is read of a file or a program, in bytes.
const mostText = 64 << 10

// read gives what a file holds.
func read(path string) (Kept, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Kept{}, ErrEmpty
	}
	if err != nil {
		return Kept{}, fmt.Errorf("read key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, mostText))
	if err != nil {
		return Kept{}, fmt.Errorf("read key file: %w", err)
	}
	kept, err := parse(string(text))
	if err != nil && !errors.Is(err, ErrEmpty) {
		return Kept{}, fmt.Errorf("read key file %s: %w", path, err)
	}
	return kept, err
}

// write puts a key into the file, whatever there is about it that may be lost.
func (s Store) write(key engine.Key, swarm string) (note string, err error) {
	path := s.where.KeyFile
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	next := Kept{Keys: []engine.Key{key}, Swarm: swarm, Cluster: s.cluster}
	had, err := read(path)
	switch {
	case errors.Is(err, ErrEmpty):
	case err != nil:
		return "", err
	case had.Keys[0].Same(key): // perhaps without saying whose it is
		next.Keys = had.Keys
	case had.Swarm == swarm:
		next.Keys = append(next.Keys, had.Keys[0])
	default:
		if err := s.Mine(had, swarm); err != nil {
			return "", err
		}
		aside := path + "." + had.Swarm
		if err := setAside(path, aside); err != nil {
			return "", err
		}
		note = fmt.Sprintf("the key of the earlier swarm %s is in %s now", had.Swarm, aside)
	}
	return note, replace(path, next.format())
}

// setAside gives a file another name, and takes none away.
func setAside(path, aside string) error {
	err := os.Link(path, aside)
	if err != nil && !errors.Is(err, fs.ErrExist) { // a run that was cut off
		return fmt.Errorf("keep the old key file: %w", err)
	}
	return nil
}

// replace writes a file that only its owner may read, beside the one there is,
// and puts it in its place. What a run that was killed left beside it goes.
func replace(path, text string) (err error) {
	beside := path + ".new"
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write key file: %w", err)
	}
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	_, err = io.WriteString(f, text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(beside, path)
	}
	if err != nil {
		_ = os.Remove(beside)
		return fmt.Errorf("write key file: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a new name outlast a crash of the computer, where its system
// can do that.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // the file is written
	}
	_ = d.Sync()
	return d.Close()
}
