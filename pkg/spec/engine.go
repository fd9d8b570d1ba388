package spec

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// engine gives engine settings over those of the cluster: labels, env and daemon are
// merged by key, everything else replaces.
func (b *builder) engine(k *engineKeys, base Engine) Engine {
	out := base
	b.source(k, &out)
	out.Labels = k.Labels.v.over(base.Labels)
	out.Env = k.Env.v.over(base.Env)
	if k.InsecureRegistries.given {
		out.InsecureRegistries = b.each(k.InsecureRegistries.v, registry)
	}
	if k.RegistryMirrors.given {
		out.RegistryMirrors = b.each(k.RegistryMirrors.v, mirror)
	}
	if k.OpenPorts.good {
		out.OpenPorts = k.OpenPorts.v
	}
	if len(k.Daemon.v) > 0 {
		out.Daemon = make(map[string]any, len(base.Daemon)+len(k.Daemon.v))
		maps.Copy(out.Daemon, base.Daemon)
		maps.Copy(out.Daemon, k.Daemon.v)
	}
	return out
}

// source takes over where an engine comes from.
func (b *builder) source(k *engineKeys, out *Engine) {
	if k.Install.good {
		out.Install, out.Script = Install(k.Install.v), ""
		if k.Install.v.script() {
			path := val[string]{v: string(k.Install.v), at: k.Install.at, given: true, good: true}
			out.Install, out.Script = InstallScript, b.path(&path)
		}
	}
	if k.Version.good {
		out.Version = k.Version.v
		if !versionForm.MatchString(out.Version) {
			b.wrong(k.Version.at, "%q is no version such as 28.5 or 28.5.2", clip(out.Version))
		}
	}
	if !k.Repository.given {
		return
	}
	if out.Install != InstallDocker && out.Install != "" {
		b.wrong(k.Repository.at, "is for install: docker")
	}
	r := &k.Repository.v
	out.Repository = Repository{}
	if r.URL.good {
		out.Repository.URL = strings.TrimRight(r.URL.v, "/")
		if text := badURL(r.URL.v); text != "" {
			b.wrong(r.URL.at, "%s", text)
		}
	}
	if r.Key.good {
		out.Repository.Key = b.path(&r.Key)
	}
}

// badURL says why a text is not the root of a repository, "" if it is one.
func badURL(s string) string {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsAny(s, " \t\r\n'\""):
		return fmt.Sprintf("%q is no URL such as https://mirror.local/docker", clip(s))
	case u.User != nil:
		return "a repository's URL holds no user and no password: every user of a machine could read them"
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(s, "?#"):
		return fmt.Sprintf("%q: a repository's URL ends with its path", clip(s))
	}
	return ""
}

// each checks the elements of a list and refuses those that are there twice.
// check gives an element as the engine prints it, or why it is wrong.
func (b *builder) each(elements list[string], check func(string) (string, string)) []string {
	out := make([]string, 0, len(elements))
	lines := map[string]int{}
	for i := range elements {
		e := &elements[i]
		if !e.good {
			continue
		}
		s, text := check(e.v)
		if line, seen := lines[s]; text == "" && seen {
			text = fmt.Sprintf("%q is already in line %d", clip(s), line)
		}
		if text != "" {
			b.wrong(e.at, "%s", text)
			continue
		}
		lines[s] = e.at.pos.Line
		out = append(out, s)
	}
	return out
}

// registryHost matches a domain as image names have it (distribution/reference,
// domain component), with a port or without one.
var registryHost = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]+)?$`)

// registry checks an element of insecure_registries.
func registry(s string) (string, string) {
	switch {
	case strings.Contains(s, "://"):
		return s, fmt.Sprintf("%q is a URL: write host or host:port", clip(s))
	case strings.Contains(s, "/"):
		return s, badCIDR(s)
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return s, ""
	}
	_, port, hasPort := strings.Cut(s, ":")
	if n, err := strconv.Atoi(port); !registryHost.MatchString(s) || hasPort && (err != nil || n < 1 || n > 65535) {
		return s, fmt.Sprintf("%q is neither host nor host:port nor CIDR", clip(s))
	}
	return s, ""
}

// mirror checks an element of registry_mirrors by the engine's rules and gives
// it as the engine does (moby registry/config.go, ValidateMirror).
func mirror(s string) (string, string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return s, fmt.Sprintf("%q is no URL such as https://mirror.local", clip(s))
	case u.User != nil:
		return s, "a mirror's URL holds no user and no password"
	case u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(s, "?#"):
		return s, fmt.Sprintf("%q: a mirror's URL ends with its path", clip(s))
	}
	return strings.TrimSuffix(s, "/") + "/", ""
}
