package keystore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/keystore"
	"github.com/swarmup/swarmup/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The keys, and the swarms that they are of.
var (
	keyA, keyB, keyC = secret("A"), secret("B"), secret("C")

	ours, theirs = strings.Repeat("a", 25), strings.Repeat("b", 25)
)

func secret(of string) string { return "SWMKEY-1-" + strings.Repeat(of, 43) }

// owned is what a file holds whose first line is a key.
func owned(first, swarm, cluster string, more ...string) string {
	return strings.Join(append([]string{first, fmt.Sprintf("# unlocks the managers of swarm %s (cluster %s); kept by swarmup", swarm, cluster)}, more...), "\n") + "\n"
}

// inFile is a store in a file that holds a text; "" for no file.
func inFile(t *testing.T, text string) (s keystore.Store, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "unlock.key")
	if text != "" {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return keystore.New(spec.Autolock{On: true, KeyFile: path}, "demo"), path
}

func TestAKeyIsKeptInAFile(t *testing.T) {
	tests := []struct {
		name, before string
		want         string            // the file after; "" is as before
		err, note    string            // PATH stands for the file
		beside       map[string]string // other files, by what their names end with
	}{
		{name: "in a new one", want: owned(keyB, ours, "demo")},
		{name: "in an empty one", before: "\n# nothing yet\n", want: owned(keyB, ours, "demo")},
		{name: "with the one before behind it", before: owned(keyA, ours, "demo"), want: owned(keyB, ours, "demo", keyA)},
		{name: "without those before that", before: owned(keyA, ours, "demo", keyC), want: owned(keyB, ours, "demo", keyA)},
		{name: "once", before: owned(keyB, ours, "demo", keyA), want: owned(keyB, ours, "demo", keyA)},
		{name: "and is adopted where nothing says whose it is", before: keyB + "\n", want: owned(keyB, ours, "demo")},
		{name: "beside that of an earlier swarm of the cluster", before: owned(keyA, theirs, "demo"), want: owned(keyB, ours, "demo"),
			note: "the key of the earlier swarm " + theirs + " is in PATH." + theirs + " now", beside: map[string]string{theirs: owned(keyA, theirs, "demo")}},
		{name: "but not over one of which nothing is known", before: keyA + "\n", err: "PATH holds another key, which nothing says is this swarm's"},
		{name: "but not over another cluster's", before: owned(keyA, theirs, "other"), err: "PATH holds the key of cluster other (swarm " + theirs + ")"},
		{name: "but not over what is no key", before: "hello\n", err: "read key file PATH: line 1 is no unlock key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, path := inFile(t, tt.before)
			note, err := s.Save(t.Context(), engine.NewKey(keyB), ours)
			named := func(text string) string { return strings.ReplaceAll(text, "PATH", path) }
			if note != named(tt.note) || (err == nil) != (tt.err == "") || err != nil && err.Error() != named(tt.err) {
				t.Errorf("got %q, %v", note, err)
			}
			if tt.want == "" {
				tt.want = tt.before
			} else if i, err := os.Stat(path); err != nil || i.Mode() != 0o600 {
				t.Errorf("its mode is %v (%v)", i.Mode(), err)
			}
			files := map[string]string{"unlock.key": tt.want}
			for end, text := range tt.beside {
				files["unlock.key."+end] = text
			}
			if diff := cmp.Diff(files, folder(t, filepath.Dir(path))); diff != "" {
				t.Errorf("want-, got+:\n%s", diff)
			}
		})
	}
}

// folder gives all files of a folder.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range list {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name()] = string(text)
	}
	return out
}

func TestARunThatWasKilledInTheMiddleIsNoHindrance(t *testing.T) {
	s, path := inFile(t, owned(keyA, theirs, "demo"))
	for _, beside := range []string{path + ".new", path + "." + theirs} {
		if err := os.WriteFile(beside, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Save(t.Context(), engine.NewKey(keyB), ours); err != nil {
		t.Fatal(err)
	}
	got := folder(t, filepath.Dir(path))
	if len(got) != 2 || got["unlock.key"] != owned(keyB, ours, "demo") {
		t.Errorf("got %v", got)
	}
}

func TestALinkToAFileStaysOne(t *testing.T) {
	s, path := inFile(t, "")
	to := filepath.Join(t.TempDir(), "elsewhere")
	if err := errors.Join(os.WriteFile(to, []byte(owned(keyA, ours, "demo")), 0o600), os.Symlink(to, path)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), engine.NewKey(keyB), ours); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(to); string(got) != owned(keyB, ours, "demo", keyA) {
		t.Errorf("got %q", got)
	}
	if link, err := os.Readlink(path); err != nil || link != to {
		t.Errorf("got %q, %v", link, err)
	}
}

func TestAFileGivesItsKeys(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
		swarm      string
		err        string
	}{
		{name: "none", err: "no key is kept there"},
		{name: "only remarks", text: "# a\n\n", err: "no key is kept there"},
		{name: "a key alone, without a line's end", text: keyA, want: []string{keyA}},
		{name: "an old key with padding", text: keyA + "=\n", want: []string{keyA + "="}},
		{name: "a key of a Windows editor", text: keyA + "\r\n", want: []string{keyA}},
		{name: "what swarmup wrote", text: owned(keyA, ours, "demo", keyB), want: []string{keyA, keyB}, swarm: ours},
		{name: "a token", text: "SWMTKN-1-aaa-bbb\n", err: "read key file PATH: line 1 is no unlock key"},
		{name: "half a key", text: "# x\n" + keyA[:20], err: "read key file PATH: line 2 is no unlock key"},
	}
	for _, tt := range tests {
		s, path := inFile(t, tt.text)
		kept, err := s.Load(t.Context())
		if want := strings.ReplaceAll(tt.err, "PATH", path); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("%s: got %v, want %q", tt.name, err, want)
		}
		if diff := cmp.Diff(tt.want, reveal(kept)); diff != "" || kept.Swarm != tt.swarm {
			t.Errorf("%s: swarm %q; want-, got+:\n%s", tt.name, kept.Swarm, diff)
		}
	}
}

