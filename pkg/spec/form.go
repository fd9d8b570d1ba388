package spec

import (
	"regexp"
	"strings"
	"time"

	"github.com/docker/go-units"
	"gopkg.in/yaml.v3"
)

// size is an amount of memory in bytes.
type size int64

// sizeForm is what go-units reads, without what it reads too: 1e3, Inf, hexadecimal.
var sizeForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)? ?([bB]|[kKmMgGtT]([iI]?[bB])?)?$`)

// The bounds of a machine's memory: less than 6 MiB is refused by the engine
// (moby daemon/daemon_unix.go, linuxMinMemory).
const (
	minMemory = 6 << 20
	maxMemory = 1 << 50
)

func (*size) wants() string { return "a size such as 512m or 2g" }

func (s *size) read(r *reader, n node) bool {
	l, ok := r.literal(n, s.wants())
	if !ok {
		return false
	}
	bytes, err := units.RAMInBytes(l.text)
	switch {
	case err != nil || !sizeForm.MatchString(l.text):
		r.wrong(n.place, "wants %s, found %s", s.wants(), l.found())
		return false
	case bytes < minMemory || bytes > maxMemory:
		r.wrong(n.place, "%s is not between 6m and 1024t; the units are k, m, g and t", clip(l.text))
		return false
	}
	*s = size(bytes)
	return true
}

// duration is a span of time.
type duration time.Duration

func (*duration) wants() string { return "a duration such as 2160h" }

func (d *duration) read(r *reader, n node) bool {
	l, ok := r.literal(n, d.wants())
	if !ok {
		return false
	}
	parsed, err := time.ParseDuration(l.text)
	if err != nil {
		r.wrong(n.place, "wants %s (the units are h, m and s), found %s", d.wants(), l.found())
		return false
	}
	*d = duration(parsed)
	return true
}

// installWord is the value of engine.install.
type installWord string

func (*installWord) wants() string { return "docker, distro, none or the path of a script" }

func (w *installWord) read(r *reader, n node) bool {
	var s string
	if !r.text(n, &s) {
		return false
	}
	*w = installWord(s)
	if w.script() {
		return true
	}
	before := len(r.problems)
	r.oneOf(n.place, s, []string{string(InstallDocker), string(InstallDistro), string(InstallNone)})
	return len(r.problems) == before
}

// script says whether it is a path. A script in the file's own folder is
// written with ./ before its name.
func (w *installWord) script() bool { return strings.Contains(string(*w), "/") }

// providerKeys is the value of provider: a name, or a map of one name to its settings.
type providerKeys struct {
	name   string
	docker val[dockerKeys]
}

// The providers: those that work and those that are planned.
func knownProviders() []string { return []string{"docker", "ssh"} }
func laterProviders() []string {
	return []string{"hetzner", "digitalocean", "amazonec2", "qemu", "virtualbox", "hyperv", "machine_driver"}
}

func (*providerKeys) wants() string {
	return "the name of a provider, or a map of the name to its settings"
}

func (p *providerKeys) read(r *reader, n node) bool {
	if n.Kind != yaml.MappingNode {
		l, ok := r.literal(n, p.wants())
		if ok && l.tag != "!!str" && !l.variable {
			r.wrong(n.place, "wants %s, found %s", p.wants(), l.found())
			return false
		}
		return ok && p.choose(r, n.place, l.text)
	}
	entries, good := r.entries(n)
	if len(entries) != 1 {
		if good {
			r.wrong(n.place, "wants exactly one provider, found %d", len(entries))
		}
		return false
	}
	e := entries[0]
	return p.choose(r, place{e.keyPos, n.path}, e.name) && p.settings(r, e.value) && good
}

// choose takes a provider by its name.
func (p *providerKeys) choose(r *reader, at place, name string) bool {
	p.name = name
	for _, known := range knownProviders() {
		if name == known {
			return true
		}
	}
	for _, planned := range laterProviders() {
		if name == planned {
			r.wrong(at, "provider %q is not supported yet", name)
			return false
		}
	}
	r.wrong(at, "unknown provider %q%s", clip(name), suggest(name, knownProviders()))
	return false
}

// settings reads the settings of the chosen provider.
func (p *providerKeys) settings(r *reader, n node) bool {
	switch {
	case isNull(n.Node):
		return true
	case p.name == "docker":
		p.docker.take(r, n)
		return p.docker.good
	case n.Kind == yaml.MappingNode && len(n.Content) == 0:
		return true
	}
	r.wrong(n.place, "provider %q has no settings here: see the key ssh", p.name)
	return false
}
