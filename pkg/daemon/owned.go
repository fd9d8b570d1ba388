package daemon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// Owned names what swarmup has put into a machine's daemon.json: whole keys,
// and single elements of the three lists. It is the content of
// /etc/docker/swarmup.json. Lists are sorted; the zero value owns nothing.
type Owned struct {
	Keys               []string `json:"keys,omitempty"`
	Labels             []string `json:"labels,omitempty"`
	InsecureRegistries []string `json:"insecure_registries,omitempty"`
	RegistryMirrors    []string `json:"registry_mirrors,omitempty"`
	// Emptied are those of the three lists that hold nothing any more since the
	// last element was swarmup's: the key itself is then swarmup's too.
	Emptied []string `json:"emptied,omitempty"`
	// Opened is what was done to the machine's firewall; nil means nothing. It has
	// no part in daemon.json and is carried along.
	Opened *Opened `json:"opened,omitempty"`
	// Pending is there from before daemon.json is written until the engine was
	// seen to work by it.
	Pending *Pending `json:"pending,omitempty"`
}

// Opened are ports that swarmup has looked after in a machine's firewall.
type Opened struct {
	// By is the firewall, ufw or firewalld, and Zone firewalld's zone; By is ""
	// where none of them runs.
	By   string `json:"by,omitempty"`
	Zone string `json:"zone,omitempty"`
	// Ports are those that were looked after, such as 2377/tcp, and Ours those of
	// them that were not open before.
	Ports []string `json:"ports"`
	Ours  []string `json:"ours,omitempty"`
	// Pending is there from before the firewall is told until it was.
	Pending bool `json:"pending,omitempty"`
}

// Lacks gives those of some ports that were not looked after, or only begun.
func (o *Opened) Lacks(ports []string) (out []string) {
	for _, p := range ports {
		if o == nil || o.Pending || !slices.Contains(o.Ports, p) {
			out = append(out, p)
		}
	}
	return out
}

// Pending is a write of daemon.json that may or may not have happened, and that
// the engine may or may not have loaded.
type Pending struct {
	// SHA256 is that of the new daemon.json, in hexadecimal: whether the write
	// happened can be told from the file alone.
	SHA256 string `json:"sha256"`
	// Next is what is owned after it.
	Next Owned `json:"next"`
	// Changes are what the engine has to load.
	Changes []Change `json:"changes,omitempty"`
}

// ParseOwned reads the content of swarmup.json; nothing, or white space, owns
// nothing.
func ParseOwned(content []byte) (Owned, error) {
	var o Owned
	if len(bytes.TrimSpace(content)) == 0 {
		return o, nil
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.UseNumber()
	if err := dec.Decode(&o); err != nil {
		return Owned{}, fmt.Errorf("read swarmup.json: %w", err)
	}
	return o, nil
}

// Encode gives the content of swarmup.json.
func (o Owned) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write swarmup.json: %w", err)
	}
	return append(b, '\n'), nil
}

// Empty says whether nothing is owned and no write is pending.
func (o Owned) Empty() bool {
	return o.Pending == nil && o.Opened == nil && len(o.Keys)+len(o.Labels)+len(o.InsecureRegistries)+len(o.RegistryMirrors)+len(o.Emptied) == 0
}

// Begin gives the record to put in place before file is replaced by next, where
// nextOwned and p are what Apply and Diff said. The order is: this record, then
// daemon.json, then the reload or restart, then nextOwned. Cut off anywhere, no
// key that was written is forgotten and none is claimed that was not:
//
//   - before daemon.json is written its checksum is not the pending one, and
//     what was owned before counts;
//   - after it, what was owned before or is owned next counts, and Diff repeats
//     the changes that the engine may not have loaded.
//
// Somebody else's edit of daemon.json right after a cut-off write makes the
// write look as if it had not happened; what it added is then theirs.
func (o Owned) Begin(file, next []byte, nextOwned Owned, p Patch) Owned {
	before, _ := o.settle(file)
	nextOwned.Pending = nil
	before.Pending = &Pending{SHA256: checksum(next), Next: nextOwned, Changes: p.Changes}
	return before
}

// Written says whether the pending write is the one that made file.
func (o Owned) Written(file []byte) bool {
	return o.Pending != nil && o.Pending.SHA256 == checksum(file)
}

// Loaded is the record as if its pending changes had been loaded: with it, Diff
// tells whether the engine shows that they were.
func (o Owned) Loaded() Owned {
	if o.Pending != nil {
		p := *o.Pending
		p.Changes = nil
		o.Pending = &p
	}
	return o
}

// settle tells what is owned given the file that is there, and which changes in
// it the engine may not have loaded.
func (o Owned) settle(file []byte) (Owned, []Change) {
	written := o.Written(file)
	pending := o.Pending
	o.Pending = nil
	if !written {
		return o, nil
	}
	n := pending.Next
	return Owned{
		Keys:               union(o.Keys, n.Keys),
		Labels:             union(o.Labels, n.Labels),
		InsecureRegistries: union(o.InsecureRegistries, n.InsecureRegistries),
		RegistryMirrors:    union(o.RegistryMirrors, n.RegistryMirrors),
		Emptied:            union(o.Emptied, n.Emptied),
		Opened:             o.Opened,
	}, pending.Changes
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

func checksum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
