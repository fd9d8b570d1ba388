package spec

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func (b *builder) provider(v *val[providerKeys]) Provider {
	if !v.good {
		return Provider{}
	}
	d := &v.v.docker.v
	if d.Subnet.good {
		text := badCIDR(d.Subnet.v)
		if p, err := netip.ParsePrefix(d.Subnet.v); text == "" && err == nil && (!p.Addr().Is4() || p.Bits() > 29) {
			text = "wants an IPv4 range with room for machines, at most /29"
		}
		if text != "" {
			b.wrong(d.Subnet.at, "%s", text)
		}
	}
	return Provider{Name: v.v.name, Docker: DockerSettings{Image: d.Image.v, Subnet: d.Subnet.v}}
}

// ssh gives SSH settings over those of the cluster.
func (b *builder) ssh(k *sshKeys, base SSH) SSH {
	out := base
	if k.User.good {
		if text := badUser(k.User.v); text != "" && k.User.v != "" {
			b.wrong(k.User.at, "%s", text)
		}
		out.User = k.User.v
	}
	if k.Port.good {
		out.Port = k.Port.v
	}
	if k.IdentityFile.good {
		out.IdentityFile = b.path(&k.IdentityFile)
	}
	if k.KnownHosts.good {
		out.KnownHosts = b.path(&k.KnownHosts)
	}
	if k.Jump.good {
		out.Jump = b.jump(&k.Jump)
	}
	return out
}

// checkJumps refuses jump hosts where there is nothing to go through.
func (b *builder) checkJumps(top *topKeys, provider string) {
	if provider != "docker" {
		return
	}
	jumps := []*val[list[string]]{&top.SSH.v.Jump}
	for _, groups := range []list[group]{top.Managers.v, top.Workers.v} {
		for i := range groups {
			jumps = append(jumps, &groups[i].v.SSH.v.Jump)
		}
	}
	for _, v := range jumps {
		if v.good && len(v.v) > 0 {
			b.wrong(v.at, "provider \"docker\" makes its machines on this computer: leave the key out")
		}
	}
}

// jump gives the hosts to go through, empty and not nil for none.
func (b *builder) jump(v *val[list[string]]) []string {
	out := []string{}
	for _, one := range v.v {
		if text := badJump(one.v); text != "" {
			b.wrong(one.at, "%s", text)
		}
		out = append(out, one.v)
	}
	return out
}

// badJump says why a text is no host to go through, "" if it is one.
func badJump(s string) string {
	if s == "none" {
		return `"none" is no host: write jump: [] to go through none`
	}
	host := s
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		host = s[at+1:]
		if text := badUser(s[:at]); text != "" {
			return text
		}
	}
	if strings.HasPrefix(host, "[") || strings.Count(host, ":") == 1 {
		h, port, err := net.SplitHostPort(host)
		n, portErr := strconv.ParseUint(port, 10, 16)
		if err != nil || portErr != nil || n == 0 {
			return fmt.Sprintf("%q is not [user@]host[:port]", clip(s))
		}
		host = h
	}
	if badHost(host) != "" {
		return fmt.Sprintf("%q is not [user@]host[:port]", clip(s))
	}
	return ""
}

// badUser says why a text is nobody's name, "" if it may be.
func badUser(s string) string {
	if s == "" || strings.ContainsAny(s, "@: \t\n/,") || strings.HasPrefix(s, "-") {
		return fmt.Sprintf("%q is no user name", clip(s))
	}
	return ""
}

// path makes a path absolute. Nothing is looked up: the file is not read here.
func (b *builder) path(v *val[string]) string {
	p := v.v
	switch {
	case p == "~" || strings.HasPrefix(p, "~/"):
		if b.src.Home == "" {
			b.wrong(v.at, "%q needs a home directory, and there is none", clip(p))
			return ""
		}
		return filepath.Join(b.src.Home, p[1:])
	case strings.HasPrefix(p, "~"):
		b.wrong(v.at, "%q: only ~ itself, the own home directory, is known", clip(p))
		return ""
	case filepath.IsAbs(p):
		return filepath.Clean(p)
	case !filepath.IsAbs(b.src.Dir):
		b.wrong(v.at, "%q is relative, and this file has no folder", clip(p))
		return ""
	}
	return filepath.Join(b.src.Dir, p)
}

// fingerprint matches SHA-256 in base64 without padding, as OpenSSH prints it.
var fingerprint = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

func (g *groups) hostKey(k *group) string {
	v := &k.SSH.v.HostKey
	switch {
	case !v.good:
		return ""
	case !fingerprint.MatchString(v.v):
		g.wrong(v.at, "wants a fingerprint such as SHA256:..., which ssh-keygen -lf prints, found %q", clip(v.v))
	case g.cluster.Provider.Name == "docker":
		g.wrong(v.at, "provider \"docker\" gives the machines their host keys: leave the key out")
	case k.several():
		g.wrong(v.at, "%d nodes cannot have one host key: give each a line of its own", k.Count.v)
	}
	return v.v
}
