package spec

import (
	"embed"
	"fmt"
	"slices"
)

//go:embed starter/*.yaml
var starters embed.FS

// Starter gives a commented cluster.yaml to begin with, for a provider that
// Parse knows.
func Starter(provider string) ([]byte, error) {
	if !slices.Contains(knownProviders(), provider) {
		return nil, fmt.Errorf("unknown provider %q%s", provider, suggest(provider, knownProviders()))
	}
	return starters.ReadFile("starter/" + provider + ".yaml")
}
