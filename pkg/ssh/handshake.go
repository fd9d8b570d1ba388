package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// signing is how long a login waits for a user to unlock an agent's key or to
// touch a token: as long as sshd does (sshd_config(5), LoginGraceTime).
const signing = 120 * time.Second

// signers are the keys to offer. While one signs that may ask the user, the
// attempt's own time limit is put off.
func (a *attempt) signers(timeout time.Duration) []xssh.Signer {
	var out []xssh.Signer
	for _, k := range a.who.keys {
		if algs, ok := k.signer.(xssh.AlgorithmSigner); ok && k.patient {
			out = append(out, &patientSigner{
				AlgorithmSigner: algs,
				begin:           func() { a.more(max(signing, timeout)) },
				end:             func() { a.more(timeout) },
			})
			continue
		}
		out = append(out, k.signer)
	}
	return out
}

// patientSigner calls begin and end around each signature.
type patientSigner struct {
	xssh.AlgorithmSigner
	begin, end func()
}

func (s *patientSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*xssh.Signature, error) {
	s.begin()
	defer s.end()
	return s.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
}

// unwrapHandshake takes x/crypto's own prefix off an error.
func unwrapHandshake(err error) error {
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), "ssh: handshake failed") {
		return inner
	}
	return err
}

// noMethodsLeft recognises the error that says only that every key was
// refused; x/crypto has no type for it (client_auth.go, clientAuthenticate).
func noMethodsLeft(err error) bool {
	return strings.Contains(err.Error(), "unable to authenticate, attempted methods")
}

// prefaceSize is how much of a server's first words is kept: a line of RFC
// 4253, section 4.2.
const prefaceSize = 255

// preface is a connection that remembers the first bytes that arrived, to tell
// what answered where no SSH server did.
type preface struct {
	net.Conn
	mu    sync.Mutex
	first []byte
}

// Read reads and remembers.
func (p *preface) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if room := prefaceSize - len(p.first); room > 0 {
		p.first = append(p.first, b[:min(n, room)]...)
	}
	return n, err
}

// spokeSSH says whether a line began with SSH-, as an SSH server's does.
func (p *preface) spokeSSH() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.HasPrefix(p.first, []byte("SSH-")) || bytes.Contains(p.first, []byte("\nSSH-"))
}

// closed says whether the door was shut before a banner: without a word, as sshd
// does beyond MaxStartups, or with the words of newer ones (sshd.c of OpenSSH,
// drop_connection; 9.8 has more reasons to say the same).
func (p *preface) closed(err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.first) == 0 {
		return cutOff(err)
	}
	said := string(p.first)
	return strings.HasPrefix(said, "Exceeded MaxStartups") || strings.HasPrefix(said, "Not allowed at this time")
}

// problem says what came instead of a banner.
func (p *preface) problem(err error) error {
	p.mu.Lock()
	line, _, _ := strings.Cut(string(p.first), "\n")
	p.mu.Unlock()
	if line = short(line, 80); line != "" {
		return fmt.Errorf("no SSH banner, but %q", line)
	}
	return &phaseError{"no SSH banner", err}
}
