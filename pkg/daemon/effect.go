package daemon

import "strings"

// EffectOf tells what it takes until a new value of a key works. It also knows
// the keys of list elements, such as "labels.role". A key that no engine knows
// takes a restart: that is what a key takes that a reload does not look at, and
// an engine that does not know it refuses the file before it is in place, or
// does not start with it and gets its old file back.
func EffectOf(key string) Effect {
	if isElement(key) {
		return Reload
	}
	if k, _ := KeyOf(key); k.Set == Reload {
		return Reload
	}
	return Restart
}

// Effect is what this change takes. It is EffectOf its key, but for keys that a
// reload can set and only a restart can take out.
func (c Change) Effect() Effect {
	if isElement(c.Key) || c.To != nil {
		return EffectOf(c.Key)
	}
	if k, _ := KeyOf(c.Key); k.Unset == Reload {
		return Reload
	}
	return Restart
}

// Visible says whether a running engine shows this change in what Live holds.
func (c Change) Visible() bool {
	return isElement(c.Key)
}

// The three lists of which swarmup owns single elements.
const (
	labelsKey   = "labels"
	insecureKey = "insecure-registries"
	mirrorsKey  = "registry-mirrors"
)

func isList(key string) bool {
	return key == labelsKey || key == insecureKey || key == mirrorsKey
}

// isElement says whether a Change's key is that of an element, such as
// "labels.role".
func isElement(key string) bool {
	list, _, ok := strings.Cut(key, ".")
	return ok && isList(list)
}
