package ssh_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// other is the public half of a key that no server has.
func other(t *testing.T, kind string) xssh.PublicKey {
	t.Helper()
	return sshtest.NewKey(t, kind, "").Signer(t).PublicKey()
}

func TestHostKeyByKnownHosts(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{HostKeys: []string{"ecdsa", "ed25519"}})
	ecdsa, ed := s.HostKey(0), s.HostKey(1)
	changed := other(t, "ed25519")
	me := fmt.Sprintf("[127.0.0.1]:%d", s.Port())
	who := fmt.Sprintf("verify n1 (%s): ", s.Addr())
	tests := []knownHostsTest{
		{name: "its ed25519 key is known, though it also has an ecdsa one", known: me + " " + line(ed), shown: ed},
		{name: "its ecdsa key is known, though ed25519 is better", known: me + " " + line(ecdsa), shown: ecdsa},
		{name: "both are known", known: me + " " + line(ecdsa) + "\n" + me + " " + line(ed), shown: ed},
		{name: "hashed", known: knownhosts.HashHostname(me) + " " + line(ed), shown: ed},
		{name: "by a pattern, after lines that mean nothing", known: "# mine\n\nbroken\n" + me + " ssh-ed25519 !!!\n" + me + " ssh-new AAAA\n@new " + me + " " + line(changed) + "\n[127.0.0.*]:* " + line(ed), shown: ed},
		{name: "by * on any port", known: "* " + line(ed), shown: ed},
		{name: "one of several old keys", known: me + " " + line(changed) + "\n" + me + " " + line(ed), shown: ed},
		{name: "without a newline at the end, with one of Windows before", known: "other " + line(changed) + "\r\n" + me + " " + line(ed) + "\r", shown: ed},
		{name: "empty", known: "", want: who + "unknown host key " + xssh.FingerprintSHA256(ed) + " (ssh-ed25519), not in FILE"},
		{name: "another port's", known: "127.0.0.1 " + line(ed), want: who + "unknown host key " + xssh.FingerprintSHA256(ed) + " (ssh-ed25519), not in FILE"},
		{name: "negated", known: "!" + me + ",* " + line(ed), want: who + "unknown host key " + xssh.FingerprintSHA256(ed) + " (ssh-ed25519), not in FILE"},
		{name: "changed", known: "# mine\n" + me + " " + line(changed), want: who + "host key is " + xssh.FingerprintSHA256(ed) + " (ssh-ed25519), but FILE:2 has " + xssh.FingerprintSHA256(changed)},
		{name: "known with a kind that it has no more", known: me + " " + line(other(t, "rsa")), want: who + "host key is " + xssh.FingerprintSHA256(ed) + " (ssh-ed25519), but FILE:1 has *"},
		{name: "revoked", known: me + " " + line(ed) + "\n@revoked * " + line(ed), want: who + "host key " + xssh.FingerprintSHA256(ed) + " (ssh-ed25519) is revoked in FILE:2"},
	}
	for _, tt := range tests {
		for _, acceptNew := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, accept new %t", tt.name, acceptNew), func(t *testing.T) {
				o := s.options()
				o.AcceptNew = acceptNew
				tt.run(t, s, o)
			})
		}
	}
}

// knownHostsTest is a file of known hosts and what becomes of a login with it.
type knownHostsTest struct {
	name  string
	known string
	shown xssh.PublicKey // on success
	want  string         // else, with FILE for the file
}

