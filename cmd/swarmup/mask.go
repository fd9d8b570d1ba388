package main

import (
	"slices"

	"github.com/swarmup/swarmup/pkg/plan"
)

// A mask hides values that came from ${...} in the file.
type mask func(string) string

// plan hides them everywhere in a plan's texts. The plan given stays as it is.
func (m mask) plan(p plan.Plan) plan.Plan {
	p.Steps = slices.Clone(p.Steps)
	for i := range p.Steps {
		p.Steps[i] = m.step(p.Steps[i])
	}
	p.Refused, p.Blocked, p.Notes = m.findings(p.Refused), m.findings(p.Blocked), m.findings(p.Notes)
	p.Drift, p.Loses = m.findings(p.Drift), m.losses(p.Loses)
	return p
}

func (m mask) step(s plan.Step) plan.Step {
	s.Why = m(s.Why)
	s.Changes = slices.Clone(s.Changes)
	for i, c := range s.Changes {
		s.Changes[i] = plan.Change{What: m(c.What), From: m(c.From), To: m(c.To)}
	}
	return s
}

func (m mask) findings(fs []plan.Finding) []plan.Finding {
	fs = slices.Clone(fs)
	for i, f := range fs {
		fs[i] = plan.Finding{Node: f.Node, Text: m(f.Text), Hint: m(f.Hint)}
	}
	return fs
}

func (m mask) losses(ls []plan.Loss) []plan.Loss {
	ls = slices.Clone(ls)
	for i, l := range ls {
		ls[i].Volumes, ls[i].Services, ls[i].Unknown = m.all(l.Volumes), m.all(l.Services), m(l.Unknown)
	}
	return ls
}

func (m mask) all(texts []string) []string {
	texts = slices.Clone(texts)
	for i := range texts {
		texts[i] = m(texts[i])
	}
	return texts
}

func (m mask) outcome(o outcome) outcome {
	o.Steps = slices.Clone(o.Steps)
	for i, s := range o.Steps {
		o.Steps[i].Step, o.Steps[i].Note, o.Steps[i].Error = m.step(s.Step), m(s.Note), m(s.Error)
	}
	o.Refused, o.Blocked, o.Notes = m.findings(o.Refused), m.findings(o.Blocked), m.findings(o.Notes)
	o.Drift, o.Loses = m.findings(o.Drift), m.losses(o.Loses)
	return o
}

func (m mask) status(s status) status {
	s.Found = m.found(s.Found)
	s.Nodes = slices.Clone(s.Nodes)
	for i := range s.Nodes {
		s.Nodes[i].Note, s.Nodes[i].Found = m(s.Nodes[i].Note), m.found(s.Nodes[i].Found)
	}
	return s
}

func (m mask) found(fs []plan.Found) []plan.Found {
	fs = slices.Clone(fs)
	for i := range fs {
		fs[i].Text, fs[i].Hint = m(fs[i].Text), m(fs[i].Hint)
	}
	return fs
}

// error hides them in the text of an error; what it wraps can still be found.
func (m mask) error(err error) error {
	if err == nil {
		return nil
	}
	return &masked{err: err, text: m(err.Error())}
}

type masked struct {
	err  error
	text string
}

func (e *masked) Error() string { return e.text }
func (e *masked) Unwrap() error { return e.err }
