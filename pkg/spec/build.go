package spec

import (
	"fmt"
	"regexp"
	"strings"
)

// builder makes a Cluster of the file's values: it expands groups, fills in
// defaults, and reports the mistakes that a value alone does not show.
type builder struct {
	*reader
	src Source
}

func (b *builder) cluster(top *topKeys) *Cluster {
	b.checkName(&top.Name)
	c := &Cluster{
		Name:     top.Name.v,
		Provider: b.provider(&top.Provider),
		SSH:      b.ssh(&top.SSH.v, SSH{}),
		Swarm:    b.swarm(&top.Swarm.v),
		Protect:  top.Protect.v,
		Warnings: b.remarks,
	}
	engine := b.engine(&top.Engine.v, Engine{})
	g := groups{builder: b, cluster: c, engine: engine, names: map[string]place{}, addresses: map[string]place{}}
	g.add(top.Managers.v, Manager)
	g.add(top.Workers.v, Worker)
	b.managers(top, c)
	b.checkJumps(top, c.Provider.Name)
	return c
}

// managers looks at how many there are.
func (b *builder) managers(top *topKeys, c *Cluster) {
	list, n := &top.Managers, len(c.Managers())
	for i := range list.v {
		if !list.v[i].v.Name.good || !list.v[i].v.Count.sound() {
			return // how many it stands for is not known
		}
	}
	if n == 0 && list.given && (list.good || len(list.v) > 0) {
		b.wrong(list.at, "no manager: a swarm needs at least one")
	}
	if n > 7 {
		b.warn(c, list.at, "more than 7 managers make every change slower")
	}
	if n > 0 && n%2 == 0 {
		b.warn(c, list.at, fmt.Sprintf("%d managers survive no more failures than %d do", n, n-1))
	}
}

func (b *builder) warn(c *Cluster, at place, text string) {
	c.Warnings = append(c.Warnings, Problem{Pos: at.pos, Path: at.path, Text: text})
}

// sound says that a key is not there or has a good value.
func (v *val[T]) sound() bool { return !v.given || v.good }

// nameForm is what the names of clusters and nodes look like. They become host
// names and parts of machine names.
var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)

func (b *builder) checkName(v *val[string]) {
	if !v.good {
		return
	}
	if text := badName(v.v); text != "" {
		b.wrong(v.at, "%s", text)
		v.good = false
	}
}

// badName says what is wrong with a name, "" if nothing is.
func badName(name string) string {
	switch {
	case nameForm.MatchString(name) && strings.HasSuffix(name, "-"):
		return fmt.Sprintf("%q ends with a hyphen, which no host name may", name)
	case nameForm.MatchString(name):
		return ""
	case len(name) > 30:
		return fmt.Sprintf("%q has more than 30 characters", clip(name))
	}
	return fmt.Sprintf("%q is no name: a lower case letter, then lower case letters, digits and hyphens", name)
}
