package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/plan"
)

// progress tells what is going on, in lines that stay true when they are read
// later: each says when, since the beginning, and about whom. It may be used
// from several goroutines.
type progress struct {
	w     io.Writer
	now   func() time.Time
	mask  func(string) string
	start time.Time

	mu sync.Mutex
}

func newProgress(e env, mask func(string) string) *progress {
	return &progress{w: e.err, now: e.now, mask: mask, start: e.now()}
}

// took is the time since the beginning.
func (p *progress) took() time.Duration { return p.now().Sub(p.start) }

// line tells of something that goes on within a step; node is "" where it is
// about no node in particular.
func (p *progress) line(node, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range strings.Split(strings.TrimRight(p.mask(text), "\n"), "\n") {
		tell(p.w, fmt.Sprintf("%6.1fs  %s", p.took().Seconds(), finding(plan.Finding{Node: node, Text: l})))
	}
}

// watch is an apply.Watcher. Quick steps have one line, when they ended; slow
// ones have one before. Steps that a failure held back are told of at the end.
func (p *progress) watch(r apply.Result) {
	what := title(r.Step)
	switch r.Status {
	case "":
		if words[r.Step.Action].slow && !r.Step.Maybe { // what may not be needed has no beginning
			p.line(r.Step.Node, what+" ...")
		}
	case apply.Done:
		text := fmt.Sprintf("%s: done in %.1fs", what, r.Took.Seconds())
		if r.Note != "" {
			text += " (" + r.Note + ")"
		}
		p.line(r.Step.Node, text)
	case apply.Failed:
		p.line(r.Step.Node, fmt.Sprintf("%s: failed after %.1fs: %v", what, r.Took.Seconds(), after(r.Step, r.Err)))
	case apply.Skipped, apply.Canceled:
	}
}
