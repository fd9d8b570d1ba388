package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/swarmup/swarmup/pkg/plan"
)

// The exit codes are a promise (docs/design.md, section 4).
const (
	exitDone        = 0   // done, or nothing to do
	exitFailed      = 1   // something failed, or is blocked or unknown: run again
	exitChanges     = 2   // plan --detailed-exitcode: changes are pending
	exitRefused     = 3   // refused before anything was touched
	exitInterrupted = 130 // stopped by a signal
)

// exitError is an error with the exit code that it asks for. Without err all
// was said already; hint is what the user can do, "" if err says it by itself.
type exitError struct {
	code int
	err  error
	hint string
}

// Error is the text of what happened.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// Unwrap gives what happened.
func (e *exitError) Unwrap() error { return e.err }

// refusal is a refusal before anything was touched.
func refusal(hint, format string, args ...any) error {
	return &exitError{code: exitRefused, err: fmt.Errorf(format, args...), hint: hint}
}

// codeOf gives the exit code for what a command returned.
func codeOf(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		return exit.code
	}
	return exitFailed
}

// say tells the user of an error: each failure in its own lines, and after them
// what can be done about it. All lines begin with "swarmup: ".
func say(w io.Writer, err error) {
	var exit *exitError
	if errors.As(err, &exit) {
		if exit.err == nil {
			return
		}
		err = exit.err
	}
	if err == nil {
		return
	}
	sayAll(w, each(err))
	if exit != nil && exit.hint != "" {
		tell(w, "hint: "+exit.hint)
	}
}

// sayAll tells of several errors, and of each hint once.
func sayAll(w io.Writer, errs []error) {
	var hints []string
	for _, err := range errs {
		tell(w, err.Error())
		hints = append(hints, hint(err))
	}
	for _, h := range distinct(hints) {
		tell(w, "hint: "+h)
	}
}

// tellFindings tells why something is refused or blocked.
func tellFindings(w io.Writer, verdict string, fs []plan.Finding) {
	for _, f := range fs {
		tell(w, verdict+": "+finding(f))
		if f.Hint != "" {
			tell(w, "hint: "+f.Hint)
		}
	}
}

// each takes a collection of failures apart.
func each(err error) []error {
	var many *multierror.Error
	if errors.As(err, &many) {
		return many.Errors
	}
	return []error{err}
}

// tell writes text as lines that say who speaks.
func tell(w io.Writer, text string) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("swarmup: " + strings.TrimRight(line, "\n") + "\n")
	}
	_, _ = io.WriteString(w, b.String())
}
