package spec

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// settings are keys of daemon.json with the values that JSON knows: string,
// bool, int, float64, []any and map[string]any.
type settings map[string]any

func (*settings) wants() string { return "a map of daemon.json keys" }

func (s *settings) read(r *reader, n node) bool {
	if n.Kind != yaml.MappingNode {
		r.mismatch(n, s.wants())
		return false
	}
	entries, good := r.entries(n)
	*s = make(settings, len(entries))
	for _, e := range entries {
		v, ok := r.anything(e.value)
		if ok {
			if why := refusedSetting(e.name, v); why != "" {
				r.wrong(place{e.keyPos, e.value.path}, "%s", why)
				ok = false
			}
		}
		(*s)[e.name] = v
		good = good && ok
	}
	return good
}

// refusedSetting says why a key of daemon.json may not be set, "" if it may.
func refusedSetting(key string, v any) string {
	switch key {
	case "labels":
		return "write engine.labels or engine_labels instead"
	case "insecure-registries":
		return "write engine.insecure_registries instead"
	case "registry-mirrors":
		return "write engine.registry_mirrors instead"
	case "swarm-default-advertise-addr":
		return "write advertise instead"
	case "hosts":
		// dockerd does not start with a key that is a flag as well (moby
		// daemon/config/config.go, findConfigurationConflicts).
		return "the engine's unit sets -H, and an engine with both does not start"
	case "live-restore":
		// moby daemon/config/config_linux.go, ValidatePlatformConfig.
		return "an engine with live-restore cannot be in a swarm"
	case "firewall-backend":
		if v == "nftables" {
			return "an engine with the nftables back end cannot be in a swarm"
		}
	}
	if strings.Contains(key, "_") {
		return fmt.Sprintf("keys of daemon.json are spelled with hyphens (did you mean %q?)", strings.ReplaceAll(key, "_", "-"))
	}
	return ""
}

// anything reads a value of no fixed type.
func (r *reader) anything(n node) (any, bool) {
	switch {
	case n.Kind == yaml.MappingNode && n.ShortTag() == "!!map":
		return r.object(n)
	case n.Kind == yaml.SequenceNode && n.ShortTag() == "!!seq":
		out, good := make([]any, len(n.Content)), true
		for i, c := range n.Content {
			v, ok := r.anything(r.node(c, item(n.path, i)))
			out[i], good = v, good && ok
		}
		return out, good
	}
	const wants = "a value that JSON knows"
	l, ok := r.literal(n, wants)
	if !ok {
		return nil, false
	}
	if v, ok := l.value(); ok {
		return v, true
	}
	r.wrong(n.place, "wants %s, found %s", wants, l.found())
	return nil, false
}

func (r *reader) object(n node) (any, bool) {
	entries, good := r.entries(n)
	out := make(map[string]any, len(entries))
	for _, e := range entries {
		v, ok := r.anything(e.value)
		out[e.name], good = v, good && ok
	}
	return out, good
}

// value gives a scalar as JSON has it; false for null and for numbers that are
// not decimal.
func (l literal) value() (any, bool) {
	switch l.tag {
	case "!!str", "!!timestamp":
		return l.text, true
	case "!!bool":
		return strings.EqualFold(l.text, "true"), true
	case "!!int":
		i, err := strconv.Atoi(l.text)
		return i, err == nil && decimal.MatchString(l.text)
	case "!!float":
		return l.float()
	}
	return nil, false
}
