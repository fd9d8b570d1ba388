//go:build unix

package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// shims is a folder of commands that stand before the real ones.
func shims(t *testing.T, commands map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range commands {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return "PATH=" + dir + ":" + os.Getenv("PATH")
}

// tree lists what is beneath a folder, with modes and contents.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		entry := fmt.Sprintf("%s %s", rel, info.Mode())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			entry += fmt.Sprintf(" %.20q", content)
		}
		out = append(out, entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPutWritesAFile(t *testing.T) {
	noLeaks(t)
	big := bytes.Repeat([]byte("\x00binary\xff\n"), 300_000)
	tests := []struct {
		name    string
		file    string
		mode    fs.FileMode
		content []byte
		want    []string
	}{
		{"that is new", "f", 0o644, []byte("new\n"), []string{`f -rw-r--r-- "new\n"`}},
		{"that is there", "old", 0o600, []byte("new\n"), []string{`old -rw------- "new\n"`}},
		{"that is empty", "f", 0o640, nil, []string{`f -rw-r----- ""`}},
		{"that is large and binary", "f", 0o755, big, []string{fmt.Sprintf("f -rwxr-xr-x %.20q", big)}},
		{"in folders that are not there", "a/b c/f", 0o600, []byte("x"), []string{"a drwxr-xr-x", "a/b c drwxr-xr-x", `a/b c/f -rw------- "x"`}},
		{"with a name that a shell would take apart", "a 'b' \"c\" $(touch d) `e`; \\n*", 0o600, []byte("x"), []string{"a 'b' \"c\" $(touch d) `e`; \\n* -rw------- \"x\""}},
		{"with a name that begins with a dash", "-rf", 0o600, []byte("x"), []string{`-rf -rw------- "x"`}},
		{"through a symbolic link", "link", 0o600, []byte("x"), []string{"link Lrwxrwxrwx", `target -rw------- "x"`}},
	}
	shell := sshtest.Shell()
	s := newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
		c.Line = "umask 077\n" + c.Line // a careful login shell
		return shell(c)
	}})
	h := s.dial(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			switch tt.file {
			case "old":
				if err := os.WriteFile(filepath.Join(dir, "old"), []byte("old content\n"), 0o666); err != nil {
					t.Fatal(err)
				}
			case "link":
				if err := os.Symlink("target", filepath.Join(dir, "link")); err != nil {
					t.Fatal(err)
				}
			}
			if err := h.Put(t.Context(), filepath.Join(dir, tt.file), tt.mode, tt.content); err != nil {
				t.Fatal(err)
			}
			if got := tree(t, dir); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			target := tt.file
			if target == "link" {
				target = "target"
			}
			if got, err := os.ReadFile(filepath.Join(dir, target)); err != nil || !bytes.Equal(got, tt.content) {
				t.Errorf("content: got %d bytes, %v, want %d", len(got), err, len(tt.content))
			}
		})
	}
}

func TestPutThatFailsLeavesTheFileAsItWas(t *testing.T) {
	noLeaks(t)
	tests := []struct {
		name  string
		shims map[string]string
		cut   int64 // of the input, where the connection breaks; 0: it does not
		file  string
		want  string // after "write FILE on n1: "
		is    error
	}{
		{name: "the disk is full", shims: map[string]string{"cat": "head -c 3; echo 'cat: write error: No space left on device' >&2; exit 1"}, file: "f", want: "no space left on device", is: syscall.ENOSPC},
		{name: "the disk is full at the sync", shims: map[string]string{"sync": "echo 'sync: error syncing: No space left on device' >&2; exit 1"}, file: "f", want: "no space left on device", is: syscall.ENOSPC},
		{name: "the disk is read-only", shims: map[string]string{"mv": "echo \"mv: cannot move: Read-only file system\" >&2; exit 1"}, file: "f", want: "read-only file system", is: syscall.EROFS},
		{name: "it may not be written", shims: map[string]string{"mv": "echo \"mv: cannot move 'x' to 'y': Permission denied\" >&2; exit 1"}, file: "f", want: "permission denied", is: fs.ErrPermission},
		{name: "the folder is a file", file: "f/g", want: "*", is: nil},
		{name: "the file is a folder", file: "dir", want: "it is a directory"},
		{name: "the connection breaks", cut: 4, file: "f", want: "only 4 of 9 bytes arrived"},
		{name: "a command is missing", shims: map[string]string{"chmod": "exit 7"}, file: "f", want: "exit status 7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := errors.Join(os.WriteFile(filepath.Join(dir, "f"), []byte("old"), 0o640), os.Mkdir(filepath.Join(dir, "dir"), 0o755)); err != nil {
				t.Fatal(err)
			}
			shell := sshtest.Shell(shims(t, tt.shims))
			s := newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
				if tt.cut > 0 {
					c.Stdin = io.LimitReader(c.Stdin, tt.cut)
				}
				return shell(c)
			}})
			file := filepath.Join(dir, tt.file)
			err := s.dial(t).Put(t.Context(), file, 0o600, []byte("new stuff"))
			want := "write " + file + " on n1: " + tt.want
			if begin, any := strings.CutSuffix(want, "*"); text(err) != want && !(any && strings.HasPrefix(text(err), begin)) {
				t.Errorf("error\n got %q\nwant %q", err, want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			if got, want := tree(t, dir), []string{"dir drwxr-xr-x", `f -rw-r----- "old"`}; !slices.Equal(got, want) {
				t.Errorf("left %q, want %q", got, want)
			}
		})
	}
}

