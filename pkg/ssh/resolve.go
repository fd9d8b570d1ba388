package ssh

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// endpoint is a Target with all that the configuration and the defaults add.
type endpoint struct {
	name string // for messages
	host string // to connect to
	port int
	user string

	named    []string // identity files that somebody asked for
	must     bool     // ... in the Target: it is an error when they cannot be used
	defaults []string // identity files that may be there
	only     bool     // the agent's other keys are not offered
	agent    string
	certs    []string // files of certificates that the configuration names

	hostKey    string
	knownName  string   // the name to look up in the files of known hosts
	knownHosts []string // those files; new keys go to the first

	jump *endpoint // to go through, which may have one of its own; nil for none
	via  string    // the jump hosts as they were written, for messages and marks
}

func (e *endpoint) addr() string { return net.JoinHostPort(e.host, strconv.Itoa(e.port)) }

func (e *endpoint) where() string { return where(e.name, through(e.addr(), e.via)) }

// resolve merges a target, the configuration file and the defaults. It reads
// files and dials nothing.
func resolve(t Target, o Options) (*endpoint, error) {
	if t.Host == "" {
		return nil, errors.New("dial: the target has no host")
	}
	fixed := map[string]bool{
		"port": t.Port != 0, "user": t.User != "", "identityfile": t.IdentityFile != "",
		"userknownhostsfile": t.KnownHosts != "" || t.HostKey != "", "hostkeyalias": t.HostKey != "",
		"proxy": t.Jump != "",
	}
	c, err := readConfig(o.ConfigFile, o.Home, t.Host, fixed)
	if err != nil {
		return nil, err
	}
	e := &endpoint{name: t.Name, host: t.Host, port: t.Port, user: t.User, agent: o.Agent, hostKey: t.HostKey}
	if e.name == "" {
		e.name = t.Host
	}
	for _, fill := range []func(*config, Target, Options) error{e.fillAddress, e.fillIdentities, e.fillKnownHosts, e.fillJumps} {
		if err := fill(c, t, o); err != nil {
			return nil, fmt.Errorf("dial %s: %w", e.name, err)
		}
	}
	return e, nil
}

func (e *endpoint) fillAddress(c *config, t Target, _ Options) error {
	if v := c.first("hostname"); v != "" {
		var err error
		if e.host, err = expand(v, map[byte]string{'h': t.Host}); err != nil {
			return fmt.Errorf("HostName %q in the ssh configuration: %w", v, err)
		}
	}
	if v := c.first("port"); v != "" {
		n, err := strconv.ParseUint(v, 10, 16)
		if err != nil || n == 0 {
			return fmt.Errorf("port %q in the ssh configuration is not a number from 1 to 65535", v)
		}
		e.port = int(n)
	}
	if e.port == 0 {
		e.port = 22
	}
	if e.user == "" {
		e.user = c.first("user")
	}
	if e.user == "" && t.lender != nil {
		e.user = t.lender.user
	}
	if e.user == "" {
		e.user = "root"
	}
	if e.port < 1 || e.port > 65535 {
		return fmt.Errorf("port %d is not from 1 to 65535", e.port)
	}
	return nil
}

func (e *endpoint) fillIdentities(c *config, t Target, o Options) (err error) {
	e.only = strings.EqualFold(c.first("identitiesonly"), "yes")
	switch v := c.first("identityagent"); v {
	case "", "SSH_AUTH_SOCK":
	case "none":
		e.agent = ""
	default:
		if e.agent, err = e.path(v, t, o); err != nil {
			return fmt.Errorf("IdentityAgent %q in the ssh configuration: %w", v, err)
		}
	}
	switch v := c.got["identityfile"]; {
	case t.IdentityFile != "":
		e.must = true
		path, err := expandHome(t.IdentityFile, o.Home)
		if err != nil {
			return fmt.Errorf("identity %q: %w", t.IdentityFile, err)
		}
		e.named = []string{path}
	case len(v) > 0:
		named, err := e.paths("IdentityFile", v, t, o)
		if err != nil {
			return err
		}
		e.named = named
	case o.Home != "":
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			e.defaults = append(e.defaults, filepath.Join(o.Home, ".ssh", name))
		}
	}
	if e.certs, err = e.paths("CertificateFile", c.got["certificatefile"], t, o); err != nil {
		return err
	}
	return e.lent(t.lender, o)
}

