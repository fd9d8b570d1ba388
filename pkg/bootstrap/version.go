package bootstrap

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/spec"
)

// offer is one version of a package that can be had.
type offer struct {
	name    string
	version string // as the package manager writes it, such as 5:28.5.2-1~debian.13~trixie
}

// upstreamForm finds the version of the software in that of a package: behind
// the epoch, before the distribution's own.
var upstreamForm = regexp.MustCompile(`^(?:\d+:)?v?(\d+(?:\.\d+)*)`)

// preRelease matches versions that are none yet.
var preRelease = regexp.MustCompile(`~?(rc|beta|alpha)[.\d]`)

// upstream is the version of the software, such as 28.5.2; "" for none and for
// pre-releases.
func (o offer) upstream() string {
	m := upstreamForm.FindStringSubmatch(o.version)
	if m == nil || preRelease.MatchString(o.version) {
		return ""
	}
	return m[1]
}

// readOffers reads lines "PACKAGE VERSION", which keep their order.
func readOffers(s string) []offer {
	var out []offer
	for line := range strings.Lines(s) {
		if w := strings.Fields(line); len(w) == 2 {
			out = append(out, offer{w[0], w[1]})
		}
	}
	return out
}

// of gives what is offered of one package, the newest first. Two packages of
// one version of the software stay in the order of the package manager.
func of(offers []offer, name string) []offer {
	var out []offer
	for _, o := range offers {
		if o.name == name && o.upstream() != "" {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b offer) int { return spec.CompareVersions(b.upstream(), a.upstream()) })
	return slices.Compact(out)
}

// find gives the newest version of a package that a wish takes.
func find(offers []offer, name, wish string) (offer, bool) {
	for _, o := range of(offers, name) {
		if (spec.Engine{Version: wish}).Takes(o.upstream()) {
			return o, true
		}
	}
	return offer{}, false
}

// notOffered says that there is no such version, and which there are.
func notOffered(offers []offer, name, wish, where string) error {
	const most = 5
	var have []string
	for _, o := range of(offers, name) {
		if v := o.upstream(); !slices.Contains(have, v) && len(have) < most {
			have = append(have, v)
		}
	}
	switch {
	case len(have) == 0:
		return fmt.Errorf("%s has no %s for this machine", where, name)
	case len(have) == 1:
		return fmt.Errorf("%s has no %s %s: it has %s", where, name, wish, have[0])
	}
	return fmt.Errorf("%s has no %s %s: its newest are %s", where, name, wish, strings.Join(have, ", "))
}

// choose gives the exact versions of a recipe's packages. wish is what must be,
// prefer what is taken where it can be had; both may be "".
func (r recipe) choose(offers []offer, wish, prefer string) (picked []offer, err error) {
	engine, ok := find(offers, r.engine, cmp.Or(wish, prefer))
	if !ok && wish == "" {
		engine, ok = find(offers, r.engine, "")
	}
	if !ok {
		return nil, notOffered(offers, r.engine, wish, r.where())
	}
	picked = append(picked, engine)
	for _, name := range r.same {
		o, ok := find(offers, name, engine.upstream())
		if !ok {
			return nil, &skewError{fmt.Errorf("%s has %s %s, but no %s of that version", r.where(), r.engine, engine.upstream(), name)}
		}
		picked = append(picked, o)
	}
	for _, name := range r.along {
		o, ok := find(offers, name, "")
		if !ok {
			return nil, notOffered(offers, name, "", r.where())
		}
		picked = append(picked, o)
	}
	return picked, nil
}

// skewError means that a repository is not of one piece: it is being published,
// or its mirrors are not equally far. A little later it may be.
type skewError struct{ err error }

func (e *skewError) Error() string { return e.err.Error() }
func (e *skewError) Unwrap() error { return e.err }

// skewed recognises what package managers say of a mirror behind its index. A
// release that a repository does not have is none.
func skewed(complaint string) bool {
	has := func(words string) bool { return strings.Contains(complaint, words) }
	if has("does not have a Release file") || has("repomd.xml") {
		return false
	}
	return slices.ContainsFunc([]string{
		"Hash Sum mismatch", "unexpected size", "Mirror sync in progress", "404  Not Found", "Status code: 404", "checksum doesn't match",
	}, has)
}
