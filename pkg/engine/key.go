package engine

import (
	"errors"
	"fmt"
	"io"
	"regexp"
)

// Key unlocks the managers of a swarm that locks them when they restart. It
// never prints its value, not even inside another struct: only Reveal gives it.
// The zero value is no key.
type Key struct{ reveal func() string }

// keyForm matches what swarmkit writes (manager/encryption/encryption.go,
// HumanReadableKey): 32 bytes in base64, once with and now without padding.
var keyForm = regexp.MustCompile(`^SWMKEY-1-[A-Za-z0-9+/]{43}=?$`)

// NewKey hides a key.
func NewKey(secret string) Key { return Key{func() string { return secret }} }

// ParseKey hides a text that has the form of a key; false if it has not.
func ParseKey(text string) (Key, bool) {
	if !keyForm.MatchString(text) {
		return Key{}, false
	}
	return NewKey(text), true
}

// Reveal gives the key itself; "" for the zero value.
func (k Key) Reveal() string {
	if k.reveal == nil {
		return ""
	}
	return k.reveal()
}

// Same says whether both are the same key. No key is the same as no key.
func (k Key) Same(as Key) bool { return k.Reveal() == as.Reveal() }

// Format prints [key] for every verb.
func (Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[key]") }

// MarshalText gives [key].
func (Key) MarshalText() ([]byte, error) { return []byte("[key]"), nil }

// ErrKey means that a key does not unlock this swarm's managers.
var ErrKey = errors.New("the key does not unlock this swarm")

// ErrNotLocked means that there is nothing to unlock.
var ErrNotLocked = errors.New("the swarm is not locked")
