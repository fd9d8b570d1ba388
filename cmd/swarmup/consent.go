package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/plan"
)

// consent is how far the user agreed beforehand.
type consent struct {
	command string // apply or destroy
	yes     bool   // --yes
	always  bool   // ask even if nothing is removed
	// max is --max-remove: how many nodes may be removed or replaced. Negative
	// means that it was not given.
	max int
	// removed are the nodes that earlier rounds removed.
	removed []string
}

// question says what a plan would do that must be asked about, in a cluster of
// that many nodes; "" if nothing need be asked. The error is a refusal.
func (c consent) question(p plan.Plan, size int) (string, error) {
	fresh := c.fresh(p)
	all := slices.Concat(c.removed, fresh)
	limit, by := c.max, "--max-remove"
	if limit < 0 && c.yes && !p.Teardown {
		limit, by = covered(size), "--yes without --max-remove"
	}
	switch {
	case limit >= 0 && len(all) > limit:
		return "", refusal(c.way(p, size), "%s covers the removal of %s, and this %s %d: %s", by, count(limit, "node"), verbs(p, fresh), len(all), names(all))
	case c.yes || len(fresh) == 0 && !c.always:
		return "", nil
	case p.Teardown:
		return "this takes " + p.Cluster + " down: " + names(fresh) + losing(p.Loses), nil
	case len(fresh) == 0:
		return "--confirm asks before anything is done", nil
	}
	return "this " + does(p, fresh) + losing(p.Loses), nil
}

// split tells nodes that get another machine from those that go for good.
func split(p plan.Plan, nodes []string) (removed, replaced []string) {
	for _, n := range nodes {
		if slices.Contains(p.Replaces, n) {
			replaced = append(replaced, n)
		} else {
			removed = append(removed, n)
		}
	}
	return removed, replaced
}

// does says what becomes of nodes: "removes a and replaces b".
func does(p plan.Plan, nodes []string) string {
	removed, replaced := split(p, nodes)
	var parts []string
	if len(removed) > 0 {
		parts = append(parts, "removes "+names(removed))
	}
	if len(replaced) > 0 {
		parts = append(parts, "replaces "+names(replaced))
	}
	return strings.Join(parts, ", and ")
}

func verbs(p plan.Plan, nodes []string) string {
	switch removed, replaced := split(p, nodes); {
	case len(replaced) == 0:
		return "removes"
	case len(removed) == 0:
		return "replaces"
	}
	return "removes or replaces"
}

// fresh are the nodes that a plan removes and no earlier round did.
func (c consent) fresh(p plan.Plan) []string {
	return slices.DeleteFunc(p.Removes(), func(n string) bool { return slices.Contains(c.removed, n) })
}

// covered is how many removals --yes covers by itself (docs/design.md, promise 8).
func covered(size int) int { return max(1, size/10) }

// way names the flags with which a plan needs no question.
func (c consent) way(p plan.Plan, size int) string {
	flags := "--yes"
	if n := len(c.removed) + len(c.fresh(p)); !p.Teardown && n > covered(size) {
		flags += fmt.Sprintf(" --max-remove %d", n)
	}
	return "read the plan; if it is right: swarmup " + c.command + " " + flags
}

// names lists nodes, of many the first.
func names(nodes []string) string {
	const most = 10
	if n := len(nodes); n > most {
		nodes = append(slices.Clone(nodes[:most-1]), fmt.Sprintf("%d more", n-most+1))
	}
	return list(nodes)
}

// ask asks on the terminal. Without one, or without a yes, it refuses; way says
// how to go on without being asked.
func (e env) ask(ctx context.Context, question, way string) error {
	if !e.terminal {
		return refusal(way, "%s, and there is no terminal to ask on", question)
	}
	tell(e.err, question)
	_, _ = io.WriteString(e.err, "swarmup: go on? [y/N] ")
	answer, err := readLine(ctx, e.in)
	if err != nil {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return refusal("", "not confirmed, nothing more was done")
	}
	return nil
}

// readLine reads one line or ends with ctx. A read from a terminal cannot be
// called off: its goroutine then ends with the process.
func readLine(ctx context.Context, r io.Reader) (string, error) {
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(r).ReadString('\n') // what ends early is no yes
		lines <- line
	}()
	select {
	case line := <-lines:
		return line, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
