package spec

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
)

// hostForm matches the host names that resolvers, ~/.ssh/config and Docker
// networks know: labels of at most 63 characters (RFC 1123, section 2.1; the
// underscore is used in practice).
var hostForm = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$`)

// digits matches what was meant to be an IPv4 address.
var digits = regexp.MustCompile(`^[0-9.]+$`)

// badHost says why a text is neither a host name nor an IP address, "" if it is one.
func badHost(s string) string {
	if ip, err := netip.ParseAddr(s); err == nil {
		if ip.IsUnspecified() || ip.IsMulticast() {
			return fmt.Sprintf("%q is no machine's address", s)
		}
		return ""
	}
	switch {
	case strings.Contains(s, "://"):
		return fmt.Sprintf("%q is a URL: write the host alone", clip(s))
	case strings.Contains(s, "@"):
		return fmt.Sprintf("%q names a user: write it as ssh.user", clip(s))
	case strings.Count(s, ":") == 1, strings.HasPrefix(s, "["):
		return fmt.Sprintf("%q is not a host alone: write the port as ssh.port, and an IPv6 address without brackets", clip(s))
	case digits.MatchString(s), len(s) > 253, !hostForm.MatchString(s):
		return fmt.Sprintf("%q is neither a host name nor an IP address", clip(s))
	}
	return ""
}

// badInterface says why a text is neither an IP address nor an interface name
// nor a CIDR, "" if it is one.
func badInterface(s string) string {
	if ip, err := netip.ParseAddr(s); err == nil {
		// The engine refuses a zero address (moby daemon/cluster/listen_addr.go,
		// errBadAdvertiseAddr).
		if ip.IsUnspecified() || ip.IsMulticast() {
			return fmt.Sprintf("%q is no machine's address", s)
		}
		return ""
	}
	if strings.Contains(s, "/") {
		return badCIDR(s)
	}
	// Linux: at most 15 bytes, no slash, colon or white space (net/core/dev.c,
	// dev_valid_name).
	odd := func(c rune) bool { return c == ':' || unicode.IsSpace(c) || unicode.IsControl(c) }
	if len(s) > 15 || strings.ContainsFunc(s, odd) || digits.MatchString(s) || s == "." || s == ".." {
		return fmt.Sprintf("%q is neither an IP address nor an interface name nor a CIDR", clip(s))
	}
	return ""
}

// badCIDR says why a text is no CIDR as engines print them, "" if it is one.
func badCIDR(s string) string {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil:
		return fmt.Sprintf("%q is no CIDR such as 10.0.0.0/16", clip(s))
	case p.Masked().String() != s:
		return fmt.Sprintf("%q is an address within a range (did you mean %q?)", s, p.Masked())
	}
	return ""
}
