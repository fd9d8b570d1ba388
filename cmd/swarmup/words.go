package main

import (
	"fmt"
	"strings"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/plan"
)

// doing is how an action reads. Slow ones are announced when they begin, the
// others are told of when they ended.
type doing struct {
	sign string // "+" comes, "~" changes, "-" goes, " " only looks
	text string
	slow bool
}

// words has a line for every action.
var words = map[plan.Action]doing{
	plan.Create:      {"+", "create machine", true},
	plan.Start:       {"~", "start machine", true},
	plan.Connect:     {" ", "connect", true},
	plan.Install:     {"+", "install engine", true},
	plan.Configure:   {"~", "configure engine", false},
	plan.Init:        {"+", "init swarm", false},
	plan.Join:        {"+", "join", false},
	plan.Label:       {"~", "label", false},
	plan.Unlock:      {"~", "unlock manager", false},
	plan.StoreKey:    {"~", "store the unlock key", false},
	plan.Settle:      {" ", "wait for the swarm to settle", true},
	plan.Mark:        {"~", "mark as replaced", false},
	plan.Settings:    {"~", "change the swarm's settings", false},
	plan.Promote:     {"~", "promote to manager", false},
	plan.Demote:      {"~", "demote to worker", false},
	plan.Drain:       {"-", "drain", true},
	plan.Upgrade:     {"~", "upgrade engine", true},
	plan.Restart:     {"~", "restart engine", true},
	plan.Restore:     {"~", "give the availability back", false},
	plan.Leave:       {"-", "leave the swarm", false},
	plan.Forget:      {"-", "remove from the node list", false},
	plan.Unconfigure: {"-", "take back engine settings", false},
	plan.Delete:      {"-", "delete machine", false},
	plan.Sweep:       {"-", "remove entries of unfinished joins", false},
	plan.Clean:       {"-", "remove what the provider keeps for the cluster", false},
	plan.Verify:      {" ", "verify", true},
}

// sign marks what becomes of a step's subject.
func sign(s plan.Step) string {
	if s.Maybe {
		return "?"
	}
	if s.Return {
		return "~"
	}
	return words[s.Action].sign
}

// title says what a step does, such as "join as worker".
func title(s plan.Step) string {
	t := words[s.Action].text
	if t == "" {
		t = string(s.Action)
	}
	switch s.Action {
	case plan.Join:
		t += " as " + string(s.Role)
	case plan.Drain:
		if s.Return {
			t += " for a while"
		}
	case plan.Delete:
		if s.Machine != "" {
			t += " " + s.Machine
		}
	case plan.Leave:
		if s.Force {
			t += " by force"
		}
	case plan.Configure:
		if s.Effect == daemon.Reload || s.Effect == daemon.Restart {
			t += ", " + string(s.Effect) + " it"
		}
	default:
	}
	return t
}

// reason is what stands behind a step in a plan.
func reason(s plan.Step) string {
	switch {
	case s.Maybe && s.Why == "":
		return "if it is needed"
	case s.Maybe:
		return s.Why + "; if it is needed"
	}
	return s.Why
}

// change is one line about a value, with its sign.
func change(c plan.Change) string {
	switch {
	case c.From == "" && c.To == "":
		return "~ " + c.What
	case c.From == "":
		return fmt.Sprintf("+ %s: %s", c.What, c.To)
	case c.To == "":
		return fmt.Sprintf("- %s: %s", c.What, c.From)
	}
	return fmt.Sprintf("~ %s: %s -> %s", c.What, c.From, c.To)
}

// finding is one line about a node, or about the whole cluster. The node is
// named once.
func finding(f plan.Finding) string {
	if f.Node == "" || strings.HasPrefix(f.Text, f.Node+" ") || strings.HasPrefix(f.Text, f.Node+"'s ") {
		return f.Text
	}
	return f.Node + ": " + f.Text
}

// count writes a number with its noun: "1 node", "3 nodes".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// list joins words: "a", "a and b", "a, b and c".
func list(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
