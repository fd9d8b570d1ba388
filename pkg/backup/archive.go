// Package backup keeps the state of a swarm in a file, and makes a swarm of such a
// file again, as Docker's admin guide describes it: one manager's engine is stopped
// while its folder is read. It decides where that may be done. It never leaves
// anything on a host, and never writes a file that others can read: the folder
// holds the swarm's secrets and the keys of its CA.
package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"time"
)

// Format is the version of the files that are written here.
const Format = 1

// Names in the file. It is a tar of them: the manifest, the swarm folder as it is
// below /var/lib/docker, and a checksum of it.
const (
	manifestName = "swarmup-backup.json"
	checksumName = "SHA256"
	folder       = "swarm"
	stateFile    = "swarm/docker-state.json"
	mostManifest = 1 << 16
)

// Manifest says what a file is a backup of.
type Manifest struct {
	Format  int       `json:"format"`
	Cluster string    `json:"cluster"`
	SwarmID string    `json:"swarm_id"`
	Node    string    `json:"node"`
	NodeID  string    `json:"node_id"`
	Address string    `json:"address"` // at which the other managers knew it
	Engine  string    `json:"engine"`  // the version of its engine
	Time    time.Time `json:"time"`
	// Locked means that the swarm's managers are locked (autolock): without the
	// unlock key of that time the file is worth nothing.
	Locked bool `json:"locked,omitempty"`
}

// ErrDamaged means that a file is not a whole backup.
var ErrDamaged = errors.New("the backup is damaged")

// write makes a file of the tar of a swarm folder.
func write(to io.Writer, m Manifest, from io.Reader) error {
	out := tar.NewWriter(to)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := put(out, manifestName, append(text, '\n')); err != nil {
		return err
	}
	sum := sha256.New()
	if err := pass(tar.NewReader(from), out, sum); err != nil {
		return err
	}
	if err := put(out, checksumName, []byte(hex.EncodeToString(sum.Sum(nil))+"\n")); err != nil {
		return err
	}
	return out.Close()
}

func put(out *tar.Writer, name string, content []byte) error {
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content)), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := out.Write(content)
	return err
}

// pass copies the entries of a swarm folder to their end, and sums them up.
func pass(in *tar.Reader, out *tar.Writer, sum hash.Hash) error {
	whole := false
	for {
		h, err := in.Next()
		switch {
		case errors.Is(err, io.EOF) && whole:
			return nil
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: there is no %s in it", ErrDamaged, stateFile)
		case err != nil:
			return fmt.Errorf("read the swarm folder: %w", err)
		}
		if err := copyEntry(in, h, out, sum); err != nil {
			return err
		}
		whole = whole || path.Clean(h.Name) == stateFile
	}
}

func copyEntry(in *tar.Reader, h *tar.Header, out *tar.Writer, sum hash.Hash) error {
	name := path.Clean(h.Name)
	if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir || name != folder && !strings.HasPrefix(name, folder+"/") {
		return fmt.Errorf("%w: it holds %q", ErrDamaged, h.Name)
	}
	_, _ = fmt.Fprintf(sum, "%s\x00%o\x00%d\x00", name, h.Mode, h.Size) // a hash takes everything
	if out == nil {
		if _, err := io.Copy(sum, in); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		return nil
	}
	if err := out.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(io.MultiWriter(out, sum), in)
	return err
}

// read reads a file to its end and verifies it. The swarm folder goes to the given
// writer as a tar; nil throws it away.
func read(from io.Reader, to io.Writer) (Manifest, error) {
	in := tar.NewReader(from)
	m, err := readManifest(in)
	if err != nil {
		return m, err
	}
	var out *tar.Writer
	if to != nil {
		out = tar.NewWriter(to)
	}
	sum, whole := sha256.New(), false
	for {
		h, err := in.Next()
		if err != nil {
			return m, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if h.Name == checksumName {
			break
		}
		if err := copyEntry(in, h, out, sum); err != nil {
			return m, err
		}
		whole = whole || path.Clean(h.Name) == stateFile
	}
	said, err := io.ReadAll(io.LimitReader(in, mostManifest))
	switch {
	case err != nil:
		return m, fmt.Errorf("%w: %w", ErrDamaged, err)
	case !whole || string(bytes.TrimSpace(said)) != hex.EncodeToString(sum.Sum(nil)):
		return m, fmt.Errorf("%w: its checksum does not fit", ErrDamaged)
	case out != nil:
		return m, out.Close()
	}
	return m, nil
}

func readManifest(in *tar.Reader) (m Manifest, err error) {
	h, err := in.Next()
	if err != nil || h.Name != manifestName {
		return m, errors.New("it is not a backup of swarmup")
	}
	if err := json.NewDecoder(io.LimitReader(in, mostManifest)).Decode(&m); err != nil {
		return m, fmt.Errorf("%w: read its manifest: %w", ErrDamaged, err)
	}
	if m.Format != Format {
		return m, fmt.Errorf("it is of format %d, and this swarmup knows %d", m.Format, Format)
	}
	return m, nil
}
