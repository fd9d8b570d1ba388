package spec

import (
	"regexp"
	"strconv"
)

// place is where something stands in the file and how it is reached from the
// top of it.
type place struct {
	pos  Pos
	path string
}

// bareKey matches the keys that a path shows without quotes.
var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// child is the path of a key below path.
func child(path, key string) string {
	switch {
	case !bareKey.MatchString(key):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// item is the path of a list's element, counted from 0.
func item(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}
