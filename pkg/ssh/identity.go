package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// maxOffers is how many keys are offered at most. Each one that a server does
// not take counts as a failure, and sshd hangs up at the sixth
// (sshd_config(5), MaxAuthTries).
const maxOffers = 5

// agentListing is how long an agent may take to say which keys it has. It asks
// nobody for that, so one that is alive answers at once.
const agentListing = 5 * time.Second

// identity is a key to log in with.
type identity struct {
	label  string // its path, or what the agent calls it
	signer xssh.Signer
	// patient means that to sign with it may take as long as a user takes: an
	// agent holds it, or it needs a passphrase.
	patient bool
}

// fingerprint is that of the key, also where it is offered as a certificate.
func (i identity) fingerprint() string {
	if cert := certOf(i.signer.PublicKey()); cert != nil {
		return xssh.FingerprintSHA256(cert.Key)
	}
	return xssh.FingerprintSHA256(i.signer.PublicKey())
}

func (i identity) String() string {
	cert := certOf(i.signer.PublicKey())
	switch {
	case cert == nil:
		return i.label + " (" + i.fingerprint() + ")"
	case len(cert.ValidPrincipals) == 0:
		return i.label + " (certificate of " + i.fingerprint() + " for anybody)"
	}
	return i.label + " (certificate of " + i.fingerprint() + " for " + short(strings.Join(cert.ValidPrincipals, ", "), 100) + ")"
}

// wallet is the keys that one login offers, in order.
type wallet struct {
	keys    []identity
	skipped []string // what is not offered, each with the reason
	agent   []identity
	certs   []certificate // to be offered with the keys that they are for
	locked  bool          // something was skipped for want of a passphrase
	conn    io.Closer     // to the agent; nil without one
	// unlock asks for the passphrase of a key; nil where nobody can be asked.
	unlock func(label string, pem []byte) (xssh.Signer, error)
}

func (w *wallet) close() {
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

// identify gathers the keys to offer: the one given, those named, the agent's,
// the ones in their usual places. A key that was named in the target and
// cannot be used is an error; of all others it is remembered why not.
func (e *endpoint) identify(ctx context.Context, o Options) (*wallet, error) {
	w := &wallet{}
	if o.Passphrase != nil && o.Pool != nil {
		w.unlock = func(label string, pem []byte) (xssh.Signer, error) {
			return o.Pool.unlock(ctx, lockedKey{label, pem, o.Passphrase})
		}
	}
	w.open(ctx, e.agent)
	err := w.gather(e, o)
	if err == nil && ctx.Err() != nil {
		err = interrupted(ctx, "dial "+e.where())
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *wallet) gather(e *endpoint, o Options) error {
	w.named(e.certs)
	if pem := o.Key.Reveal(); pem != nil {
		if err := w.given(pem); err != nil {
			return fmt.Errorf("log in to %s: the given key: %w", e.where(), err)
		}
	}
	for _, path := range e.named {
		err := w.file(path, e.must)
		if err != nil && e.must {
			return fmt.Errorf("identity %s: %w", path, err)
		}
		w.skip(path, err)
	}
	for _, i := range w.agent {
		if e.only {
			w.offerAll(w.certified(i))
			continue
		}
		w.offer(i)
	}
	for _, path := range e.defaults {
		if err := w.file(path, false); !errors.Is(err, fs.ErrNotExist) {
			w.skip(path, err)
		}
	}
	return nil
}

// offer adds a key, with its certificates ahead of it.
func (w *wallet) offer(i identity) { w.offerAll(append(w.certified(i), i)) }

// offerAll adds keys, unless they are there already or the server would not
// wait for them.
func (w *wallet) offerAll(all []identity) {
	for _, i := range all {
		same := func(have identity) bool {
			return bytes.Equal(have.signer.PublicKey().Marshal(), i.signer.PublicKey().Marshal())
		}
		switch {
		case slices.ContainsFunc(w.keys, same):
		case len(w.keys) == maxOffers:
			w.skip(i.String(), fmt.Errorf("at most %d keys are", maxOffers))
		default:
			w.keys = append(w.keys, i)
		}
	}
}

func (w *wallet) skip(label string, err error) {
	w.locked = w.locked || errors.Is(err, ErrPassphrase)
	if err != nil {
		w.skipped = append(w.skipped, fmt.Sprintf("%s (%s)", label, err))
	}
}

// given adds the key that the caller has. It is opened at once.
func (w *wallet) given(pem []byte) error {
	const label = "the given key"
	signer, err := xssh.ParsePrivateKey(pem)
	var locked *xssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked) && w.unlock == nil:
		return ErrPassphrase
	case errors.As(err, &locked):
		if signer, err = w.unlock(label, pem); err != nil {
			return inner(err)
		}
	case err != nil:
		return errors.New(keyProblem(err))
	}
	w.offer(identity{label: label, signer: signer})
	return nil
}

