package transfer

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Local is the file system of this computer.
type Local struct{}

// Stat follows links.
func (Local) Stat(name string) (fs.FileInfo, error) { return os.Stat(filepath.FromSlash(name)) }

// Lstat does not.
func (Local) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(filepath.FromSlash(name)) }

// Readlink gives the target of a link.
func (Local) Readlink(name string) (string, error) { return os.Readlink(filepath.FromSlash(name)) }

// Open opens a file to read.
func (Local) Open(name string) (io.ReadCloser, error) { return os.Open(filepath.FromSlash(name)) }

// List gives the names in a folder.
func (Local) List(name string) ([]string, error) {
	entries, err := os.ReadDir(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out, nil
}

// Within opens a folder to write to; no link leads out of it.
func (Local) Within(dir string) (Writer, error) {
	if dir == "" {
		dir = "."
	}
	root, err := os.OpenRoot(filepath.FromSlash(dir))
	if err != nil {
		return nil, err
	}
	return localWriter{root}, nil
}

type localWriter struct{ root *os.Root }

func (w localWriter) Close() error { return w.root.Close() }

func (w localWriter) Create(name string, mode fs.FileMode) (io.WriteCloser, error) {
	return w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode|0o200)
}

func (w localWriter) Mkdir(name string) error {
	err := w.root.Mkdir(name, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := w.root.Stat(name)
	if err == nil && !info.IsDir() {
		err = fs.ErrExist
	}
	return err
}

func (w localWriter) Symlink(target, name string) error {
	err := w.root.Symlink(target, name)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := w.root.Lstat(name); err != nil || info.IsDir() {
		return fs.ErrExist
	}
	if err := w.root.Remove(name); err != nil {
		return err
	}
	return w.root.Symlink(target, name)
}

func (w localWriter) Chmod(name string, mode fs.FileMode) error { return w.root.Chmod(name, mode) }
