package ssh

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// JumpNone is the Target.Jump of a machine that is reached directly, whatever
// the configuration file says.
const JumpNone = "none"

// maxJumps bounds a chain of jump hosts, also one that configuration files
// make longer and longer.
const maxJumps = 8

// hop is one entry of a list of jump hosts.
type hop struct {
	text string // as it was written
	user string // "" where it does not say
	host string
	port int // 0 where it does not say
}

// parseHops reads what ProxyJump is followed by (ssh_config(5)): entries like
// [user@]host[:port] or ssh://[user@]host[:port], separated by commas. An IPv6
// address with a port stands in brackets.
func parseHops(list string) ([]hop, error) {
	var hops []hop
	for text := range strings.SplitSeq(list, ",") {
		h, err := parseHop(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("jump host %q: %w", strings.TrimSpace(text), err)
		}
		hops = append(hops, h)
	}
	if len(hops) > maxJumps {
		return nil, fmt.Errorf("%d jump hosts, and at most %d can be gone through", len(hops), maxJumps)
	}
	return hops, nil
}

func parseHop(text string) (h hop, err error) {
	h.text = text
	rest := strings.TrimSuffix(strings.TrimPrefix(text, "ssh://"), "/")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		h.user, rest = rest[:at], rest[at+1:]
		if h.user == "" {
			return h, errors.New("no user before the @")
		}
	}
	port := ""
	switch inner, after, bracketed := strings.Cut(strings.TrimPrefix(rest, "["), "]"); {
	case strings.HasPrefix(rest, "[") && bracketed:
		h.host, port = inner, after
	case strings.Count(rest, ":") == 1:
		colon := strings.IndexByte(rest, ':')
		h.host, port = rest[:colon], rest[colon:]
	default:
		h.host = rest
	}
	if h.host == "" || strings.ContainsAny(h.host, "[] \t/") {
		return h, errors.New("it is not [USER@]HOST[:PORT]")
	}
	if port == "" {
		return h, nil
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(port, ":"), 10, 16)
	if err != nil || n == 0 || !strings.HasPrefix(port, ":") {
		return h, errors.New("its port is not a number from 1 to 65535")
	}
	h.port = int(n)
	return h, nil
}

// lender is what a jump host takes over from the machine behind it, where
// nothing else is said.
type lender struct {
	user, identity string
	behind         []string // the host:port of all that are reached through it, in lower case
}

func (l *lender) trail() []string {
	if l == nil {
		return nil
	}
	return l.behind
}

// fillJumps finds the hosts to go through: those of the target, else those of
// the configuration file. As with OpenSSH the first of them may have jump hosts
// of its own there; the others are reached through the one before.
func (e *endpoint) fillJumps(c *config, t Target, o Options) error {
	list, err := e.jumpList(c, t)
	if err != nil || list == "" || strings.EqualFold(list, JumpNone) {
		return err
	}
	hops, err := parseHops(list)
	if err != nil {
		return err
	}
	self := strings.ToLower(e.addr())
	if trail := t.lender.trail(); slices.Contains(trail, self) || len(trail) > maxJumps {
		return errors.New("it would be reached through itself")
	}
	trail := append(slices.Clip(t.lender.trail()), self)
	var texts []string
	for i, h := range hops {
		next := Target{
			Host: h.host, Port: h.port, User: h.user, KnownHosts: t.KnownHosts, Jump: JumpNone,
			lender: &lender{user: e.user, identity: t.IdentityFile},
		}
		if i == 0 {
			next.Jump, next.lender.behind = "", trail
		}
		via, err := resolve(next, o)
		if err != nil {
			return fmt.Errorf("jump host %q: %w", h.text, inner(err))
		}
		if i > 0 {
			via.jump, via.via = e.jump, strings.Join(texts, ",")
		}
		e.jump = via
		texts = append(texts, h.text)
	}
	e.via = strings.Join(texts, ",")
	return nil
}

// jumpList is the list as it was written; "" for none.
func (e *endpoint) jumpList(c *config, t Target) (string, error) {
	p := c.got["proxy"]
	switch {
	case t.Jump != "":
		return t.Jump, nil
	case len(p) < 2 || strings.EqualFold(p[1], JumpNone):
		return "", nil
	case !strings.EqualFold(p[0], "ProxyJump"):
		return "", fmt.Errorf("%s in the ssh configuration is not supported: ProxyJump is", p[0])
	}
	list, err := expand(p[1], map[byte]string{'h': e.host, 'n': t.Host, 'p': strconv.Itoa(e.port), 'r': e.user})
	if err != nil {
		return "", fmt.Errorf("%s %q in the ssh configuration: %w", p[0], p[1], err)
	}
	return list, nil
}

// key is what connections to an endpoint can be told apart by: two of the same
// key are the same login, so that one connection does for both.
func (e *endpoint) key() string {
	parts := []string{e.user, e.addr(), e.agent, e.hostKey, e.knownName, strconv.FormatBool(e.only)}
	parts = append(parts, slices.Concat(e.certs, []string{""}, e.named, []string{""}, e.defaults, []string{""}, e.knownHosts)...)
	if e.jump != nil {
		parts = append(parts, "", e.jump.key())
	}
	return strings.Join(parts, "\x00")
}
