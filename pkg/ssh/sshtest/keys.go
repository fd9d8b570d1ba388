package sshtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// Key is a key to log in with.
type Key struct {
	PEM         []byte // the private half, as OpenSSH writes it
	Authorized  string // the public half, a line for authorized_keys
	Fingerprint string
	Comment     string
	private     crypto.PrivateKey
}

// NewKey makes a key of a kind: ed25519, ecdsa or rsa.
func NewKey(t testing.TB, kind, comment string) Key {
	t.Helper()
	private, err := newPrivate(kind)
	if err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	pub := signer.PublicKey()
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))) + " " + comment
	return Key{pem.EncodeToMemory(block), line, ssh.FingerprintSHA256(pub), comment, private}
}

// NewLockedKey makes a key whose PEM needs a passphrase that nobody knows: its
// private half is nowhere but in an Agent that is given the key.
func NewLockedKey(t testing.TB, kind, comment string) Key {
	t.Helper()
	k := NewKey(t, kind, comment)
	body := append([]byte("openssh-key-v1\x00"), ssh.Marshal(&struct { // PROTOCOL.key of OpenSSH
		Cipher, KDF, KDFOptions string
		N                       uint32
		Public, Private         []byte
	}{"aes256-ctr", "bcrypt", "salt", 1, k.Signer(t).PublicKey().Marshal(), make([]byte, 64)})...)
	k.PEM = pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: body})
	return k
}

// Certify has an authority sign a user certificate for the key, valid for an
// hour for the principals, and returns the line of its file. change may be nil.
func (k Key) Certify(t testing.TB, ca Key, principals []string, change func(*ssh.Certificate)) string {
	t.Helper()
	cert := k.certificate(t, ca, principals, change)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert))) + " " + k.Comment
}

func (k Key) certificate(t testing.TB, ca Key, principals []string, change func(*ssh.Certificate)) *ssh.Certificate {
	t.Helper()
	now := time.Now()
	cert := &ssh.Certificate{
		Key: k.Signer(t).PublicKey(), CertType: ssh.UserCert, KeyId: k.Comment, ValidPrincipals: principals,
		ValidAfter: uint64(now.Add(-time.Minute).Unix()), ValidBefore: uint64(now.Add(time.Hour).Unix()),
	}
	if change != nil {
		change(cert)
	}
	if err := cert.SignCert(rand.Reader, ca.Signer(t)); err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	return cert
}

// CertAgent starts an SSH agent that holds a key and a certificate for it, and
// returns its socket.
func CertAgent(t testing.TB, k, ca Key, principals ...string) string {
	t.Helper()
	ring := agent.NewKeyring()
	added := agent.AddedKey{PrivateKey: k.private, Certificate: k.certificate(t, ca, principals, nil), Comment: k.Comment}
	if err := ring.Add(added); err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	return ServeAgent(t, ring)
}

// Signer signs with the key.
func (k Key) Signer(t testing.TB) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(k.private)
	if err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	return s
}

// File writes the private half to a file with mode 0600 and returns its path.
func (k Key) File(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(path, k.PEM, 0o600); err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	return path
}

// Agent starts an SSH agent that holds keys, and returns its socket.
func Agent(t testing.TB, keys ...Key) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, k := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: k.private, Comment: k.Comment}); err != nil {
			t.Fatalf("sshtest: %v", err)
		}
	}
	return ServeAgent(t, ring)
}

// ServeAgent serves any agent on a socket, and returns it.
func ServeAgent(t testing.TB, a agent.Agent) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // a socket's path must be short
	if err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_ = agent.ServeAgent(a, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wg.Wait()
		_ = os.RemoveAll(dir)
	})
	return listener.Addr().String()
}

func newSigner(kind string) (ssh.Signer, error) {
	private, err := newPrivate(kind)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

func newPrivate(kind string) (crypto.PrivateKey, error) {
	switch kind {
	case "ed25519":
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case "ecdsa":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rsa":
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, fmt.Errorf("no key of kind %q", kind)
}
