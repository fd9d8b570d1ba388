package ssh

import (
	"fmt"
	"io"
)

// Secret is a passphrase or a password. It never prints itself, not even inside
// another struct: only Reveal gives it. The zero value is empty.
type Secret struct{ reveal func() string }

// NewSecret hides a text.
func NewSecret(s string) Secret { return Secret{func() string { return s }} }

// Reveal gives the text itself.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Format prints [secret] for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// MarshalText gives [secret].
func (Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }
