package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	xssh "golang.org/x/crypto/ssh"
)

// PrivateKey is a private key in PEM. It never prints itself, not even inside
// another struct: only Reveal gives it. The zero value is no key.
type PrivateKey struct{ reveal func() []byte }

// NewPrivateKey hides a private key in PEM; it is parsed where it is used.
// Nothing at all is no key.
func NewPrivateKey(pem []byte) PrivateKey {
	if len(pem) == 0 {
		return PrivateKey{}
	}
	return PrivateKey{func() []byte { return pem }}
}

// Reveal gives the PEM itself; nil for the zero value.
func (k PrivateKey) Reveal() []byte {
	if k.reveal == nil {
		return nil
	}
	return k.reveal()
}

// Format prints [private key] for every verb.
func (PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[private key]") }

// MarshalText gives [private key].
func (PrivateKey) MarshalText() ([]byte, error) { return []byte("[private key]"), nil }

// LoadOrCreateKey reads the private key in a file, or makes one of type
// ed25519 where there is none: the file with mode 0600, missing folders with
// 0700, the comment "swarmup NAME" after the folder that holds it. authorized
// is the line that lets it in, without a newline. A key with a passphrase is
// read, too, where its public half is told. created says whether it was
// made. Of several calls at once, also from several processes, exactly one
// makes it; a call that is killed leaves no half of a key.
func LoadOrCreateKey(path string) (key PrivateKey, authorized string, created bool, err error) {
	key, authorized, err = loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, authorized, false, err
	}
	name := "swarmup"
	if abs, err := filepath.Abs(path); err == nil {
		name += " " + filepath.Base(filepath.Dir(abs))
	}
	if created, err = createKey(path, name); err != nil {
		return PrivateKey{}, "", false, fmt.Errorf("create key %s: %w", path, err)
	}
	key, authorized, err = loadKey(path)
	return key, authorized, created && err == nil, err
}

func loadKey(path string) (PrivateKey, string, error) {
	data, err := readSecret(path)
	if err != nil {
		return PrivateKey{}, "", fmt.Errorf("read key %s: %w", path, cause(err))
	}
	signer, err := xssh.ParsePrivateKey(data)
	var locked *xssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked) && publicHalf(locked, path) != nil:
		return NewPrivateKey(data), authorizedLine(publicHalf(locked, path), ""), nil
	case err != nil:
		return PrivateKey{}, "", fmt.Errorf("read key %s: %s", path, keyProblem(err))
	}
	return NewPrivateKey(data), authorizedLine(signer.PublicKey(), comment(data)), nil
}

// createKey writes a new key beside path and links it there, so that the file
// appears whole or not at all. It reports false when another was faster.
func createKey(path, comment string) (bool, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, err
	}
	_, block, err := newKey(comment)
	if err != nil {
		return false, err
	}
	tmp, err := os.CreateTemp(dir, ".key-*") // made with mode 0600 and O_EXCL
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(pem.EncodeToMemory(block))
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return false, err
	}
	err = os.Link(tmp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// GenerateHostKey makes a host key of type ed25519 for a machine that is about
// to be made: its private half in PEM, as sshd reads it, its public half as in
// the .pub file, and the fingerprint ("SHA256:...") to expect of the machine.
func GenerateHostKey() (key PrivateKey, authorized, fingerprint string, err error) {
	pub, block, err := newKey("swarmup")
	if err != nil {
		return PrivateKey{}, "", "", fmt.Errorf("generate host key: %w", err)
	}
	return NewPrivateKey(pem.EncodeToMemory(block)), authorizedLine(pub, "swarmup"), xssh.FingerprintSHA256(pub), nil
}

func newKey(comment string) (xssh.PublicKey, *pem.Block, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := xssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return nil, nil, err
	}
	pub, err := xssh.NewPublicKey(public)
	return pub, block, err
}

func authorizedLine(pub xssh.PublicKey, comment string) string {
	return strings.TrimSpace(strings.TrimSpace(string(xssh.MarshalAuthorizedKey(pub))) + " " + comment)
}

// comment reads the comment of an unencrypted ed25519 key in OpenSSH's format,
// which x/crypto does not give: the last string but the padding (PROTOCOL.key
// of OpenSSH). "" for all others.
func comment(data []byte) string {
	block, _ := pem.Decode(data)
	if block == nil {
		return ""
	}
	var outer struct {
		Cipher, KDF, KDFOptions string
		N                       uint32
		Public, Private         []byte
		Rest                    []byte `ssh:"rest"`
	}
	body, ok := strings.CutPrefix(string(block.Bytes), "openssh-key-v1\x00")
	if !ok || xssh.Unmarshal([]byte(body), &outer) != nil || outer.Cipher != "none" {
		return ""
	}
	var inner struct {
		Check1, Check2 uint32
		Type           string
		Public         []byte
		Private        []byte
		Comment        string
		Padding        []byte `ssh:"rest"`
	}
	if xssh.Unmarshal(outer.Private, &inner) != nil || inner.Type != xssh.KeyAlgoED25519 {
		return ""
	}
	return short(inner.Comment, 200)
}

// readSecret reads a file that holds a private key. Like OpenSSH it refuses
// one of ours that others may read.
func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, syscall.EISDIR
	}
	if mode := info.Mode().Perm(); exposed(info) {
		return nil, fmt.Errorf("others may read it (mode %04o): chmod 600 it", mode)
	}
	return os.ReadFile(path)
}

// cause cuts the path off an error of package os, for messages that name it already.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// keyProblem says why bytes are no usable private key, never what they are.
func keyProblem(err error) string {
	var locked *xssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return "it needs a passphrase"
	}
	if strings.Contains(err.Error(), "unhandled key type") || strings.Contains(err.Error(), "unsupported key type") {
		return "it is a private key of a kind that only an agent can use"
	}
	return "it holds no private key"
}
