package ssh

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	xssh "golang.org/x/crypto/ssh"
)

// passphraseTries is how often a passphrase is asked for, as ssh does
// (ssh_config(5), NumberOfPasswordPrompts). Nothing of it leaves this computer.
const passphraseTries = 3

// ErrPassphrase means that a private key needs a passphrase and there is nobody
// to ask for it.
var ErrPassphrase = errors.New("it needs a passphrase, and nobody can be asked for it")

// lockedKey is a private key with a passphrase.
type lockedKey struct {
	label string
	pem   []byte
	ask   func(ctx context.Context, key string, attempt int) (Secret, error)
}

// opened is a key that was asked for, or the reason why it stays locked.
type opened struct {
	turn   chan struct{} // holds one token: who has it may ask
	signer xssh.Signer
	err    error
}

// unlock opens a key. The user is asked once in a run, also by many logins at
// once.
func (p *Pool) unlock(ctx context.Context, k lockedKey) (xssh.Signer, error) {
	p.mu.Lock()
	o := p.keys[k.label]
	if o == nil {
		if p.keys == nil {
			p.keys = map[string]*opened{}
		}
		o = &opened{turn: make(chan struct{}, 1)}
		p.keys[k.label] = o
	}
	p.mu.Unlock()
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return nil, interrupted(ctx, "open "+k.label)
	}
	if o.signer != nil || o.err != nil {
		return o.signer, o.err
	}
	signer, err := k.open(ctx)
	if ctx.Err() != nil {
		return nil, interrupted(ctx, "open "+k.label) // the next one asks again
	}
	o.signer, o.err = signer, err
	return signer, err
}

func (k lockedKey) open(ctx context.Context) (xssh.Signer, error) {
	for attempt := range passphraseTries {
		phrase, err := k.ask(ctx, k.label, attempt)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", k.label, err)
		}
		signer, err := xssh.ParsePrivateKeyWithPassphrase(k.pem, []byte(phrase.Reveal()))
		switch {
		case err == nil:
			return signer, nil
		case !errors.Is(err, x509.IncorrectPasswordError):
			return nil, fmt.Errorf("open %s: %w", k.label, errors.New(keyProblem(err)))
		}
	}
	return nil, fmt.Errorf("open %s: %w", k.label, fmt.Errorf("none of %d passphrases does", passphraseTries))
}

// lazySigner is a locked key whose public half is known. Its passphrase is
// asked for only when a host would take the key.
type lazySigner struct {
	pub  xssh.PublicKey
	open func() (xssh.Signer, error)
}

// PublicKey is the public half.
func (s *lazySigner) PublicKey() xssh.PublicKey { return s.pub }

// Sign opens the key and signs.
func (s *lazySigner) Sign(rand io.Reader, data []byte) (*xssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, s.pub.Type())
}

// SignWithAlgorithm opens the key and signs.
func (s *lazySigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*xssh.Signature, error) {
	signer, err := s.open()
	if err != nil {
		return nil, err
	}
	if algs, ok := signer.(xssh.AlgorithmSigner); ok {
		return algs.SignWithAlgorithm(rand, data, algorithm)
	}
	return signer.Sign(rand, data)
}
