package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
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
	remote bool // an agent holds it, and may ask its user
}

func (i identity) fingerprint() string { return xssh.FingerprintSHA256(i.signer.PublicKey()) }

func (i identity) String() string { return i.label + " (" + i.fingerprint() + ")" }

// wallet is the keys that one login offers, in order.
type wallet struct {
	keys    []identity
	skipped []string // what is not offered, each with the reason
	agent   []identity
	conn    io.Closer // to the agent; nil without one
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
	if pem := o.Key.Reveal(); pem != nil {
		signer, err := xssh.ParsePrivateKey(pem)
		if err != nil {
			return fmt.Errorf("log in to %s: the given key: %s", e.where(), keyProblem(err))
		}
		w.offer(identity{label: "the given key", signer: signer})
	}
	for _, path := range e.named {
		err := w.file(path)
		if err != nil && e.must {
			return fmt.Errorf("identity %s: %w", path, err)
		}
		w.skip(path, err)
	}
	for _, i := range w.agent {
		if !e.only {
			w.offer(i)
		}
	}
	for _, path := range e.defaults {
		if err := w.file(path); !errors.Is(err, fs.ErrNotExist) {
			w.skip(path, err)
		}
	}
	return nil
}

// offer adds a key, unless it is there already or the server would not wait for it.
func (w *wallet) offer(i identity) {
	for _, have := range w.keys {
		if have.fingerprint() == i.fingerprint() {
			return
		}
	}
	if len(w.keys) == maxOffers {
		w.skip(i.String(), fmt.Errorf("at most %d keys are", maxOffers))
		return
	}
	w.keys = append(w.keys, i)
}

func (w *wallet) skip(label string, err error) {
	if err != nil {
		w.skipped = append(w.skipped, fmt.Sprintf("%s (%s)", label, err))
	}
}

// file adds the key in a file. A locked private key, or a public one, stands
// for the same key in the agent.
func (w *wallet) file(path string) error {
	data, err := readIdentity(path)
	if err != nil {
		return cause(err)
	}
	if pub, _, _, _, err := xssh.ParseAuthorizedKey(data); err == nil {
		return w.fromAgent(pub, errors.New("it is a public key, and no agent holds its private half"))
	}
	signer, err := xssh.ParsePrivateKey(data)
	if err == nil {
		w.offer(identity{label: path, signer: signer})
		return nil
	}
	problem := errors.New(keyProblem(err))
	var locked *xssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return problem
	}
	problem = errors.New("it needs a passphrase; add it to an agent")
	if locked.PublicKey == nil { // the older formats do not tell
		beside, _ := os.ReadFile(path + ".pub")
		if locked.PublicKey, _, _, _, err = xssh.ParseAuthorizedKey(beside); err != nil {
			return problem
		}
	}
	return w.fromAgent(locked.PublicKey, problem)
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
		if i.fingerprint() == xssh.FingerprintSHA256(pub) {
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
		w.agent = append(w.agent, identity{label: strings.TrimSpace(label), signer: s, remote: true})
	}
}