func (tt knownHostsTest) run(t *testing.T, s site, o ssh.Options) {
	file := write(t, "known", tt.known, 0o644)
	h, err := ssh.Dial(t.Context(), ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), KnownHosts: file}, o)
	unknown := strings.Contains(tt.want, "unknown")
	if tt.want == "" || unknown && o.AcceptNew {
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		if tt.shown != nil && h.HostKey() != xssh.FingerprintSHA256(tt.shown) {
			t.Errorf("it showed %s, want %s", h.HostKey(), xssh.FingerprintSHA256(tt.shown))
		}
		return
	}
	e := as[*ssh.HostKeyError](t, fmt.Errorf("observe: %w", err))
	want := strings.ReplaceAll(tt.want, "FILE", file)
	if begin, ok := strings.CutSuffix(want, "*"); e.Error() != want && !(ok && strings.HasPrefix(e.Error(), begin)) {
		t.Errorf("error\n got %q\nwant %q", e, want)
	}
	if e.Known == unknown {
		t.Errorf("known: got %t", e.Known)
	}
	if got, _ := os.ReadFile(file); string(got) != tt.known {
		t.Errorf("the file was changed to %q", got)
	}
}

func TestHostKeyOfSeveralFiles(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{})
	me := fmt.Sprintf("[127.0.0.1]:%d", s.Port())
	second := write(t, "second", me+" "+line(s.HostKey(0))+"\n", 0o644)
	missing := filepath.Join(t.TempDir(), "none")
	o := s.options()
	o.ConfigFile = write(t, "config", fmt.Sprintf("UserKnownHostsFile %s \"%s\"\n", missing, second), 0o644)
	h, err := ssh.Dial(t.Context(), ssh.Target{Host: s.Host(), Port: s.Port()}, o)
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
}

func TestHostKeyByAlias(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{})
	home := t.TempDir()
	o := s.options()
	o.Home = home
	o.ConfigFile = write(t, "config", fmt.Sprintf("Host web\n  HostName 127.0.0.1\n  Port %d\n  HostKeyAlias Rack7\n", s.Port()), 0o644)
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh", "known_hosts2"), []byte("rack7 "+line(s.HostKey(0))+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h, err := ssh.Dial(t.Context(), ssh.Target{Host: "web"}, o)
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
}

func TestHostKeyByFingerprint(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{HostKeys: []string{"ed25519", "rsa", "ecdsa"}})
	for n, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		t.Run("any key that the host has, "+kind, func(t *testing.T) {
			to := s.target()
			to.HostKey = xssh.FingerprintSHA256(s.HostKey(n))
			to.KnownHosts = write(t, "known", "* "+line(other(t, "ed25519")), 0o644) // is not asked
			h, err := ssh.Dial(t.Context(), to, s.options())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			if h.HostKey() != to.HostKey {
				t.Errorf("it showed %s, want %s", h.HostKey(), to.HostKey)
			}
		})
	}
	t.Run("no other key, and not for ever", func(t *testing.T) {
		before := s.Connections()
		to := s.target()
		to.HostKey = "SHA256:" + strings.Repeat("A", 43)
		o := s.options()
		o.AcceptNew = true
		_, err := ssh.Dial(t.Context(), to, o)
		e := as[*ssh.HostKeyError](t, err)
		want := fmt.Sprintf("verify n1 (%s): host key is %s (ssh-ed25519), but %s is expected", s.Addr(), s.Fingerprint(), to.HostKey)
		if e.Error() != want || !e.Known || e.Got != s.Fingerprint() || e.Want != to.HostKey {
			t.Errorf("error\n got %q\nwant %q", e, want)
		}
		if n := s.Connections() - before; n > 4 {
			t.Errorf("tried %d times; the host has 3 keys", n)
		}
	})
	t.Run("nothing but a fingerprint", func(t *testing.T) {
		to := s.target()
		to.HostKey = "MD5:00"
		_, err := ssh.Dial(t.Context(), to, s.options())
		if want := `dial n1: host key "MD5:00" is no SHA256 fingerprint`; text(err) != want {
			t.Errorf("got %q, want %q", err, want)
		}
	})
}

