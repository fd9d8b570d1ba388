package spec

import (
	"fmt"
	"strings"

	"github.com/agnivade/levenshtein"
)

// suggest ends a message about a word that is not among the known ones: with
// the one that was probably meant, else with all of them in their own order.
func suggest(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf(" (did you mean %q?)", best)
	}
	return " (known: " + strings.Join(known, ", ") + ")"
}

// Nearest is the known word that is at most a third of its length away, the
// first of the best; "" where none is.
func Nearest(word string, known []string) string {
	// No typing mistake is that long, and the distance takes quadratic time.
	if len(word) > 64 {
		return ""
	}
	best, least := "", 0
	for _, k := range known {
		d := levenshtein.ComputeDistance(strings.ToLower(word), k)
		if d > max(1, len(k)/3) {
			continue
		}
		if best == "" || d < least {
			best, least = k, d
		}
	}
	return best
}