func reveal(k keystore.Kept) (out []string) {
	for _, key := range k.Keys {
		out = append(out, key.Reveal())
	}
	return out
}

// program writes a program into the folder of a store.
func program(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// withPrograms is a store of two programs.
func withPrograms(t *testing.T, keep, show string) (s keystore.Store, dir string) {
	t.Helper()
	dir = t.TempDir()
	return keystore.New(spec.Autolock{
		On: true, Dir: dir,
		StoreCommand: []string{program(t, dir, "keep", keep), "one two"}, LoadCommand: []string{program(t, dir, "show", show)},
	}, "demo"), dir
}

func TestProgramsKeepAKeyThatStandsNowhereElse(t *testing.T) {
	s, dir := withPrograms(t, `cat >kept; printf '%s|%s|' "$#" "$1" >args; env >env`, "cat kept")
	if _, err := s.Save(t.Context(), engine.NewKey(keyA), ours); err != nil {
		t.Fatal(err)
	}
	kept, err := s.Load(t.Context())
	if diff := cmp.Diff([]string{keyA}, reveal(kept)); diff != "" || err != nil {
		t.Errorf("%v; want-, got+:\n%s", err, diff)
	}
	files := folder(t, dir)
	if files["args"] != "1|one two|" || files["kept"] != keyA+"\n" {
		t.Errorf("got %q and %q", files["args"], files["kept"])
	}
	if strings.Contains(files["env"]+files["args"], "SWMKEY") {
		t.Error("the key stands in the environment or among the arguments")
	}
}

func TestAProgramThatFailsIsToldOfWithoutAKey(t *testing.T) {
	tests := []struct{ name, show, want string }{
		{"with its first line", "echo 'no such " + keyA + "' >&2; echo more >&2; exit 3", "run show: exit status 3: no such [key]"},
		{"in silence", "exit 1", "run show: exit status 1"},
		{"with nothing", "true", "read what load_command (show) printed: no key is kept there"},
		{"with something else", "echo hello " + keyA, "read what load_command (show) printed: line 1 is no unlock key"},
		{"with too much", "head -c 100000 /dev/zero", "run show: it printed too much"},
	}
	for _, tt := range tests {
		s, _ := withPrograms(t, "true", tt.show)
		if _, err := s.Load(t.Context()); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	s, dir := withPrograms(t, "exit 4", "true")
	if _, err := s.Save(t.Context(), engine.NewKey(keyA), ours); err == nil || err.Error() != "run keep: exit status 4" {
		t.Errorf("got %v", err)
	}
	gone := keystore.New(spec.Autolock{On: true, Dir: dir, LoadCommand: []string{filepath.Join(dir, "gone")}}, "demo")
	if _, err := gone.Load(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "run gone: ") {
		t.Errorf("got %v", err)
	}
}

func TestALoadEndsWithItsContext(t *testing.T) {
	s, _ := withPrograms(t, "true", "exec sleep 60")
	ctx, cancel := contextWithCause(t, 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := s.Load(ctx); !errors.Is(err, errEnough) || time.Since(start) > 20*time.Second {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
}

func TestWhatIsLeftBehindIsNotWaitedFor(t *testing.T) {
	s, _ := withPrograms(t, "true", "echo "+keyA+"; sleep 30 &")
	start := time.Now()
	kept, err := s.Load(t.Context())
	if err != nil || len(kept.Keys) != 1 || time.Since(start) > 15*time.Second {
		t.Errorf("got %v, %v after %s", kept, err, time.Since(start))
	}
}

func TestOnlyAFileHoldsTheKeyOfAnother(t *testing.T) {
	s, _ := inFile(t, owned(keyA, theirs, "other"))
	kept, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var other *keystore.OtherKeyError
	if err := s.Mine(kept, ours); !errors.As(err, &other) || other.Swarm != theirs || other.Cluster != "other" {
		t.Errorf("got %v", err)
	}
	if err := s.Mine(kept, theirs); err != nil {
		t.Errorf("its own swarm: got %v", err)
	}
	p, _ := withPrograms(t, "true", "true")
	if err := p.Mine(kept, ours); err != nil {
		t.Errorf("programs: got %v", err)
	}
}

var errEnough = errors.New("enough")

func contextWithCause(t *testing.T, after time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeoutCause(t.Context(), after, errEnough)
}
