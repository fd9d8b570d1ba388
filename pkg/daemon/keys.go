package daemon

import (
	"cmp"
	"slices"
	"strings"
)

// Key is one key of daemon.json, as Engines 20.10 to 29 know it.
type Key struct {
	Name string
	// Flag is the flag of dockerd that sets the same; "" means that of the name.
	Flag string
	// Set is what a new value takes, and Unset what it takes to go back to the
	// engine's default. Never means that the key is refused in engine.daemon, at
	// least with some values.
	Set, Unset Effect
	// Why is why the key is refused; "" if it is not.
	Why string
	// Engines says which engines know the key; "" means all of them.
	Engines string
	// Source is where this is known from.
	Source string
}

// Keys are all keys, sorted by name. Engines refuse a file with any other key;
// see EffectOf for how such a key is treated here.
func Keys() []Key {
	keys := slices.Concat(reloadKeys(), neverKeys(), networkKeys(), containerKeys(), processKeys())
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.Name, b.Name) })
	return keys
}

// KeyOf gives a key by its name; ok is false where no engine knows it.
func KeyOf(name string) (k Key, ok bool) {
	keys := Keys()
	i, ok := slices.BinarySearchFunc(keys, name, func(k Key, name string) int { return cmp.Compare(k.Name, name) })
	if !ok {
		return Key{}, false
	}
	return keys[i], true
}

// Refused says why engine.daemon must not set a key; "" if it may. all are the
// keys that are set together, this one among them.
func Refused(name string, all map[string]any) string {
	k, _ := KeyOf(name)
	switch name {
	case "live-restore":
		if all[name] == false {
			return ""
		}
	case "firewall-backend":
		features, _ := all["features"].(map[string]any)
		if all[name] != "nftables" || all["iptables"] == false || features["swarm-nftables"] == true {
			return ""
		}
	}
	return k.Why
}

// Where the table is from. What is in moby's configuration and not among what
// its reload looks at takes a restart.
const (
	inReload   = "moby daemon/reload.go"
	inReloadOS = "moby daemon/reload_unix.go"
	inConfig   = "moby daemon/config/config.go"
	inConfigOS = "moby daemon/config/config_linux.go"
	inOld      = "moby 20.10 daemon/config/config.go"
)

// named makes keys of words NAME or NAME=FLAG.
func named(source string, set Effect, words string) (out []Key) {
	for w := range strings.FieldsSeq(words) {
		name, flag, _ := strings.Cut(w, "=")
		out = append(out, Key{Name: name, Flag: flag, Set: set, Unset: set, Source: source})
	}
	return out
}

// since says from, or until, which engine keys are known.
func since(engines string, keys []Key) []Key {
	for i := range keys {
		keys[i].Engines = engines
	}
	return keys
}

// keeps are keys that a reload sets, and of which an engine keeps the old value
// when they are gone from the file.
func keeps(keys []Key) []Key {
	for i := range keys {
		keys[i].Unset = Restart
	}
	return keys
}

// reloadKeys are those that an engine takes over on SIGHUP. The three lists are
// refused in engine.daemon because they have keys of their own; taking the last
// element out leaves an empty list, so that a reload does for that too.
//
// Not among them, although a reload looks at it: authorization-plugins, since an
// unknown plugin makes dockerd exit at once (moby daemon/command/daemon.go,
// reloadConfig).
func reloadKeys() []Key {
	lists := named(inReload, Reload, "labels=label insecure-registries=insecure-registry registry-mirrors=registry-mirror")
	for i, instead := range []string{"engine.labels or engine_labels", "engine.insecure_registries", "engine.registry_mirrors"} {
		lists[i].Why = "write " + instead + " instead"
	}
	return slices.Concat(lists,
		named(inReload, Reload, "max-concurrent-downloads max-concurrent-uploads max-download-attempts network-diagnostic-port"),
		named(inReload, Reload, "features=feature"),
		since("29 on", named(inReload, Reload, "nri-opts")),
		keeps(named(inReload, Reload, "debug shutdown-timeout")),
		since("29 on", keeps(named(inReload, Reload, "default-stop-timeout"))),
		keeps(named(inReloadOS, Reload, "runtimes=add-runtime default-runtime default-shm-size default-ipc-mode default-cgroupns-mode")),
	)
}
