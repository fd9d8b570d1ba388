package daemon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Environ is the environment of a machine's engine, as far as it is swarmup's.
// Its values may hold passwords and are never printed.
type Environ struct {
	// File is what swarmup wrote for it; nil where it wrote nothing.
	File map[string]string
	// Hooked says whether the engine is given File at its start.
	Hooked bool
	// Up says that an engine runs, and Running is its whole environment; nil where
	// none of it is swarmup's, and nobody asked.
	Up      bool
	Running map[string]string
}

// EnvPatch is what has to change about an environment: names, sorted. Write are
// those that are to be written, or taken out; Restart those that the engine has
// otherwise, so that only a restart makes them work. The zero value is no change.
type EnvPatch struct{ Write, Restart []string }

// Empty says whether there is nothing to do.
func (p EnvPatch) Empty() bool { return len(p.Write)+len(p.Restart) == 0 }

// Names gives all names, sorted.
func (p EnvPatch) Names() []string {
	out := slices.Concat(p.Write, p.Restart)
	slices.Sort(out)
	return slices.Compact(out)
}

// DiffEnv tells what has to change. A member's list of hosts that are not behind
// its proxy is written and takes no restart: engines from 19.03 on reach each
// other without the proxy whatever it says (swarmkit#2802), and so it may wait for
// the next one.
func DiffEnv(want map[string]string, have Environ, member bool) EnvPatch {
	var p EnvPatch
	all := map[string]bool{}
	for name := range want {
		all[name] = true
	}
	for name := range have.File {
		all[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		to, wanted := want[name]
		from, had := have.File[name]
		if wanted != had || to != from || wanted && !have.Hooked {
			p.Write = append(p.Write, name)
		}
		if !have.Up || member && NoProxy(name) && wanted {
			continue
		}
		now, has := have.Running[name]
		if wanted && (!has || now != to) || !wanted && has && now == from {
			p.Restart = append(p.Restart, name)
		}
	}
	return p
}

// NoProxy says whether a variable lists the hosts that are not behind the proxy.
func NoProxy(name string) bool { return strings.EqualFold(name, "NO_PROXY") }

// Proxy says whether a variable names a proxy that engines use (golang.org/x/net
// http/httpproxy; ALL_PROXY is for other programs).
func Proxy(name string) bool {
	return strings.EqualFold(name, "HTTP_PROXY") || strings.EqualFold(name, "HTTPS_PROXY")
}

// EncodeEnv gives the content of the file that an engine is given its environment
// by: lines of NAME="VALUE", sorted, which systemd and POSIX shells read alike
// (systemd.exec(5), EnvironmentFile).
func EncodeEnv(env map[string]string) []byte {
	var b strings.Builder
	b.WriteString("# Written by swarmup.\n")
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		fmt.Fprintf(&b, "%s=\"%s\"\n", name, escape.Replace(env[name]))
	}
	return []byte(b.String())
}

// ParseEnv reads what EncodeEnv gives; nil for nil. Lines of another form, which
// somebody else wrote, are passed over.
func ParseEnv(content []byte) map[string]string {
	if content == nil {
		return nil
	}
	out := map[string]string{}
	unescape := strings.NewReplacer(`\\`, `\`, `\"`, `"`, "\\`", "`", `\$`, `$`)
	for line := range strings.Lines(string(content)) {
		name, quoted, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		value, begins := strings.CutPrefix(quoted, `"`)
		value, ends := strings.CutSuffix(value, `"`)
		if ok && begins && ends && !strings.HasPrefix(name, "#") {
			out[name] = unescape.Replace(value)
		}
	}
	return out
}

// ParseEnviron reads the environment of a process as Linux shows it (proc(5),
// /proc/PID/environ); nil for nil.
func ParseEnviron(content []byte) map[string]string {
	if content == nil {
		return nil
	}
	out := map[string]string{}
	for entry := range strings.SplitSeq(string(content), "\x00") {
		if name, value, ok := strings.Cut(entry, "="); ok {
			out[name] = value
		}
	}
	return out
}
