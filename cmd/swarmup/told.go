package main

import (
	"strings"

	"github.com/swarmup/swarmup/pkg/plan"
)

// told is an error that is told of behind the title of its step, without saying
// what was tried once more.
type told struct {
	err  error
	text string
}

func (e *told) Error() string { return e.text }
func (e *told) Unwrap() error { return e.err }

// after cuts what a step's title says already from the beginning of its error:
// errors say what was tried, and so does the title.
func after(s plan.Step, err error) error {
	if err == nil {
		return nil
	}
	tried := words[s.Action].text
	return &told{err: err, text: strings.TrimPrefix(strings.TrimPrefix(err.Error(), tried+": "), tried+" "+s.Machine+": ")}
}
