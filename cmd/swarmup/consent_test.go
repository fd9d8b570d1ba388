package main

import (
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/plan"
)

func TestWhatMustBeAskedAbout(t *testing.T) {
	many := steps("delete/n01", "delete/n02", "delete/n03", "delete/n04", "delete/n05", "delete/n06", "delete/n07", "delete/n08", "delete/n09", "delete/n10", "delete/n11")
	two := steps("drain/n1", "leave/n1", "delete/n1", "delete/n2")
	one := steps("leave/n1")
	tests := []struct {
		name     string
		consent  consent
		plan     plan.Plan
		size     int
		question string
		refusal  string // text and hint
	}{
		{name: "nothing, where no node is removed", consent: consent{max: -1}, plan: steps("join/n1", "drain/n2"), size: 3},
		{name: "removals", consent: consent{max: -1}, plan: two, size: 3, question: "this removes n1 and n2"},
		{name: "of many removals the first", consent: consent{max: -1}, plan: many, size: 20,
			question: "this removes n01, n02, n03, n04, n05, n06, n07, n08, n09 and 2 more"},
		{name: "replacements", consent: consent{max: -1}, plan: replacing(two, "n1", "n2"), size: 3, question: "this replaces n1 and n2"},
		{name: "both", consent: consent{max: -1}, plan: replacing(two, "n2"), size: 3, question: "this removes n1, and replaces n2"},
		{name: "--yes covers one replacement", consent: consent{max: -1, yes: true, command: "apply"}, plan: replacing(two, "n1", "n2"), size: 3,
			refusal: "--yes without --max-remove covers the removal of 1 node, and this replaces 2: n1 and n2\nread the plan; if it is right: swarmup apply --yes --max-remove 2"},
		{name: "both count", consent: consent{max: 1, command: "apply"}, plan: replacing(two, "n1"), size: 3,
			refusal: "--max-remove covers the removal of 1 node, and this removes or replaces 2: n1 and n2\nread the plan; if it is right: swarmup apply --yes --max-remove 2"},
		{name: "what is lost with it", consent: consent{max: -1}, plan: costing(one, plan.Loss{Node: "n1", Volumes: []string{"a", "b"}, More: 3, Services: []string{"db"}}),
			size: 3, question: "this removes n1; lost with that: 5 volumes and 1 service"},
		{name: "what nobody knows", consent: consent{max: -1}, plan: costing(one, plan.Loss{Node: "n1", Unknown: "it is off"}),
			size: 3, question: "this removes n1; lost with that: what is on 1 machine that cannot be asked"},
		{name: "anything with --confirm", consent: consent{max: -1, always: true}, plan: steps("join/n1"), size: 3, question: "--confirm asks before anything is done"},
		{name: "one removal is covered by --yes", consent: consent{max: -1, yes: true}, plan: one, size: 3},
		{name: "two are not in a small cluster", consent: consent{max: -1, yes: true, command: "apply"}, plan: two, size: 19,
			refusal: "--yes without --max-remove covers the removal of 1 node, and this removes 2: n1 and n2\nread the plan; if it is right: swarmup apply --yes --max-remove 2"},
		{name: "two are in a cluster of twenty", consent: consent{max: -1, yes: true}, plan: two, size: 20},
		{name: "--max-remove covers more", consent: consent{max: 2, yes: true}, plan: two, size: 3},
		{name: "--max-remove 0 forbids them", consent: consent{max: 0, yes: true, command: "apply"}, plan: one, size: 3,
			refusal: "--max-remove covers the removal of 0 nodes, and this removes 1: n1\nread the plan; if it is right: swarmup apply --yes"},
		{name: "--max-remove limits without --yes too", consent: consent{max: 1, command: "apply"}, plan: two, size: 3,
			refusal: "--max-remove covers the removal of 1 node, and this removes 2: n1 and n2\nread the plan; if it is right: swarmup apply --yes --max-remove 2"},
		{name: "what an earlier round removed counts", consent: consent{max: -1, yes: true, removed: []string{"n9"}, command: "apply"}, plan: one, size: 3,
			refusal: "--yes without --max-remove covers the removal of 1 node, and this removes 2: n9 and n1\nread the plan; if it is right: swarmup apply --yes --max-remove 2"},
		{name: "the same node is removed once", consent: consent{max: -1, yes: true, removed: []string{"n1"}}, plan: one, size: 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			question, err := tt.consent.question(tt.plan, tt.size)
			var refusal string
			if err != nil {
				refusal = err.Error() + "\n" + err.(*exitError).hint //nolint:errorlint // nothing may wrap it
			}
			if question != tt.question || refusal != tt.refusal {
				t.Errorf("\n got %q, refusal %q\nwant %q, refusal %q", question, refusal, tt.question, tt.refusal)
			}
		})
	}
}

func costing(p plan.Plan, l plan.Loss) plan.Plan {
	p.Loses = []plan.Loss{l}
	return p
}

func replacing(p plan.Plan, nodes ...string) plan.Plan {
	p.Replaces = nodes
	return p
}

func TestApplyAsksBeforeItRemoves(t *testing.T) {
	tests := []struct {
		name     string
		terminal bool
		answer   string
		args     string
		code     int
		err      string
		did      int
	}{
		{name: "a yes goes on", terminal: true, answer: "y\n", err: "this removes n1\nswarmup: go on? [y/N] ", did: 1},
		{name: "so does a long one", terminal: true, answer: " YES \n", did: 1},
		{name: "a no does not", terminal: true, answer: "no\n", code: exitRefused, err: "not confirmed"},
		{name: "nor does silence", terminal: true, answer: "", code: exitRefused, err: "not confirmed"},
		{name: "nor does a pipe", answer: "y\n", code: exitRefused, err: "this removes n1, and there is no terminal to ask on\nswarmup: hint: read the plan; if it is right: swarmup apply --yes\n"},
		{name: "--yes needs no answer", args: "--yes", did: 1},
		{name: "--yes and --confirm contradict", args: "--yes --confirm", code: exitRefused, err: "contradict"},
		{name: "a negative limit is none", args: "--max-remove -1", code: exitRefused, err: "--max-remove is -1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{plans: []plan.Plan{steps("delete/n1")}}
			got := user{world: w, terminal: tt.terminal, answers: tt.answer}.run(t, append([]string{"apply"}, strings.Fields(tt.args)...)...)
			got.wants(t, tt.code, nil, []string{tt.err})
			if len(w.did) != tt.did {
				t.Errorf("did %q, want %d steps", w.did, tt.did)
			}
		})
	}
}

func TestRemovalsOfAllRoundsCountTogether(t *testing.T) {
	w := &world{plans: []plan.Plan{partial(steps("delete/n1")), steps("delete/n2")}}
	got := user{world: w}.run(t, "apply", "--yes", "-o", "json")
	got.wants(t, exitFailed, []string{`"result": "failed"`, `"id": "delete/n1"`}, []string{"and this removes 2: n1 and n2", "--max-remove 2"})
	if len(w.did) != 1 {
		t.Errorf("did %q, want the first removal only", w.did)
	}
}

func TestThePlanIsShownBeforeTheQuestionInJSONToo(t *testing.T) {
	w := &world{plans: []plan.Plan{steps("delete/n1")}}
	got := user{world: w, terminal: true, answers: "y\n"}.run(t, "apply", "-o", "json")
	got.wants(t, exitDone, []string{`"result": "done"`}, []string{"swarmup:   - n1  delete machine\n"})
	if !strings.HasPrefix(got.out, "{") {
		t.Errorf("standard output is more than JSON: %s", got.out)
	}
}
