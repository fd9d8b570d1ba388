// Package daemon is daemon.json as data: what has to change in it, what it
// becomes, and what the change asks of the running engine. All of it is pure:
// the package never opens a file, never talks to an engine and never changes
// what it is given.
//
// Three keys are lists that several parties write into: labels,
// insecure-registries and registry-mirrors. Of these swarmup owns single
// elements; of everything else it owns whole keys. It owns only what it put
// there itself. A value that was there already, and is the wanted one, is not
// claimed: it needs no change, and it stays when swarmup goes. A value that
// was there and is another is replaced, and is swarmup's from then on.
package daemon

import "slices"

// Effect is what an engine needs before it works by a changed daemon.json.
type Effect string

// The effects, from the mildest to the strongest.
const (
	None    Effect = "none"
	Reload  Effect = "reload"  // SIGHUP; no container notices
	Restart Effect = "restart" // the containers of a swarm member stop
	// Never is that of keys that a node of a swarm cannot have. No Change has it.
	Never Effect = "never"
)

// Change is one difference. Key is the key of daemon.json, or for the three
// lists the element: "labels.NAME", "insecure-registries.REGISTRY",
// "registry-mirrors.URL". The one change with "registry-mirrors" as its key is
// that of their order.
type Change struct {
	Key  string `json:"key"`
	From any    `json:"from,omitempty"` // nil: added
	To   any    `json:"to,omitempty"`   // nil: removed
}

// Patch is all that has to change, sorted by Key, and the strongest effect
// among it. The zero value, but for its Effect, is no change.
type Patch struct {
	Changes []Change `json:"changes,omitempty"`
	Effect  Effect   `json:"effect"`
}

// Empty says whether there is nothing to do.
func (p Patch) Empty() bool { return len(p.Changes) == 0 }

// Want is what daemon.json shall hold, among whatever else it holds. The zero
// value wants nothing.
type Want struct {
	Labels             map[string]string
	InsecureRegistries []string
	RegistryMirrors    []string // the engine tries them in this order
	// Keys are all other keys, with values as JSON or YAML decode them. A key
	// whose value is nil is not wanted. The three lists have no place here.
	Keys map[string]any
}

// Live is what the running engine says of itself. With Known false the engine
// was not asked, and Labels, InsecureRegistries and RegistryMirrors mean nothing.
type Live struct {
	Labels             map[string]string
	InsecureRegistries []string
	RegistryMirrors    []string
	Known              bool
	// Flags are the keys of daemon.json that are set on dockerd's command line,
	// as far as that is known; see FlagKeys. A key set there and in the file
	// keeps an engine from starting (moby daemon/config/config.go,
	// findConfigurationConflicts).
	Flags []string
}

// Diff tells what has to change so that file, the content of daemon.json (nil:
// there is none), and the running engine are as wanted. What the file says
// already but the engine does not show is a change too, with the effect Reload:
// so looks a write that was cut off before its reload.
//
// It fails where file is not the strict JSON that dockerd reads (*FileError),
// where a wanted value cannot be JSON, and with a *FlagError where a wanted key
// is set on dockerd's command line to something else.
func Diff(file []byte, owned Owned, live Live, want Want) (Patch, error) {
	m, err := merge(file, owned, live, want)
	if err != nil {
		return Patch{}, err
	}
	return m.patch(), nil
}

// Apply makes the changes that Diff tells. Keys that swarmup has no part in
// keep their order and their values byte for byte; the result ends in a
// newline. A list whose last element goes becomes [], for the engine keeps the
// old elements when the key is gone (moby daemon/reload.go, IsValueSet). If the
// file needs no change next is file itself.
//
// The returned Owned is what swarmup owns once next is in place and loaded; see
// Owned.Begin for how to get there safely. Errors are those of Diff.
func Apply(file []byte, owned Owned, live Live, want Want) (next []byte, nextOwned Owned, err error) {
	m, err := merge(file, owned, live, want)
	if err != nil {
		return nil, Owned{}, err
	}
	if !m.edited {
		return file, m.owned(), nil
	}
	return m.doc.render(), m.owned(), nil
}

// Tidy takes the lists that are empty because of swarmup out of the file, given
// what is owned. It is for the end: once an engine has loaded the empty lists,
// the file says the same without them. A file that needs no tidying is returned
// as it is.
func Tidy(file []byte, owned Owned) ([]byte, error) {
	doc, err := parse(file)
	if err != nil {
		return nil, err
	}
	owned, _ = owned.settle(file)
	tidied := false
	for _, l := range []list{labelList(), insecureList(), mirrorList()} {
		elements, present, err := l.elements(doc, file)
		if err != nil {
			return nil, err
		}
		if present && len(elements) == 0 && slices.Contains(owned.Emptied, l.key) {
			doc.remove(l.key)
			tidied = true
		}
	}
	if !tidied {
		return file, nil
	}
	return doc.render(), nil
}
