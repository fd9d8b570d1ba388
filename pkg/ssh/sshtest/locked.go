package sshtest

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Sesame opens the PEM of Locked.
const Sesame = "sesame"

// Locked is a key of type ed25519 whose PEM has the passphrase Sesame. It is
// always the same: made by ssh-keygen -a 1, it opens at once, while those that
// x/crypto makes take their time.
func Locked(t testing.TB) Key {
	t.Helper()
	private, err := ssh.ParseRawPrivateKey([]byte(sesameKey))
	if err != nil {
		t.Fatalf("sshtest: %v", err)
	}
	k := Key{PEM: []byte(lockedKey), Comment: "locked@test", private: private}
	pub := k.Signer(t).PublicKey()
	k.Authorized = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))) + " " + k.Comment
	k.Fingerprint = ssh.FingerprintSHA256(pub)
	return k
}

// The same key without and with its passphrase. It lets nobody in anywhere.
const (
	sesameKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCPhSo+QtAeDnJwLm+fE7XVqWbe9sJd3mzo1HVSnlRlnAAAAJBDOYZDQzmG
QwAAAAtzc2gtZWQyNTUxOQAAACCPhSo+QtAeDnJwLm+fE7XVqWbe9sJd3mzo1HVSnlRlnA
AAAEBFZKcMut0K6Pq1QarA0LgxVeNq5Jxot1Ke+o0QbMezC4+FKj5C0B4OcnAub58TtdWp
Zt72wl3ebOjUdVKeVGWcAAAAC2xvY2tlZEB0ZXN0AQI=
-----END OPENSSH PRIVATE KEY-----
`
	lockedKey = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBNy723zF
2tNzdx+WA2QCmAAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAII+FKj5C0B4OcnAu
b58TtdWpZt72wl3ebOjUdVKeVGWcAAAAkFRvkoMUloCXI13QuTA6x/rOz4hpM22pgoUTlx
q8SJnXnpOUk5pEsJ3jcaed9lT7KTSQYsX6xn1fxP4JLu0UIMrv0tkTFRFBxcAebb7Gjbj0
n6gr3bb9yKMT+UrQW2hCjgmErRdQHERr64cnmsmEMz20LvlUmXe3839M0U7M7rKRjpFvPZ
GF248k3SaF8PFOmA==
-----END OPENSSH PRIVATE KEY-----
`
)
