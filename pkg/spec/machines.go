package spec

import (
	"net/netip"
	"path/filepath"
	"regexp"
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
		if strings.ContainsAny(k.User.v, "@: \t\n/") || strings.HasPrefix(k.User.v, "-") {
			b.wrong(k.User.at, "%q is no user name", clip(k.User.v))
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
	return out
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