func TestPutThatIsInterruptedLeavesNothing(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	started := make(chan struct{})
	begun := sync.OnceFunc(func() { close(started) })
	shell := sshtest.Shell(shims(t, map[string]string{"cat": "echo begun >&2; exec /bin/cat"}))
	s := newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
		never, hold := io.Pipe()
		defer func() { _ = hold.Close() }()
		c.Stdin = never
		c.Stderr = writerFunc(func(p []byte) (int, error) {
			begun()
			return len(p), nil
		})
		return shell(c)
	}})
	h := s.dial(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-started
		cancel(errCtrlC)
	}()
	file := filepath.Join(dir, "f")
	err := h.Put(ctx, file, 0o600, []byte("new"))
	if want := "write " + file + " on n1: interrupted"; text(err) != want || !errors.Is(err, errCtrlC) {
		t.Errorf("error\n got %q\nwant %q", err, want)
	}
	s.Close() // the command has ended then
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestPutAsAnotherUserIsDoneByRoot(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	sudo := shims(t, map[string]string{"sudo": `[ "$1" = -n ] || exit 9; shift; echo "$USER" >` + dir + `/by; USER=root exec "$@"`})
	s := newSite(t, sshtest.Options{Exec: sshtest.Shell(sudo, "USER=admin")})
	content := []byte("it's \"quoted\" $HOME\n")
	if err := s.dialAs(t, "admin").Put(t.Context(), dir+"/f", 0o600, content); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dir + "/f"); err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %q, %v", got, err)
	}
	if by, err := os.ReadFile(dir + "/by"); string(by) != "admin\n" {
		t.Errorf("sudo was not asked: %q, %v", by, err)
	}

	s = newSite(t, sshtest.Options{Exec: sshtest.Shell(shims(t, map[string]string{"sudo": "echo sudo: a password is required >&2; exit 1"}))})
	err := s.dialAs(t, "admin").Put(t.Context(), dir+"/f", 0o600, content)
	if want := "write " + dir + "/f on n1: sudo does not let the login user act as root: sudo: a password is required"; text(err) != want || !errors.Is(err, ssh.ErrSudo) {
		t.Errorf("error\n got %q\nwant %q", err, want)
	}
}

func TestPutRefusesWhatIsNoPath(t *testing.T) {
	noLeaks(t)
	h := newSite(t, sshtest.Options{}).dial(t)
	for _, file := range []string{"", "f", "./f", "/etc/", "/a\x00b"} {
		err := h.Put(t.Context(), file, 0o600, nil)
		if want := fmt.Sprintf("write %s on n1: not the absolute path of a file", file); text(err) != want {
			t.Errorf("%q: got %q, want %q", file, err, want)
		}
	}
}

func TestPutSaysThatTheConnectionWasLost(t *testing.T) {
	noLeaks(t)
	var s site
	s = newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
		s.Kick()
		<-c.Context.Done()
		return 0
	}})
	h := s.dial(t)
	start := time.Now()
	err := h.Put(t.Context(), "/etc/f", 0o600, []byte("x"))
	as[*ssh.LostError](t, err)
	if want := fmt.Sprintf("write /etc/f on n1: connection to n1 (%s) lost: ", s.Addr()); !strings.HasPrefix(text(err), want) {
		t.Errorf("error\n got %q\nwant %q", err, want)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}
