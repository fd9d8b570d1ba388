package ssh

import (
	"strconv"
	"strings"
)

// Native gives the arguments with which OpenSSH's own client logs in to a target
// as Dial does, the host last; a command may follow. Where the target has a
// HostKey, pinned is a file of known hosts that has the key by Target.Name: the
// client knows no fingerprints. A key in Options.Key cannot be passed on: it has
// to be in IdentityFile too. Nothing is dialled, and no file but the
// configuration is read.
func Native(t Target, o Options, pinned string) ([]string, error) {
	e, err := resolve(t, o)
	if err != nil {
		return nil, err
	}
	return append(e.native(o, pinned), e.host), nil
}

func (e *endpoint) native(o Options, pinned string) []string {
	var args []string
	set := func(key, value string) { args = append(args, "-o", key+"="+value) }
	if o.ConfigFile == "" {
		args = append(args, "-F", "none")
	}
	args = append(args, "-p", strconv.Itoa(e.port), "-l", e.user)
	for _, file := range e.named {
		set("IdentityFile", word(file))
	}
	for _, file := range e.certs {
		set("CertificateFile", word(file))
	}
	if e.only || len(e.named) > 0 && e.agent == "" {
		set("IdentitiesOnly", "yes")
	}
	agent := "none"
	if e.agent != "" {
		agent = word(e.agent)
	}
	set("IdentityAgent", agent)
	if e.hostKey != "" {
		set("HostKeyAlias", e.name)
		set("UserKnownHostsFile", word(pinned))
		set("GlobalKnownHostsFile", "none")
	} else {
		set("HostKeyAlias", e.knownName)
		var files []string
		for _, f := range e.knownHosts {
			files = append(files, word(f))
		}
		set("UserKnownHostsFile", strings.Join(files, " "))
	}
	strict := "yes"
	if o.AcceptNew && e.hostKey == "" {
		strict = "accept-new"
	}
	set("StrictHostKeyChecking", strict)
	set("ProxyJump", "none")
	set("ProxyCommand", e.proxy(o))
	return args
}

// proxy is the command that reaches an endpoint behind a jump host; "none" where
// there is no such host. ssh_config(5) has the tokens, and has % doubled.
func (e *endpoint) proxy(o Options) string {
	if e.jump == nil {
		return "none"
	}
	words := []string{"exec", "ssh"}
	for _, arg := range append(e.jump.native(o, ""), "-W") {
		words = append(words, strings.ReplaceAll(quote(arg), "%", "%%"))
	}
	return strings.Join(append(words, "'[%h]:%p'", strings.ReplaceAll(quote(e.jump.host), "%", "%%")), " ")
}

// word is a path as one word of a configuration line, in which % begins a token.
func word(path string) string {
	return `"` + strings.ReplaceAll(path, "%", "%%") + `"`
}
