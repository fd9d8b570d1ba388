// Package transfer copies files and trees between this computer and machines, over
// SFTP, and between two machines through this computer, as a stream. It keeps
// permissions and, within trees, symbolic links; it never follows a link out of
// the tree that it writes, and runs nothing on a machine.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Side is a file system at one end of a copy: Local, or a machine's. Paths have
// slashes. Its methods may be called concurrently.
type Side interface {
	// Stat follows links, Lstat does not.
	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)
	// List gives the names in a folder.
	List(name string) ([]string, error)
	Readlink(name string) (string, error)
	Open(name string) (io.ReadCloser, error)
	// Within gives what files are written with: all beneath a folder that is there.
	Within(dir string) (Writer, error)
}

// Writer writes beneath one folder.
type Writer interface {
	// Create makes or empties a file.
	Create(name string, mode fs.FileMode) (io.WriteCloser, error)
	// Mkdir makes a folder; one that is there is no error.
	Mkdir(name string) error
	// Symlink makes a link, in the place of a link or file that is there.
	Symlink(target, name string) error
	Chmod(name string, mode fs.FileMode) error
	Close() error
}

// Place is a path on a side.
type Place struct {
	Side Side
	Path string
	// Name is how messages call it, such as "mgr1:/etc/hosts".
	Name string
}

// Options are how files are copied.
type Options struct {
	// Recursive copies folders too.
	Recursive bool
	// Progress is told of each file how much of it was copied, of how many bytes;
	// nil is allowed. It is called often.
	Progress func(name string, done, size int64)
}

// Copy copies files: to a folder where the target is one, else a single one to the
// target's path. What cannot be copied does not keep the rest from it; the errors
// are in the order of the sources. Several sources need a folder.
func Copy(ctx context.Context, from []Place, to Place, o Options) []error {
	c := copier{ctx: ctx, o: o}
	info, err := to.Side.Stat(to.Path)
	folder := err == nil && info.IsDir()
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return []error{fmt.Errorf("look at %s: %w", to.Name, plain(err))}
	case !folder && (len(from) > 1 || strings.HasSuffix(to.Path, "/")):
		return []error{fmt.Errorf("copy to %s: it is no folder", to.Name)}
	}
	for _, f := range from {
		dir, name := path.Split(path.Clean(to.Path))
		if folder {
			dir, name = to.Path, path.Base(path.Clean(f.Path))
		}
		c.one(f, to, dir, name)
		if ctx.Err() != nil {
			return append(c.failures, context.Cause(ctx))
		}
	}
	return c.failures
}

type copier struct {
	ctx      context.Context
	o        Options
	into     Writer
	failures []error
}

func (c *copier) fail(doing, name string, err error) {
	if c.ctx.Err() == nil {
		c.failures = append(c.failures, fmt.Errorf("%s %s: %w", doing, name, plain(err)))
	}
}

// one copies a source to a name in a folder.
func (c *copier) one(from, to Place, dir, name string) {
	info, err := from.Side.Stat(from.Path)
	switch {
	case err != nil:
		c.fail("read", from.Name, err)
		return
	case info.IsDir() && !c.o.Recursive:
		c.fail("copy", from.Name, errors.New("it is a folder; -r copies folders"))
		return
	case name == "." || name == ".." || name == "/":
		name = "."
	}
	into, err := to.Side.Within(dir)
	if err != nil {
		c.fail("write to", to.Name, err)
		return
	}
	c.into = into
	if info.IsDir() {
		c.tree(from, name, info)
	} else {
		c.file(from, name, info)
	}
	if err := into.Close(); err != nil {
		c.fail("write to", to.Name, err)
	}
}

// tree copies a folder. Its own permissions come last, so that it can be written to.
func (c *copier) tree(from Place, name string, info fs.FileInfo) {
	names, err := from.Side.List(from.Path)
	if err == nil {
		err = c.into.Mkdir(name)
	}
	if err != nil {
		c.fail("copy", from.Name, err)
		return
	}
	slices.Sort(names)
	for _, n := range names {
		if c.ctx.Err() != nil {
			return
		}
		if n == "" || n == "." || n == ".." || strings.ContainsAny(n, "/\x00") {
			c.fail("copy", from.Name, fmt.Errorf("%q in it is no name of a file", n))
			continue
		}
		c.entry(Place{from.Side, path.Join(from.Path, n), path.Join(from.Name, n)}, path.Join(name, n))
	}
	if err := c.into.Chmod(name, info.Mode().Perm()); err != nil {
		c.fail("set the permissions of", name, err)
	}
}

func (c *copier) entry(from Place, name string) {
	info, err := from.Side.Lstat(from.Path)
	switch {
	case err != nil:
		c.fail("read", from.Name, err)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := from.Side.Readlink(from.Path)
		if err == nil {
			err = c.into.Symlink(target, name)
		}
		if err != nil {
			c.fail("copy the link", from.Name, err)
		}
	case info.IsDir():
		c.tree(from, name, info)
	default:
		c.file(from, name, info)
	}
}

func (c *copier) file(from Place, name string, info fs.FileInfo) {
	if !info.Mode().IsRegular() {
		c.fail("copy", from.Name, errors.New("it is neither a file nor a folder"))
		return
	}
	in, err := from.Side.Open(from.Path)
	if err != nil {
		c.fail("read", from.Name, err)
		return
	}
	defer func() { _ = in.Close() }()
	out, err := c.into.Create(name, info.Mode().Perm())
	if err != nil {
		c.fail("write", name, err)
		return
	}
	counted := &counter{ctx: c.ctx, from: in, tell: c.o.Progress, name: from.Name, size: info.Size()}
	_, err = io.Copy(out, counted)
	if err = errors.Join(err, out.Close()); err == nil {
		err = c.into.Chmod(name, info.Mode().Perm())
	}
	if err != nil {
		c.fail("copy", from.Name, err)
		return
	}
	counted.told()
}

// counter is a reader that tells how far it is, and ends with ctx.
type counter struct {
	ctx        context.Context
	from       io.Reader
	tell       func(string, int64, int64)
	name       string
	done, size int64
}

// Read reads.
func (c *counter) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	n, err := c.from.Read(p)
	c.done += int64(n)
	if n > 0 {
		c.told()
	}
	return n, err
}

func (c *counter) told() {
	if c.tell != nil {
		c.tell(c.name, c.done, max(c.size, c.done))
	}
}

// plain drops the path and the call that a file system error repeats.
func plain(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