func TestAcceptNewWritesTheKeyDown(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{})
	want := fmt.Sprintf("[127.0.0.1]:%d %s\n", s.Port(), line(s.HostKey(0)))
	for _, tt := range []struct{ name, before, want string }{
		{"in a new file", "", want},
		{"at the end of a file", "other x y\n", "other x y\n" + want},
		{"on a line of its own", "other x y", "other x y\n" + want},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "deep", "known")
			if tt.before != "" {
				file = write(t, "known", tt.before, 0o600)
			}
			o := s.options()
			o.AcceptNew = true
			to := ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), KnownHosts: file}
			for range 2 { // known by then
				h, err := ssh.Dial(t.Context(), to, o)
				if err != nil {
					t.Fatal(err)
				}
				_ = h.Close()
			}
			got, err := os.ReadFile(file)
			if err != nil || string(got) != tt.want {
				t.Errorf("file\n got %q, %v\nwant %q", got, err, tt.want)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode: got %v, %v, want 0600", info.Mode(), err)
			}
		})
	}
	t.Run("or says that there is no file", func(t *testing.T) {
		o := s.options()
		o.AcceptNew = true
		_, err := ssh.Dial(t.Context(), ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port()}, o)
		as[*ssh.HostKeyError](t, err)
		if !strings.HasSuffix(err.Error(), "; there is no file of known hosts to add it to") {
			t.Errorf("got %q", err)
		}
	})
}

func TestHostCertificates(t *testing.T) {
	noLeaks(t)
	ca, key := sshtest.NewKey(t, "ed25519", "ca").Signer(t), sshtest.NewKey(t, "ed25519", "").Signer(t)
	certify := func(principal string) xssh.Signer {
		cert := &xssh.Certificate{
			Key: key.PublicKey(), CertType: xssh.HostCert, ValidPrincipals: []string{principal},
			ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
		}
		if err := cert.SignCert(rand.Reader, ca); err != nil {
			t.Fatal(err)
		}
		signer, err := xssh.NewCertSigner(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return signer
	}
	good := newSite(t, sshtest.Options{HostCert: certify("127.0.0.1")})
	bad := newSite(t, sshtest.Options{HostCert: certify("elsewhere")})
	authority := "@cert-authority * " + line(ca.PublicKey())
	fingerprint := xssh.FingerprintSHA256(key.PublicKey())
	tests := []struct {
		name  string
		site  site
		known string
		want  string // ending of the error
	}{
		{name: "signed by the host's authority", site: good, known: authority},
		{name: "for another name", site: bad, known: authority, want: "unknown host key " + fingerprint + " (ssh-ed25519), not in FILE"},
		{name: "for another name, with a key that is known by itself", site: bad, known: authority + "\n* " + line(key.PublicKey())},
		{name: "by a revoked authority", site: good, known: authority + "\n@revoked * " + line(ca.PublicKey()), want: "unknown host key " + fingerprint + " (ssh-ed25519), not in FILE"},
		{name: "by another authority", site: good, known: "@cert-authority * " + line(other(t, "ed25519")), want: "unknown host key " + fingerprint + " (ssh-ed25519), not in FILE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, "known", tt.known, 0o600)
			h, err := ssh.Dial(t.Context(), ssh.Target{Host: tt.site.Host(), Port: tt.site.Port(), KnownHosts: file}, tt.site.options())
			if tt.want != "" {
				if e := as[*ssh.HostKeyError](t, err); !strings.HasSuffix(e.Error(), strings.ReplaceAll(tt.want, "FILE", file)) {
					t.Errorf("error\n got %q\nwant ... %q", e, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			if h.HostKey() != fingerprint {
				t.Errorf("it showed %s, want %s", h.HostKey(), fingerprint)
			}
		})
	}
}

func TestKnownHostsThatCannotBeReadAreAnErrorBeforeAnyDial(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{})
	dir := t.TempDir()
	_, err := ssh.Dial(t.Context(), ssh.Target{Host: s.Host(), Port: s.Port(), KnownHosts: dir}, s.options())
	if want := "read known hosts " + dir + ": is a directory"; text(err) != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("made %d connections", n)
	}
}
