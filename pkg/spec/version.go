package spec

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// versionForm matches what engine.version may be: up to three components.
var versionForm = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]{1,4}){0,2}$`)

// numbers matches what a version begins with.
var numbers = regexp.MustCompile(`^v?([0-9]+(?:\.[0-9]+)*)`)

// Takes says whether an engine of that version, as it says it itself or a
// package is called by it, is what e.Version asks for: its first components
// have to be the same. No version asked for takes any.
func (e Engine) Takes(version string) bool {
	want, has := components(e.Version), components(version)
	if len(has) < len(want) {
		return false
	}
	for i, n := range want {
		if n != has[i] {
			return false
		}
	}
	return true
}

// CompareVersions compares two versions by their components, as cmp.Compare.
func CompareVersions(a, b string) int {
	x, y := components(a), components(b)
	for i := range max(len(x), len(y)) {
		var m, n int
		if i < len(x) {
			m = x[i]
		}
		if i < len(y) {
			n = y[i]
		}
		if c := cmp.Compare(m, n); c != 0 {
			return c
		}
	}
	return 0
}

// components are the numbers that a version begins with.
func components(version string) []int {
	m := numbers.FindStringSubmatch(version)
	if m == nil {
		return nil
	}
	var out []int
	for s := range strings.SplitSeq(m[1], ".") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return out
		}
		out = append(out, n)
	}
	return out
}