// lent adds the key that the machine behind a jump host is logged in to with.
func (e *endpoint) lent(l *lender, o Options) error {
	if l == nil || l.identity == "" {
		return nil
	}
	path, err := expandHome(l.identity, o.Home)
	if err != nil {
		return fmt.Errorf("identity %q: %w", l.identity, err)
	}
	e.named = append(e.named, path)
	return nil
}

func (e *endpoint) fillKnownHosts(c *config, t Target, o Options) error {
	e.knownName = knownName(e.host, e.port)
	if alias := c.first("hostkeyalias"); alias != "" {
		e.knownName = strings.ToLower(alias)
	}
	switch v := c.got["userknownhostsfile"]; {
	case t.HostKey != "":
		if !strings.HasPrefix(t.HostKey, "SHA256:") {
			return fmt.Errorf("host key %q is no SHA256 fingerprint", t.HostKey)
		}
	case t.KnownHosts != "":
		path, err := expandHome(t.KnownHosts, o.Home)
		if err != nil {
			return fmt.Errorf("known hosts %q: %w", t.KnownHosts, err)
		}
		e.knownHosts = []string{path}
	case len(v) > 0:
		files, err := e.paths("UserKnownHostsFile", v, t, o)
		if err != nil {
			return err
		}
		e.knownHosts = files
	case o.Home != "":
		for _, name := range []string{"known_hosts", "known_hosts2"} {
			e.knownHosts = append(e.knownHosts, filepath.Join(o.Home, ".ssh", name))
		}
	}
	return nil
}

// paths expands what a key of the configuration file lists; none stands for nothing.
func (e *endpoint) paths(key string, raws []string, t Target, o Options) ([]string, error) {
	var paths []string
	for _, raw := range raws {
		if strings.EqualFold(raw, "none") {
			continue
		}
		path, err := e.path(raw, t, o)
		if err != nil {
			return nil, fmt.Errorf("%s %q in the ssh configuration: %w", key, raw, err)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// path expands a path of the configuration file (ssh_config(5), TOKENS).
func (e *endpoint) path(raw string, t Target, o Options) (string, error) {
	tokens := map[byte]string{
		'd': o.Home, 'h': e.host, 'n': t.Host, 'p': strconv.Itoa(e.port), 'r': e.user, 'u': o.LocalUser,
	}
	for _, k := range []byte("du") {
		if tokens[k] == "" {
			delete(tokens, k)
		}
	}
	s, err := expand(raw, tokens)
	if err != nil {
		return "", err
	}
	return expandHome(s, o.Home)
}

// expand replaces %x by a token's value and %% by %. Variables of the
// environment are refused, since this package does not know any.
func expand(s string, tokens map[byte]string) (string, error) {
	if strings.Contains(s, "${") {
		return "", errors.New("environment variables are not supported here")
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch {
		case i == len(s):
			return "", errors.New("% at its end")
		case s[i] == '%':
			out.WriteByte('%')
		default:
			v, ok := tokens[s[i]]
			if !ok {
				return "", fmt.Errorf("%%%c is not supported here", s[i])
			}
			out.WriteString(v)
		}
	}
	return out.String(), nil
}

// expandHome replaces a leading "~/". Other users' homes are refused.
func expandHome(s, home string) (string, error) {
	if !strings.HasPrefix(s, "~") {
		return s, nil
	}
	rest, ok := strings.CutPrefix(s, "~/")
	if !ok && s != "~" {
		return "", errors.New("the homes of other users are not supported here")
	}
	if home == "" {
		return "", errors.New("there is no home to look in")
	}
	return filepath.Join(home, rest), nil
}
