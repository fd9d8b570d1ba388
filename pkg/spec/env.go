package spec

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
)

const (
	// maxVariables bounds the variables of one value: the template package
	// takes quadratic time for them.
	maxVariables = 100
	// minSecret is the length from which a value is hidden: shorter ones are
	// ports and flags, and hiding them would make every text unreadable.
	minSecret = 4
)

// plainVariable matches an escaped dollar, ${NAME} and $NAME.
var plainVariable = regexp.MustCompile(`\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))`)

// environment replaces variables and remembers which values came from them.
type environment struct {
	lookup func(string) (string, bool)
	used   map[string]string // value -> name of the variable
}

// expand replaces the variables of a value as Compose does, but for one thing:
// a variable without a value and without a default is a mistake, never "".
func (e *environment) expand(s string) (string, []string) {
	if strings.Count(s, "$") > maxVariables {
		return "", []string{fmt.Sprintf("more than %d variables in one value", maxVariables)}
	}
	s = plainVariable.ReplaceAllStringFunc(s, func(v string) string {
		if v == "$$" {
			return v
		}
		return "${" + strings.Trim(v, "${}") + "?}"
	})
	missing := map[string]bool{}
	lookup := func(name string) (string, bool) {
		if missing[name] {
			return "-", true
		}
		return e.value(name)
	}
	var problems []string
	for {
		out, err := template.SubstituteWithOptions(s, lookup, template.WithoutLogging)
		var unset *template.MissingRequiredError
		switch {
		case err == nil:
			return out, problems
		case errors.As(err, &unset) && !missing[unset.Variable]:
			missing[unset.Variable] = true
			problems = append(problems, unsetText(unset))
		default:
			return "", append(problems, "not a variable: write ${NAME}, and $$ for a dollar sign")
		}
	}
}

func unsetText(unset *template.MissingRequiredError) string {
	text := "the variable " + unset.Variable + " is not set"
	if unset.Reason != "" {
		text += ": " + unset.Reason
	}
	return text
}

func (e *environment) value(name string) (string, bool) {
	if e.lookup == nil {
		return "", false
	}
	v, ok := e.lookup(name)
	if _, seen := e.used[v]; ok && !seen {
		e.used[v] = name
	}
	return v, ok
}

// Redact replaces every value that the file took from an environment variable
// by (from $NAME), also where it is quoted as Go or JSON quote. Values of less
// than 4 bytes are left as they are. It is meant for all that is printed.
func (c *Cluster) Redact(s string) string { return redactor(c.fromEnv).Replace(s) }

// redactor replaces values by the names of the variables they came from, the
// longest first.
func redactor(fromEnv map[string]string) *strings.Replacer {
	hidden := map[string]string{}
	for value, name := range fromEnv {
		for _, spelling := range spellings(value) {
			// Two variables may have one spelling; the choice is the same in every run.
			if old, seen := hidden[spelling]; len(spelling) >= minSecret && (!seen || name < old) {
				hidden[spelling] = name
			}
		}
	}
	secrets := make([]string, 0, len(hidden))
	for spelling := range hidden {
		secrets = append(secrets, spelling)
	}
	slices.SortFunc(secrets, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	pairs := make([]string, 0, 2*len(secrets))
	for _, secret := range secrets {
		pairs = append(pairs, secret, "(from $"+hidden[secret]+")")
	}
	return strings.NewReplacer(pairs...)
}

// spellings are the ways in which a value may stand in a text.
func spellings(value string) []string {
	quoted := strconv.Quote(value)
	out := []string{value, strings.TrimSpace(value), quoted[1 : len(quoted)-1]}
	if b, err := json.Marshal(value); err == nil {
		out = append(out, string(b[1:len(b)-1]))
	}
	return out
}
