// Package keystore keeps the key that unlocks a swarm's managers where the file
// says: in a file of its own, or with two programs of the user's. It never asks
// an engine, never lets a key into an argument, an environment, an error or a
// log, and never overwrites a key that may still open something.
package keystore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
)

// Store is where one cluster's key is kept. Its methods may be called
// concurrently, but Save.
type Store struct {
	where   spec.Autolock
	cluster string
}

// New returns the store of a cluster. Its Autolock names a file or programs.
func New(where spec.Autolock, cluster string) Store { return Store{where, cluster} }

// String is how messages call the store.
func (s Store) String() string {
	if s.where.KeyFile != "" {
		return s.where.KeyFile
	}
	return "load_command (" + filepath.Base(s.where.LoadCommand[0]) + ")"
}

// Kept is what a store holds.
type Kept struct {
	// Keys are the key, and behind it the one before: managers that were off
	// when the key was changed still want that. There is at least one.
	Keys []engine.Key
	// Swarm and Cluster say whose keys they are; "" where the store does not.
	Swarm, Cluster string
}

// ErrEmpty means that a store holds no key.
var ErrEmpty = errors.New("no key is kept there")

// OtherKeyError means that a key is in the way that may still be needed.
type OtherKeyError struct {
	Path string
	// Swarm and Cluster say whose key it is; "" where the file does not.
	Swarm, Cluster string
}

// Error says whose key it is.
func (e *OtherKeyError) Error() string {
	if e.Swarm == "" {
		return e.Path + " holds another key, which nothing says is this swarm's"
	}
	return fmt.Sprintf("%s holds the key of cluster %s (swarm %s)", e.Path, e.Cluster, e.Swarm)
}

// Load gives what the store holds. One that holds nothing is ErrEmpty.
func (s Store) Load(ctx context.Context) (Kept, error) {
	if s.where.KeyFile != "" {
		return read(s.where.KeyFile)
	}
	out, err := s.run(ctx, s.where.LoadCommand, "")
	if err != nil {
		return Kept{}, err
	}
	kept, err := parse(out)
	if err != nil {
		return Kept{}, fmt.Errorf("read what %s printed: %w", s, err)
	}
	return kept, nil
}

// Mine says whether Save would put a swarm's key in the place of what is kept
// there: nil, or an *OtherKeyError.
func (s Store) Mine(k Kept, swarm string) error {
	if s.where.KeyFile == "" || len(k.Keys) == 0 || k.Cluster == s.cluster || swarm != "" && k.Swarm == swarm {
		return nil
	}
	return &OtherKeyError{Path: s.where.KeyFile, Swarm: k.Swarm, Cluster: k.Cluster}
}

// Save keeps the key of a swarm, by its ID. The one that was kept before stays
// behind it, where it was of the same swarm; a file of an earlier swarm of the
// same cluster is moved aside, which the note says. Save is not cut off by the
// end of ctx: it takes a minute at most.
func (s Store) Save(ctx context.Context, key engine.Key, swarm string) (note string, err error) {
	ctx = context.WithoutCancel(ctx)
	if s.where.KeyFile != "" {
		return s.write(key, swarm)
	}
	_, err = s.run(ctx, s.where.StoreCommand, key.Reveal()+"\n")
	return "", err
}

// ownerForm matches the line that says whose keys they are.
var ownerForm = regexp.MustCompile(`^# .* swarm ([0-9a-z]{25}) \(cluster ([a-z0-9-]+)\)`)

// format writes keys, the first one in the first line, as docker swarm unlock
// reads it from a redirected file.
func (k Kept) format() string {
	var b strings.Builder
	b.WriteString(k.Keys[0].Reveal() + "\n")
	fmt.Fprintf(&b, "# unlocks the managers of swarm %s (cluster %s); kept by swarmup\n", k.Swarm, k.Cluster)
	for _, before := range k.Keys[1:] {
		b.WriteString(before.Reveal() + "\n")
	}
	return b.String()
}

// parse reads what format wrote, or a key alone. It never quotes what it reads.
func parse(text string) (Kept, error) {
	var k Kept
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if m := ownerForm.FindStringSubmatch(line); m != nil {
			k.Swarm, k.Cluster = m[1], m[2]
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, ok := engine.ParseKey(line)
		if !ok {
			return Kept{}, fmt.Errorf("line %d is no unlock key", n)
		}
		k.Keys = append(k.Keys, key)
	}
	if len(k.Keys) == 0 {
		return Kept{}, ErrEmpty
	}
	return k, nil
}
