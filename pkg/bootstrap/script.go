package bootstrap

import (
	"context"
	"embed"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/wait"
)

//go:embed script/*.sh key/*.asc
var embedded embed.FS

// grace is how long a script that changes something may go on after its context
// has ended.
const grace = 30 * time.Second

// call is one run of a script on a machine.
type call struct {
	script string // name of a file in script, without .sh
	args   []string
	stdin  string
	limit  time.Duration
	// packages means that the script needs packages.sh too.
	packages bool
	// conditions means that the script needs conditions.sh.
	conditions bool
	// changes means that the script is not to be cut off in the middle.
	changes bool
}

// run runs a script, with a limit, and returns its answer. What the script says
// has gone wrong is a *scriptError.
func run(ctx context.Context, h Host, c call) (answer, error) {
	if ctx.Err() != nil {
		return answer{}, context.Cause(ctx)
	}
	cmd, err := command(c)
	if err != nil {
		return answer{}, err
	}
	if c.changes {
		var done context.CancelFunc
		ctx, done = wait.Grace(ctx, grace)
		defer done()
	}
	late := fmt.Errorf("not finished within %s", c.limit)
	ctx, cancel := context.WithTimeoutCause(ctx, c.limit, late)
	defer cancel()
	var stdin io.Reader
	if c.stdin != "" {
		stdin = strings.NewReader(c.stdin)
	}
	out, err := h.Run(ctx, cmd, stdin)
	if err != nil {
		return answer{}, err
	}
	return readAnswer(out)
}

// command puts a script and its arguments into one command line. A script is
// given as an argument, so that its standard input is free, and to sh, for the
// login shell may be another.
func command(c call) (string, error) {
	files := []string{"lib", c.script}
	switch {
	case c.packages:
		files = []string{"lib", "packages", c.script}
	case c.conditions:
		files = []string{"lib", "conditions", c.script}
	}
	var text strings.Builder
	for _, name := range files {
		part, err := embedded.ReadFile("script/" + name + ".sh")
		if err != nil {
			return "", err
		}
		text.Write(part)
	}
	words := []string{"exec sh -c", quote(text.String()), "swarmup-" + c.script}
	for _, a := range c.args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " "), nil
}

// quote makes one word of a POSIX shell's command line out of any text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// answer is what a script prints: named pieces of bytes.
type answer map[string][]byte

// text gives a piece without the white space around it; "" if it is not there.
func (a answer) text(name string) string { return strings.TrimSpace(string(a[name])) }

// scriptError is what a script says has gone wrong.
type scriptError struct{ output string }

// Error gives the line that says most.
func (e *scriptError) Error() string { return complaint(e.output) }

// readAnswer reads what stands between the begin and the end line: login shells
// may print more.
func readAnswer(out string) (answer, error) {
	_, body, begun := strings.Cut("\n"+out, "\nswarmup begin\n")
	body, _, ended := strings.Cut("\n"+body, "\nswarmup end\n")
	if !begun || !ended {
		return nil, fmt.Errorf("read answer of the machine: not complete: %q", head(out))
	}
	a, err := readPieces(body)
	if err != nil {
		return nil, fmt.Errorf("read answer of the machine: %w", err)
	}
	if why, ok := a["error"]; ok {
		return a, &scriptError{output: string(why)}
	}
	return a, nil
}

// readPieces reads pieces in base64 ("= NAME") and in lines of text ("- NAME").
func readPieces(body string) (answer, error) {
	a, name, coded := answer{}, "", map[string]string{}
	for line := range strings.Lines(body) {
		switch text := line[1:]; line[0] {
		case '\n':
		case '=', '-':
			name = strings.TrimSpace(text)
			a[name] = []byte{}
		case '>':
			a[name] = append(a[name], text...)
		default:
			coded[name] += line
		}
	}
	for _, name := range slices.Sorted(maps.Keys(coded)) {
		content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(coded[name]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", head(name), err)
		}
		a[name] = content
	}
	return a, nil
}

// head is the beginning of a text, for messages.
func head(s string) string {
	const limit = 80
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// complaint picks the line of a tool's output that says most: the first that
// package managers mark as an error, with the next if it only announces that;
// else the last, but for systemctl's advice where to read on.
func complaint(output string) string {
	lines := strings.FieldsFunc(output, func(r rune) bool { return r == '\n' || r == '\r' })
	last := ""
	for i, line := range lines {
		line = strings.TrimSpace(line)
		for _, mark := range []string{"E: ", "Error: ", "ERROR: ", "error: "} {
			text, ok := strings.CutPrefix(line, mark)
			if ok && strings.HasSuffix(text, ":") && i+1 < len(lines) {
				return text + " " + strings.TrimSuffix(strings.TrimSpace(lines[i+1]), ":")
			}
			if ok {
				return text
			}
		}
		if line != "" && !strings.HasPrefix(line, "See ") {
			last = line
		}
	}
	return last
}
