package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/backup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// folder makes the tar of a swarm folder: "name=content", or "name/" for a folder.
func folder(t *testing.T, entries ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		name, content, _ := strings.Cut(e, "=")
		h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, "/") {
			h.Typeflag, h.Mode = tar.TypeDir, 0o700
		}
		if strings.HasPrefix(content, "->") {
			h.Typeflag, h.Linkname, h.Size, content = tar.TypeSymlink, content[2:], 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func whole(t *testing.T) []byte {
	t.Helper()
	return folder(t, "swarm/", "swarm/docker-state.json={}", "swarm/raft/", "swarm/raft/wal="+strings.Repeat("x", 100_000))
}

// hosts is a cluster whose one manager has a folder.
type hosts struct {
	saved    []byte
	cut      int // the connection breaks after so many bytes; 0 is never
	restored map[string]string
	refuses  error
}

func (h *hosts) SaveSwarm(_ context.Context, _ string, read func(io.Reader) error) error {
	if h.cut > 0 {
		return errors.Join(read(io.MultiReader(bytes.NewReader(h.saved[:h.cut]), broken{})), errors.New("connection lost"))
	}
	return read(bytes.NewReader(h.saved))
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (h *hosts) RestoreSwarm(_ context.Context, _ string, content io.Reader) (string, error) {
	if h.refuses != nil {
		return "", h.refuses
	}
	h.restored = map[string]string{}
	for r := tar.NewReader(content); ; {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return "ours", nil
		}
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return "", err
		}
		h.restored[e.Name] = string(text)
	}
}

func manifest() backup.Manifest {
	return backup.Manifest{
		Format: backup.Format, Cluster: "demo", SwarmID: "ours", Node: "b", NodeID: "id-b", Address: "10.0.0.2",
		Engine: "28.5.2", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Locked: true,
	}
}

func TestABackupComesBackAsItWas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo.swarm")
	h := &hosts{saved: whole(t)}
	size, err := backup.Write(t.Context(), h, manifest(), file)
	if err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(file)
	if err != nil || st.Mode().Perm() != 0o600 || st.Size() != size {
		t.Errorf("got %v of %d bytes, %v", st.Mode(), size, err)
	}
	m, err := backup.Open(file)
	if err != nil || m != manifest() {
		t.Errorf("got %+v, %v", m, err)
	}
	if id, err := backup.Restore(t.Context(), h, file, "a"); err != nil || id != "ours" {
		t.Fatalf("got %s, %v", id, err)
	}
	if len(h.restored) != 4 || h.restored["swarm/docker-state.json"] != "{}" || len(h.restored["swarm/raft/wal"]) != 100_000 {
		t.Errorf("restored %d entries", len(h.restored))
	}
}

func TestAFileThatIsThereIsNotOverwritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := backup.Write(t.Context(), &hosts{saved: whole(t)}, manifest(), file)
	var refused *backup.RefusedError
	if text, _ := os.ReadFile(file); !errors.As(err, &refused) || string(text) != "mine" {
		t.Errorf("got %v, and the file holds %q", err, text)
	}
}

func TestHalfABackupIsNone(t *testing.T) {
	for name, h := range map[string]*hosts{
		"the connection broke":       {saved: whole(t), cut: 50_000},
		"nothing came":               {saved: folder(t)},
		"it is no swarm folder":      {saved: folder(t, "swarm/", "swarm/x=1")},
		"it holds what is not in it": {saved: folder(t, "swarm/docker-state.json={}", "etc/passwd=root")},
		"it holds a way out":         {saved: folder(t, "swarm/docker-state.json={}", "swarm/../../etc/passwd=root")},
		"it holds a link":            {saved: folder(t, "swarm/docker-state.json={}", "swarm/x=->/etc/passwd")},
	} {
		dir := t.TempDir()
		if _, err := backup.Write(t.Context(), h, manifest(), filepath.Join(dir, "x")); err == nil {
			t.Errorf("%s: it was written", name)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

func TestADamagedFileIsNotRestored(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if _, err := backup.Write(t.Context(), &hosts{saved: whole(t)}, manifest(), file); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Replace(good, []byte("xxx"), []byte("xyx"), 1)
	for name, tt := range map[string]struct {
		content []byte
		want    string
	}{
		"one byte is another":      {flipped, "its checksum does not fit"},
		"it is cut":                {good[:len(good)/2], "the backup is damaged: unexpected EOF"},
		"its end is missing":       {good[:len(good)-3072], "the backup is damaged: "},
		"it is something else":     {[]byte("hello"), "it is not a backup of swarmup"},
		"a later swarmup wrote it": {bytes.Replace(good, []byte(`"format": 1`), []byte(`"format": 2`), 1), "it is of format 2, and this swarmup knows 1"},
	} {
		if err := os.WriteFile(file, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Open(file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: open: %v", name, err)
		}
		if _, err := backup.Restore(t.Context(), &hosts{}, file, "a"); err == nil {
			t.Errorf("%s: it was restored", name)
		}
	}
}

func TestARefusedRestoreSaysWhy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if _, err := backup.Write(t.Context(), &hosts{saved: whole(t)}, manifest(), file); err != nil {
		t.Fatal(err)
	}
	why := errors.New("no room")
	if _, err := backup.Restore(t.Context(), &hosts{refuses: why}, file, "a"); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}
