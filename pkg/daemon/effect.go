package daemon

import "strings"

// reloadable holds the keys that an engine takes over on SIGHUP, and whether
// taking the key out of the file has an effect at a reload too; where it has
// none the engine keeps the old value until it is restarted. Source: moby
// daemon/reload.go (Reload) and daemon/reload_unix.go (reloadPlatform).
//
// Left out, and so a restart, although a reload looks at them:
// authorization-plugins, since an unknown plugin makes dockerd exit at once
// (daemon/command/daemon.go, reloadConfig), and live-restore, which a swarm
// member takes at a reload and then refuses at its next start.
func reloadable(key string) (set, unset bool) {
	switch key {
	case "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts",
		"features", "network-diagnostic-port", "nri-opts":
		return true, true
	case "debug", "shutdown-timeout", "default-stop-timeout", "runtimes", "default-runtime",
		"default-shm-size", "default-ipc-mode", "default-cgroupns-mode":
		return true, false
	}
	return false, false
}

// EffectOf tells what it takes until a new value of a key works. It also knows
// the keys of list elements, such as "labels.role".
func EffectOf(key string) Effect {
	if isElement(key) || isList(key) {
		return Reload
	}
	if set, _ := reloadable(key); set {
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
	if _, unset := reloadable(c.Key); unset {
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
