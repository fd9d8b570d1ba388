package daemon

import (
	"fmt"
	"slices"
	"strings"
)

// FlagError says that a wanted key is set on dockerd's command line, where the
// file cannot reach it: an engine with a key in both places does not start.
type FlagError struct {
	Key  string
	Live []string // what the engine shows for one of the three lists
	// Guessed means that the command line is not known: the engine shows labels
	// that the file does not hold. They may also be those of an older file.
	Guessed bool
}

// Error names the key and the way out.
func (e *FlagError) Error() string {
	shown := ""
	if len(e.Live) > 0 {
		shown = " (" + strings.Join(e.Live, ", ") + ")"
	}
	if e.Guessed {
		return fmt.Sprintf("set %q: the engine shows some that daemon.json does not hold%s: "+
			"take --%s off dockerd's command line, if it is there, and restart the engine", e.Key, shown, flagOf(e.Key))
	}
	return fmt.Sprintf("set %q: it is on dockerd's command line%s: take --%s off it and restart the engine", e.Key, shown, flagOf(e.Key))
}

// flagOf gives the flag of a key of daemon.json; flags that may be repeated have
// another name there (moby daemon/command/config.go and config_unix.go).
func flagOf(key string) string {
	if k, _ := KeyOf(key); k.Flag != "" {
		return k.Flag
	}
	return key
}

// FlagKeys gives the keys of daemon.json that a dockerd command line sets,
// sorted; the result is never nil. args[0] is the program.
func FlagKeys(args []string) []string {
	out := []string{}
	keys := map[string]string{} // by flag
	for _, k := range Keys() {
		if k.Flag != "" {
			keys["--"+k.Flag] = k.Name
		}
	}
	short := map[string]string{"-H": "hosts", "-D": "debug", "-l": "log-level", "-g": "data-root",
		"-G": "group", "-b": "bridge", "-s": "storage-driver", "-p": "pidfile"}
	for _, arg := range args[min(1, len(args)):] {
		name, _, _ := strings.Cut(arg, "=")
		if key, ok := short[name]; ok {
			out = append(out, key)
			continue
		}
		if flag, ok := strings.CutPrefix(name, "--"); ok && flag != "" {
			if key, ok := keys[name]; ok {
				flag = key
			}
			out = append(out, flag)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
