package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

// certificate is a user certificate in a file (ssh-keygen(1), CERTIFICATES).
type certificate struct {
	path string
	cert *xssh.Certificate
}

// readCert reads a certificate that may be offered now.
func readCert(path string) (certificate, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return certificate{}, cause(err)
	}
	pub, _, _, _, err := xssh.ParseAuthorizedKey(data)
	cert, ok := pub.(*xssh.Certificate)
	if err != nil || !ok {
		return certificate{}, errors.New("it holds no certificate")
	}
	return certificate{path, cert}, certProblem(cert, time.Now())
}

// certProblem says why no sshd would take a certificate at that time. Whom it
// is for is for sshd to say: AuthorizedPrincipalsFile may give the login user
// other names.
func certProblem(cert *xssh.Certificate, now time.Time) error {
	at := uint64(max(now.Unix(), 0))
	switch {
	case cert.CertType != xssh.UserCert:
		return errors.New("it is a certificate of a host, not of a user")
	case at < cert.ValidAfter:
		return fmt.Errorf("it is not valid before %s", certTime(cert.ValidAfter))
	case cert.ValidBefore != xssh.CertTimeInfinity && at >= cert.ValidBefore:
		return fmt.Errorf("it expired on %s", certTime(cert.ValidBefore))
	}
	return nil
}

func certTime(t uint64) string {
	return time.Unix(int64(min(t, 1<<40)), 0).UTC().Format("2006-01-02 15:04:05 UTC")
}

// certOf gives the certificate that a public key is; nil if it is none.
func certOf(pub xssh.PublicKey) *xssh.Certificate {
	if cert, ok := pub.(*xssh.Certificate); ok {
		return cert
	}
	parsed, err := xssh.ParsePublicKey(pub.Marshal()) // an agent's are raw
	if err != nil {
		return nil
	}
	cert, _ := parsed.(*xssh.Certificate)
	return cert
}

// named adds the certificates of the configuration file.
func (w *wallet) named(paths []string) {
	for _, path := range paths {
		c, err := readCert(path)
		if err != nil {
			w.skip(path, err)
			continue
		}
		w.certs = append(w.certs, c)
	}
}

// beside adds the certificate beside a key, where there is one (ssh(1), -i).
func (w *wallet) beside(path string) {
	path = strings.TrimSuffix(path, ".pub") + "-cert.pub"
	c, err := readCert(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		w.skip(path, err)
	default:
		w.certs = append(w.certs, c)
	}
}

// certified gives what a key may be offered as with the certificates there are.
func (w *wallet) certified(i identity) (out []identity) {
	for _, c := range w.certs {
		if !bytes.Equal(c.cert.Key.Marshal(), i.signer.PublicKey().Marshal()) {
			continue
		}
		signer, err := xssh.NewCertSigner(c.cert, i.signer)
		if err != nil {
			w.skip(c.path, err)
			continue
		}
		out = append(out, identity{label: c.path, signer: signer, patient: i.patient})
	}
	return out
}