// file adds the key in a file. A locked private key, or a public one, stands
// for the same key in the agent. If no agent has it, it must be opened now, or
// only if a host would take it.
func (w *wallet) file(path string, now bool) error {
	data, err := readIdentity(path)
	if err != nil {
		return cause(err)
	}
	w.beside(path)
	if pub, _, _, _, err := xssh.ParseAuthorizedKey(data); err == nil {
		return w.fromAgent(pub, errors.New("it is a public key, and no agent holds its private half"))
	}
	signer, err := xssh.ParsePrivateKey(data)
	if err == nil {
		w.offer(identity{label: path, signer: signer})
		return nil
	}
	var locked *xssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return errors.New(keyProblem(err))
	}
	pub := publicHalf(locked, path)
	if pub != nil && w.fromAgent(pub, ErrPassphrase) == nil {
		return nil
	}
	open := func() (xssh.Signer, error) { return w.unlock(path, data) }
	switch {
	case w.unlock == nil:
		return ErrPassphrase
	case now:
		if signer, err = open(); err != nil {
			return inner(err)
		}
		w.offer(identity{label: path, signer: signer})
		return nil
	case pub == nil:
		return errors.New("it needs a passphrase, and does not tell its public half: put that beside it, as .pub")
	}
	w.offer(identity{label: path, signer: &lazySigner{pub, open}, patient: true})
	return nil
}

// publicHalf is that of a locked key; nil where nobody tells. The older formats
// do not.
func publicHalf(locked *xssh.PassphraseMissingError, path string) xssh.PublicKey {
	if locked.PublicKey != nil {
		return locked.PublicKey
	}
	beside, _ := os.ReadFile(path + ".pub")
	pub, _, _, _, err := xssh.ParseAuthorizedKey(beside)
	if err != nil {
		return nil
	}
	return pub
}

// readIdentity reads a file that may hold either half of a key; only a private
// one must be kept from others.
func readIdentity(path string) ([]byte, error) {
	if strings.HasSuffix(path, ".pub") {
		return os.ReadFile(path)
	}
	return readSecret(path)
}

func (w *wallet) fromAgent(pub xssh.PublicKey, otherwise error) error {
	for _, i := range w.agent {
		if bytes.Equal(i.signer.PublicKey().Marshal(), pub.Marshal()) {
			w.offer(i)
			return nil
		}
	}
	return otherwise
}

// open asks the agent for its keys. An agent that does not answer is no error:
// other keys may do.
func (w *wallet) open(ctx context.Context, socket string) {
	if socket == "" {
		return
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		w.skipped = append(w.skipped, fmt.Sprintf("the agent's keys (%s: %s)", socket, plain(err)))
		return
	}
	w.conn = conn
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(agentListing))
	defer func() { _ = conn.SetDeadline(time.Time{}) }()
	client := agent.NewClient(conn)
	keys, err := client.List()
	if err != nil {
		w.skipped = append(w.skipped, fmt.Sprintf("the agent's keys (%s: %s)", socket, plain(err)))
		return
	}
	names := map[string]string{}
	for _, k := range keys {
		names[string(k.Marshal())] = k.Comment
	}
	signers, err := client.Signers()
	w.skip("the agent's keys", err)
	for _, s := range signers {
		label := "agent key " + short(names[string(s.PublicKey().Marshal())], 100)
		i := identity{label: strings.TrimSpace(label), signer: s, patient: true}
		if cert := certOf(s.PublicKey()); cert != nil {
			if err := certProblem(cert, time.Now()); err != nil {
				w.skip(i.String(), err)
				continue
			}
		}
		w.agent = append(w.agent, i)
	}
}
