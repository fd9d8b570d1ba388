package ssh_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// The keys themselves are not authorized: only their certificates let in.
func TestLoginWithAUserCertificate(t *testing.T) {
	noLeaks(t)
	ca := sshtest.NewKey(t, "ed25519", "ca")
	s := sshtest.Start(t, sshtest.Options{UserCA: []string{ca.Authorized}})
	locked := sshtest.Locked(t)
	for _, kind := range []string{"ed25519", "rsa"} {
		key := sshtest.NewKey(t, kind, "me")
		cert := key.Certify(t, ca, []string{"admin", "ops"}, nil)
		dir := files(t, map[string]string{
			"id": string(key.PEM), "id.pub": key.Authorized, "id-cert.pub": cert, "elsewhere": cert,
			"locked": string(locked.PEM), "locked-cert.pub": locked.Certify(t, ca, []string{"admin"}, nil),
		})
		conf := func(text string) string { return write(t, "config", strings.ReplaceAll(text, "DIR", dir), 0o600) }
		sesame := (&owner{answers: []string{"sesame"}}).passphrase
		tests := []struct {
			name     string
			identity string
			options  ssh.Options
		}{
			{name: "beside the key that is named", identity: dir + "/id"},
			{name: "beside a public key that an agent has", identity: dir + "/id.pub", options: ssh.Options{Agent: sshtest.Agent(t, key)}},
			{name: "beside a key with a passphrase", identity: dir + "/locked", options: ssh.Options{Passphrase: sesame}},
			{name: "that the configuration names, with a key in a file",
				options: ssh.Options{ConfigFile: conf("IdentityFile DIR/id\nCertificateFile DIR/elsewhere\n")}},
			{name: "that the configuration names, with a locked key",
				options: ssh.Options{Passphrase: sesame, ConfigFile: conf("IdentityFile DIR/locked\nCertificateFile DIR/locked-cert.pub\n")}},
			{name: "that the configuration names, with a key in an agent",
				options: ssh.Options{Agent: sshtest.Agent(t, key), ConfigFile: conf("IdentitiesOnly yes\nCertificateFile DIR/elsewhere\n")}},
			{name: "that the configuration names, with the given key",
				options: ssh.Options{Key: ssh.NewPrivateKey(key.PEM), ConfigFile: conf("CertificateFile DIR/elsewhere\n")}},
			{name: "in an agent", options: ssh.Options{Agent: sshtest.CertAgent(t, key, ca, "admin")}},
		}
		for _, tt := range tests {
			t.Run(kind+" "+tt.name, func(t *testing.T) {
				to := ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), User: "admin", HostKey: s.Fingerprint(), IdentityFile: tt.identity}
				h, err := ssh.Dial(t.Context(), to, tt.options)
				if err != nil {
					t.Fatal(err)
				}
				_ = h.Close()
			})
		}
	}
}

func TestErrorsSayWhichCertificateWasOfferedAndWhichWasNot(t *testing.T) {
	noLeaks(t)
	ca, key := sshtest.NewKey(t, "ed25519", "ca"), sshtest.NewKey(t, "ed25519", "me")
	s := sshtest.Start(t, sshtest.Options{UserCA: []string{ca.Authorized}})
	at := func(d time.Duration) uint64 { return uint64(time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC).Add(d).Unix()) }
	tests := []struct {
		name string
		cert string
		want string // after "it refused "; CERT, KEY and FP stand for two files and a fingerprint
	}{
		{"for others", key.Certify(t, ca, []string{"deploy", "ops"}, nil), "CERT (certificate of FP for deploy, ops), KEY (FP)"},
		{"of another authority", key.Certify(t, key, nil, nil), "CERT (certificate of FP for anybody), KEY (FP)"},
		{"that has expired", key.Certify(t, ca, nil, func(c *xssh.Certificate) { c.ValidAfter, c.ValidBefore = at(0), at(time.Hour) }),
			"KEY (FP); not offered: CERT (it expired on 2001-02-03 05:05:06 UTC)"},
		{"for the future", key.Certify(t, ca, nil, func(c *xssh.Certificate) { c.ValidAfter, c.ValidBefore = at(1e6*time.Hour), at(2e6*time.Hour) }),
			"KEY (FP); not offered: CERT (it is not valid before 2115-03-04 20:05:06 UTC)"},
		{"of a host", key.Certify(t, ca, nil, func(c *xssh.Certificate) { c.CertType = xssh.HostCert }),
			"KEY (FP); not offered: CERT (it is a certificate of a host, not of a user)"},
		{"that is none", key.Authorized, "KEY (FP); not offered: CERT (it holds no certificate)"},
		{"of another key", sshtest.NewKey(t, "ed25519", "").Certify(t, ca, nil, nil), "KEY (FP)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := files(t, map[string]string{"id": string(key.PEM), "id-cert.pub": tt.cert})
			id := filepath.Join(dir, "id")
			to := ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), User: "admin", HostKey: s.Fingerprint(), IdentityFile: id}
			_, err := ssh.Dial(t.Context(), to, ssh.Options{})
			as[*ssh.AuthError](t, err)
			want := "log in to n1 (" + s.Addr() + ") as admin: it refused " +
				strings.NewReplacer("CERT", id+"-cert.pub", "KEY", id, "FP", key.Fingerprint).Replace(tt.want)
			if err.Error() != want {
				t.Errorf("error\n got %v\nwant %s", err, want)
			}
		})
	}
}
