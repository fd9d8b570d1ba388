package ssh

import (
	"fmt"

	xssh "golang.org/x/crypto/ssh"
)

// AuthorizedKey gives the line of authorized_keys that lets a private key in.
func AuthorizedKey(k PrivateKey) (string, error) {
	signer, err := xssh.ParsePrivateKey(k.Reveal())
	if err != nil {
		return "", fmt.Errorf("read login key: %s", keyProblem(err))
	}
	return authorizedLine(signer.PublicKey(), comment(k.Reveal())), nil
}

// LoadKey reads the private key in a file, and gives the line of
// authorized_keys that lets it in. Errors are those of LoadOrCreateKey; one
// that is not there is fs.ErrNotExist.
func LoadKey(path string) (key PrivateKey, authorized string, err error) { return loadKey(path) }
