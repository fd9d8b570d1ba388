package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pkg/sftp"
	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/transfer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// machine serves the files of this computer over SFTP.
type machine struct{ t *testing.T }

var errMissing = errors.New("no such subsystem")

func (m machine) Subsystem(context.Context, string) (io.ReadWriteCloser, error) {
	near, far := net.Pipe()
	server, err := sftp.NewServer(far)
	if err != nil {
		return nil, err
	}
	over := make(chan struct{})
	go func() { defer close(over); _ = server.Serve(); _ = far.Close() }()
	m.t.Cleanup(func() { _ = near.Close(); <-over })
	return near, nil
}

type bare struct{ err error }

func (b bare) Subsystem(context.Context, string) (io.ReadWriteCloser, error) {
	if b.err != nil {
		return nil, b.err
	}
	near, far := net.Pipe()
	go func() { _, _ = far.Read(make([]byte, 9)); _ = far.Close() }()
	return near, nil
}

func remote(t *testing.T) *transfer.Remote {
	t.Helper()
	r, err := transfer.Dial(t.Context(), machine{t}, errMissing)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// plant makes a tree with spaces, links and permissions in its names and modes.
func plant(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "my tree")
	for _, d := range []string{dir, dir + "/sub dir", dir + "/closed"} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]fs.FileMode{"run me": 0o755, "secret": 0o600, "sub dir/read only": 0o444, "big": 0o644} {
		text := name
		if name == "big" {
			text = strings.Repeat("0123456789", 100_000)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"link": "sub dir/read only", "dangling": "/nowhere at all"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir+"/closed", 0o555); err != nil {
		t.Fatal(err)
	}
	return dir
}

// look describes a tree.
func look(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		text := ""
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			text, err = os.Readlink(path)
			out[name] = "-> " + text
			return err
		case info.Mode().IsRegular():
			b, rerr := os.ReadFile(path)
			text, err = string(b), rerr
		}
		out[name] = fmt.Sprint(info.Mode(), " ", text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestATreeArrivesAsItIs(t *testing.T) {
	for name, sides := range map[string][2]bool{"up": {false, true}, "down": {true, false}, "across": {true, true}} {
		t.Run(name, func(t *testing.T) {
			side := func(far bool) transfer.Side {
				if far {
					return remote(t)
				}
				return transfer.Local{}
			}
			from, into := plant(t), t.TempDir()
			told := map[string]int64{}
			o := transfer.Options{Recursive: true, Progress: func(name string, done, _ int64) { told[filepath.Base(name)] = done }}
			src, dst := side(sides[0]), side(sides[1])
			for range 2 { // and once more, over what is there
				if errs := transfer.Copy(t.Context(), []transfer.Place{{Side: src, Path: from, Name: "from"}}, transfer.Place{Side: dst, Path: into, Name: "into"}, o); len(errs) > 0 {
					t.Fatal(errs)
				}
				if diff := cmp.Diff(look(t, from), look(t, filepath.Join(into, "my tree"))); diff != "" {
					t.Error(diff)
				}
			}
			if told["big"] != 1_000_000 {
				t.Errorf("told of %d bytes", told["big"])
			}
		})
	}
}

func TestCopy(t *testing.T) {
	tests := []struct {
		name      string
		from      []string
		to        string
		recursive bool
		want      string // a file that is there afterwards
		err       string
	}{
		{name: "copies a file to a name", from: []string{"a"}, to: "x y", want: "x y"},
		{name: "copies a file into a folder", from: []string{"a"}, to: "d", want: "d/a"},
		{name: "copies a folder to a new name", from: []string{"d"}, to: "new", recursive: true, want: "new/in d"},
		{name: "copies what a link leads to where the link was named", from: []string{"l"}, to: "copy", want: "copy"},
		{name: "copies several into a folder", from: []string{"a", "b"}, to: "d", want: "d/b"},
		{name: "copies the rest where one is missing", from: []string{"nosuch", "b"}, to: "d", want: "d/b", err: "read nosuch: file does not exist|read nosuch: no such file"},
		{name: "needs a folder for several", from: []string{"a", "b"}, to: "x", err: "copy to x: it is no folder"},
		{name: "needs a folder where a slash says so", from: []string{"a"}, to: "x/", err: "copy to x/: it is no folder"},
		{name: "needs -r for folders", from: []string{"d"}, to: "x", err: "copy d: it is a folder; -r copies folders"},
		{name: "needs a place to write to", from: []string{"a"}, to: "no/x", err: "write to no/x: "},
		{name: "takes no pipe for a file", from: []string{"pipes"}, to: "x", recursive: true, want: "x/f", err: "copy pipes/p: it is neither a file nor a folder"},
	}
	for _, far := range []bool{false, true} {
		for _, tt := range tests {
			t.Run(fmt.Sprint(tt.name, far), func(t *testing.T) {
				dir := t.TempDir()
				side := transfer.Side(transfer.Local{})
				if far {
					side = remote(t)
				}
				furnish(t, dir)
				place := func(name string) transfer.Place {
					return transfer.Place{Side: side, Path: dir + "/" + name, Name: name}
				}
				var from []transfer.Place
				for _, f := range tt.from {
					from = append(from, place(f))
				}
				got := fmt.Sprint(errors.Join(transfer.Copy(t.Context(), from, place(tt.to), transfer.Options{Recursive: tt.recursive})...))
				want, or, _ := strings.Cut(tt.err, "|")
				if tt.err == "" && got != "<nil>" || !strings.Contains(got, want) && (or == "" || !strings.Contains(got, or)) {
					t.Errorf("got %s, want %q", got, tt.err)
				}
				if tt.want != "" {
					if _, err := os.Stat(filepath.Join(dir, tt.want)); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

func TestALinkLeadsNobodyOutOfTheFolderThatIsWrittenTo(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(dir+"/from/evil", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/from/evil/file", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir+"/to/from", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, dir+"/to/from/evil"); err != nil {
		t.Fatal(err)
	}
	errs := transfer.Copy(t.Context(), []transfer.Place{{Side: remote(t), Path: dir + "/from", Name: "from"}},
		transfer.Place{Side: transfer.Local{}, Path: dir + "/to", Name: "to"}, transfer.Options{Recursive: true})
	if names, _ := os.ReadDir(outside); len(errs) == 0 || len(names) > 0 {
		t.Errorf("%d files outside, errors %v", len(names), errs)
	}
}

func TestAMachineWithoutSFTPIsToldOf(t *testing.T) {
	for name, h := range map[string]bare{"not configured": {errMissing}, "a program that is not there": {}} {
		if _, err := transfer.Dial(t.Context(), h, errMissing); !errors.Is(err, transfer.ErrNoSFTP) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnInterruptionEndsACopy(t *testing.T) {
	from, into := plant(t), t.TempDir()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	o := transfer.Options{Recursive: true, Progress: func(string, int64, int64) { cancel(enough) }}
	errs := transfer.Copy(ctx, []transfer.Place{{Side: transfer.Local{}, Path: from, Name: "from"}}, transfer.Place{Side: transfer.Local{}, Path: into, Name: "into"}, o)
	if err := errors.Join(errs...); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(into + "/my tree/secret"); err == nil {
		t.Error("it went on")
	}
}
