package swarm

import (
	"errors"
	"regexp"
	"strings"

	"github.com/swarmup/swarmup/pkg/engine"
)

// secrets are join tokens and unlock keys (swarmkit ca/config.go,
// GenerateJoinToken; manager/encryption/encryption.go, HumanReadableKey).
var secrets = regexp.MustCompile(`SWM(TKN|KEY)-[0-9A-Za-z+/=_-]*`)

// scrub takes out whatever has the form of a secret.
func scrub(text string) string { return secrets.ReplaceAllString(text, "[token]") }

// hide takes a known token out of an error, also where only its last part, the
// secret itself, is quoted.
func hide(err error, t engine.Token) error {
	var e *Error
	if !errors.As(err, &e) || t.Reveal() == "" {
		return err
	}
	whole := t.Reveal()
	hidden := *e
	hidden.Text = strings.ReplaceAll(hidden.Text, whole, "[token]")
	if i := strings.LastIndexByte(whole, '-'); i >= 0 && i+1 < len(whole) {
		hidden.Text = strings.ReplaceAll(hidden.Text, whole[i+1:], "[token]")
	}
	return &hidden
}
