package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/pkg/sftp"
)

// ErrNoSFTP means that the sshd of a machine offers no SFTP.
var ErrNoSFTP = errors.New("its sshd offers no sftp (Subsystem sftp in sshd_config)")

// Host is what a machine has to offer.
type Host interface {
	Subsystem(ctx context.Context, name string) (io.ReadWriteCloser, error)
}

// Remote is the file system of a machine, as its login user sees it. Relative
// paths begin in the user's home.
type Remote struct {
	client *sftp.Client
	stop   func() bool
}

// Dial opens the file system of a machine; the end of ctx ends it. missing is the
// error of a Host without the subsystem: it becomes ErrNoSFTP.
func Dial(ctx context.Context, h Host, missing error) (*Remote, error) {
	stream, err := h.Subsystem(ctx, "sftp")
	switch {
	case errors.Is(err, missing):
		return nil, fmt.Errorf("copy files: %w", ErrNoSFTP)
	case err != nil:
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	client, err := sftp.NewClientPipe(stream, stream, sftp.UseConcurrentWrites(true))
	switch {
	case err == nil:
		return &Remote{client, stop}, nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // the program that is named is not there
		err = ErrNoSFTP
	}
	stop()
	return nil, errors.Join(fmt.Errorf("copy files: %w", err), stream.Close())
}

// Close ends it.
func (r *Remote) Close() error {
	r.stop()
	_ = r.client.Close() // what was written was closed before
	return nil
}

// Stat follows links.
func (r *Remote) Stat(name string) (fs.FileInfo, error) { return r.client.Stat(home(name)) }

// Lstat does not.
func (r *Remote) Lstat(name string) (fs.FileInfo, error) { return r.client.Lstat(home(name)) }

// Readlink gives the target of a link.
func (r *Remote) Readlink(name string) (string, error) { return r.client.ReadLink(home(name)) }

// Open opens a file to read, many pieces at once.
func (r *Remote) Open(name string) (io.ReadCloser, error) {
	f, err := r.client.Open(home(name))
	if err != nil {
		return nil, err
	}
	out, in := io.Pipe()
	a := &ahead{PipeReader: out, file: f, over: make(chan struct{})}
	go func() {
		defer close(a.over)
		_, err := f.WriteTo(in)
		_ = in.CloseWithError(err)
	}()
	return a, nil
}

// ahead is a file of which more is read than was asked for.
type ahead struct {
	*io.PipeReader
	file *sftp.File
	over chan struct{}
}

// Close waits for what is under way.
func (a *ahead) Close() error {
	_ = a.PipeReader.Close()
	<-a.over
	return a.file.Close()
}

// List gives the names in a folder.
func (r *Remote) List(name string) ([]string, error) {
	entries, err := r.client.ReadDir(home(name))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out, nil
}

// Within gives what is written with beneath a folder. What links lead to there is
// the machine's own business.
func (r *Remote) Within(dir string) (Writer, error) {
	info, err := r.client.Stat(home(dir))
	if err == nil && !info.IsDir() {
		err = errors.New("it is no folder")
	}
	return remoteWriter{r.client, home(dir)}, err
}

func home(name string) string {
	if name == "" {
		return "."
	}
	return name
}

type remoteWriter struct {
	client *sftp.Client
	dir    string
}

func (remoteWriter) Close() error { return nil }

// Create gives the file its permissions before there is anything in it.
func (w remoteWriter) Create(name string, mode fs.FileMode) (io.WriteCloser, error) {
	f, err := w.client.Create(path.Join(w.dir, name))
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(mode | 0o200); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (w remoteWriter) Mkdir(name string) error {
	err := w.client.Mkdir(path.Join(w.dir, name))
	if err == nil {
		return nil
	}
	if info, serr := w.client.Stat(path.Join(w.dir, name)); serr == nil && info.IsDir() {
		return nil
	}
	return err
}

func (w remoteWriter) Symlink(target, name string) error {
	at := path.Join(w.dir, name)
	if info, err := w.client.Lstat(at); err == nil && !info.IsDir() {
		if err := w.client.Remove(at); err != nil {
			return err
		}
	}
	return w.client.Symlink(target, at)
}

func (w remoteWriter) Chmod(name string, mode fs.FileMode) error {
	return w.client.Chmod(path.Join(w.dir, name), mode)
}
