package keystore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Limits on a program: it may ask a vault far away, and a person for a finger.
const (
	programLimit = time.Minute
	programGrace = 2 * time.Second // for its children to let go of its output
)

// run runs a program of the user's with its standard input, and gives its
// standard output. Its environment is ours: nothing is added.
func (s Store) run(ctx context.Context, argv []string, stdin string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, programLimit, fmt.Errorf("it did not end within %s", programLimit))
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out, problems limited
	cmd.Dir, cmd.WaitDelay = s.where.Dir, programGrace
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &problems
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, exec.ErrWaitDelay): // it ended well, and left somebody behind
		err = nil
	}
	if err == nil && out.over {
		err = errors.New("it printed too much")
	}
	if err != nil {
		return "", fmt.Errorf("run %s: %w%s", filepath.Base(argv[0]), err, firstLine(problems.String()))
	}
	return out.String(), nil
}

// keys are what nothing that a program says may show.
var keys = regexp.MustCompile(`SWMKEY-[0-9A-Za-z+/=_-]*`)

// firstLine gives what a program complained of, in one line.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if line == "" {
		return ""
	}
	const most = 200
	if len(line) > most {
		line = line[:most] + "..."
	}
	return ": " + keys.ReplaceAllString(line, "[key]")
}

// limited keeps what is written up to a bound.
type limited struct {
	text bytes.Buffer
	over bool
}

// String gives what was kept.
func (l *limited) String() string { return l.text.String() }

// Write takes all, and keeps what there is room for.
func (l *limited) Write(p []byte) (int, error) {
	room := mostText - l.text.Len()
	if len(p) > room {
		l.over = true
		_, _ = l.text.Write(p[:room])
		return len(p), nil
	}
	return l.text.Write(p)
}
