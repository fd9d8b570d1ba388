package ssh

import (
	"fmt"
	"net"
	"slices"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// trust decides about the key that a host shows, and which kinds of key to ask
// it for.
type trust struct {
	to        *endpoint
	known     *known // nil when there is a fingerprint
	acceptNew bool
}

func (e *endpoint) trust(o Options) (*trust, error) {
	t := &trust{to: e, acceptNew: o.AcceptNew}
	if e.hostKey != "" {
		return t, nil
	}
	var err error
	t.known, err = readKnown(e.knownHosts, e.knownName)
	return t, err
}

// algorithms lists what to ask a host for, best first. The kinds of key that
// the host is known for come first: the host then shows one of these, and not
// another of its keys that nobody has written down.
func (t *trust) algorithms() []string {
	order := []string{xssh.KeyAlgoED25519, xssh.KeyAlgoECDSA256, xssh.KeyAlgoECDSA384, xssh.KeyAlgoECDSA521,
		xssh.KeyAlgoRSASHA512, xssh.KeyAlgoRSASHA256}
	for _, a := range xssh.SupportedAlgorithms().HostKeys {
		if !slices.Contains(order, a) && !isCert(a) {
			order = append(order, a)
		}
	}
	if t.known == nil {
		return order
	}
	known := func(algorithm string) bool { return t.knows(keyType(algorithm)) }
	unknown := func(algorithm string) bool { return !known(algorithm) }
	order = append(slices.DeleteFunc(slices.Clone(order), unknown), slices.DeleteFunc(order, known)...)
	if len(t.known.authorities) > 0 {
		order = append(certAlgorithms(), order...)
	}
	return order
}

func (t *trust) knows(keyType string) bool {
	return slices.ContainsFunc(t.known.keys, func(k knownKey) bool { return k.key.Type() == keyType })
}

func certAlgorithms() []string {
	return slices.DeleteFunc(xssh.SupportedAlgorithms().HostKeys, func(a string) bool { return !isCert(a) })
}

func isCert(algorithm string) bool { return strings.Contains(algorithm, "-cert-") }

// keyType is the type of the keys that an algorithm signs with.
func keyType(algorithm string) string {
	if algorithm == xssh.KeyAlgoRSASHA256 || algorithm == xssh.KeyAlgoRSASHA512 {
		return xssh.KeyAlgoRSA
	}
	return algorithm
}

// check says nil, a *HostKeyError, or that a new key could not be written down.
func (t *trust) check(key xssh.PublicKey, remote net.Addr) error {
	refusal := &HostKeyError{Host: t.to.name, Addr: t.to.addr(), Via: t.to.via, Type: key.Type(), Got: xssh.FingerprintSHA256(key)}
	if t.known == nil {
		if refusal.Got == t.to.hostKey {
			return nil
		}
		refusal.Want, refusal.Known = t.to.hostKey, true
		return refusal
	}
	if cert, ok := key.(*xssh.Certificate); ok {
		return t.checkCert(cert, remote, refusal)
	}
	return t.checkPlain(key, refusal)
}

func (t *trust) checkPlain(key xssh.PublicKey, refusal *HostKeyError) error {
	if r := find(t.known.revoked, key); r != nil {
		refusal.Known, refusal.Revoked, refusal.File, refusal.Line = true, true, r.file, r.line
		return refusal
	}
	if find(t.known.keys, key) != nil {
		return nil
	}
	if len(t.known.keys) > 0 {
		k := t.known.keys[0]
		if i := slices.IndexFunc(t.known.keys, func(k knownKey) bool { return k.key.Type() == key.Type() }); i >= 0 {
			k = t.known.keys[i]
		}
		refusal.Known, refusal.Want, refusal.File, refusal.Line = true, xssh.FingerprintSHA256(k.key), k.file, k.line
		return refusal
	}
	refusal.Searched = t.to.knownHosts
	if !t.acceptNew {
		return refusal
	}
	if len(t.to.knownHosts) == 0 {
		return fmt.Errorf("%w; there is no file of known hosts to add it to", refusal)
	}
	return appendKnown(t.to.knownHosts[0], t.known.name, key)
}

// checkCert accepts a certificate that an authority of this host signed. Any
// other is judged by the key inside, as OpenSSH does.
func (t *trust) checkCert(cert *xssh.Certificate, remote net.Addr, refusal *HostKeyError) error {
	checker := xssh.CertChecker{
		IsHostAuthority: func(ca xssh.PublicKey, _ string) bool { return find(t.known.authorities, ca) != nil },
		IsRevoked: func(c *xssh.Certificate) bool {
			return find(t.known.revoked, c.Key) != nil || find(t.known.revoked, c.SignatureKey) != nil
		},
	}
	principal := t.known.name
	if host, _, err := net.SplitHostPort(principal); err == nil {
		principal = host
	}
	if checker.CheckHostKey(net.JoinHostPort(principal, "22"), remote, cert) == nil {
		return nil
	}
	refusal.Type, refusal.Got = cert.Key.Type(), xssh.FingerprintSHA256(cert.Key)
	return t.checkPlain(cert.Key, refusal)
}
