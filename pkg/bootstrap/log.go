package bootstrap

import (
	"context"
	"strings"
	"time"
)

// readLog gives what dockerd wrote since a mark, "" for the last lines it wrote.
func readLog(ctx context.Context, h Host, mark string) (lines []string, err error) {
	a, err := run(ctx, h, call{script: "log", args: []string{mark}, limit: 30 * time.Second})
	for line := range strings.Lines(a.text("log")) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines, err
}

// startReason is the last thing that dockerd says before it gives up; "" if it
// says nothing. It writes it without the form of a log line (moby
// cmd/dockerd/main.go), or as a fatal one.
func startReason(lines []string) string {
	known := lastOf(lines, func(line string) (string, bool) {
		for _, begin := range []string{"unable to configure the Docker daemon", "failed to start daemon", "failed to load"} {
			if strings.HasPrefix(line, begin) {
				return line, true
			}
		}
		return logMessage(line, "fatal")
	})
	if known != "" {
		return known
	}
	return lastOf(lines, func(line string) (string, bool) {
		return line, line != "" && !strings.Contains(line, "level=")
	})
}

// reloadReason is why dockerd did not take over a file: an error line about
// configuration (moby daemon/command/daemon.go, reloadConfig). Other errors
// have nothing to do with it.
func reloadReason(lines []string) string {
	return lastOf(lines, func(line string) (string, bool) {
		text, ok := logMessage(line, "error")
		for _, word := range []string{"config", "directive", "conflict", "unmarshal", "invalid", "reload"} {
			if ok && strings.Contains(strings.ToLower(text), word) {
				return text, true
			}
		}
		return "", false
	})
}

// reloaded says whether dockerd says that it took over a file (moby
// daemon/reload.go, Reload). It says so at log level info only.
func reloaded(lines []string) bool {
	return lastOf(lines, func(line string) (string, bool) {
		text, ok := logMessage(line, "info")
		return text, ok && strings.HasPrefix(text, "Reloaded configuration")
	}) != ""
}

func lastOf(lines []string, pick func(string) (string, bool)) (last string) {
	for _, line := range lines {
		if text, ok := pick(line); ok {
			last = text
		}
	}
	return last
}

// logMessage takes the message out of a line of dockerd's log at one level:
// time="..." level=error msg="..." error="...".
func logMessage(line, level string) (string, bool) {
	if !strings.Contains(line, "level="+level+" ") {
		return "", false
	}
	text := logField(line, "msg=")
	if cause := logField(line, " error="); cause != "" {
		text += ": " + cause
	}
	return text, text != ""
}

// logField reads one field of a log line; values with spaces are quoted.
func logField(line, name string) string {
	_, rest, ok := strings.Cut(line, name)
	if !ok {
		return ""
	}
	if !strings.HasPrefix(rest, `"`) {
		word, _, _ := strings.Cut(rest, " ")
		return word
	}
	var b strings.Builder
	escaped := false
	for _, r := range rest[1:] {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '"':
			return b.String()
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
