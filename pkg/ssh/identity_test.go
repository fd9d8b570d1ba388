package ssh_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// homeWith writes identities beneath ~/.ssh of a home that it returns.
func homeWith(t *testing.T, identities map[string]sshtest.Key) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, key := range identities {
		if err := os.WriteFile(filepath.Join(home, ".ssh", name), key.PEM, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// lockedPEM is a locked key of the kind that does not tell its public half.
const lockedPEM = `-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF

bm90aGluZyBpbiBoZXJl
-----END RSA PRIVATE KEY-----
`

func TestLoginWith(t *testing.T) {
	noLeaks(t)
	good, locked := sshtest.NewKey(t, "ed25519", "me@laptop"), sshtest.NewLockedKey(t, "ecdsa", "me@work")
	rsa := sshtest.NewKey(t, "rsa", "old")
	bad := func() sshtest.Key { return sshtest.NewKey(t, "ed25519", "bad") }
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{good.Authorized, locked.Authorized, rsa.Authorized}})
	lockedFile := locked.File(t)
	public := write(t, "id.pub", locked.Authorized+"\n", 0o644)
	older := files(t, map[string]string{"id": lockedPEM, "id.pub": rsa.Authorized + "\n"}) + "/id"
	tests := []struct {
		name     string
		identity string
		options  ssh.Options
	}{
		{name: "the given key", options: ssh.Options{Key: ssh.NewPrivateKey(good.PEM)}},
		{name: "a named file", identity: good.File(t)},
		{name: "a file named from home", identity: "~/.ssh/work", options: ssh.Options{Home: homeWith(t, map[string]sshtest.Key{"work": good})}},
		{name: "a default file", options: ssh.Options{Home: homeWith(t, map[string]sshtest.Key{"id_ed25519": bad(), "id_rsa": rsa})}},
		{name: "an agent's key", options: ssh.Options{Agent: sshtest.Agent(t, bad(), good)}},
		{name: "an agent's RSA key, signed with SHA-2", options: ssh.Options{Agent: sshtest.Agent(t, rsa)}},
		{name: "an agent's key, after a named file that is not let in", identity: bad().File(t), options: ssh.Options{Agent: sshtest.Agent(t, good)}},
		{name: "a locked file whose key the agent holds", identity: lockedFile, options: ssh.Options{Agent: sshtest.Agent(t, bad(), bad(), bad(), bad(), bad(), locked)}},
		{name: "a locked file of the older kind, with its public half beside it", identity: older, options: ssh.Options{Agent: sshtest.Agent(t, bad(), rsa)}},
		{name: "a public key file whose key the agent holds", identity: public, options: ssh.Options{Agent: sshtest.Agent(t, locked)}},
		{name: "a named file, before an agent full of keys", identity: good.File(t), options: ssh.Options{Agent: sshtest.Agent(t, bad(), bad(), bad(), bad(), bad(), bad(), bad())}},
		{name: "a default file, though the agent does not answer", options: ssh.Options{Agent: "/nonexistent/agent", Home: homeWith(t, map[string]sshtest.Key{"id_ed25519": good})}},
		{name: "a file of the configuration, though another is missing", options: ssh.Options{
			ConfigFile: write(t, "config", "IdentityFile /nonexistent\nIdentityFile "+good.File(t)+"\n", 0o600)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := ssh.Target{Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint(), IdentityFile: tt.identity}
			h, err := ssh.Dial(t.Context(), to, tt.options)
			if err != nil {
				t.Fatal(err)
			}
			_ = h.Close()
		})
	}
}

func TestIdentityThatWasNamedMustBeUsable(t *testing.T) {
	noLeaks(t)
	good, locked := sshtest.NewKey(t, "ed25519", ""), sshtest.NewLockedKey(t, "ed25519", "")
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{good.Authorized}})
	socket := sshtest.Agent(t, good)
	tests := []struct {
		name, path, want string
	}{
		{"it is missing", "/nonexistent/id", "no such file or directory"},
		{"it is a folder", t.TempDir(), "is a directory"},
		{"others may read it", write(t, "id", string(good.PEM), 0o640), "others may read it (mode 0640): chmod 600 it"},
		{"it is no key", write(t, "id", "secret stuff", 0o600), "it holds no private key"},
		{"it is half a key", write(t, "id", string(good.PEM[:100]), 0o600), "it holds no private key"},
		{"it is locked", locked.File(t), "it needs a passphrase, and nobody can be asked for it"},
		{"it is locked and of the older kind", write(t, "id", lockedPEM, 0o600), "it needs a passphrase, and nobody can be asked for it"},
		{"it is a public key that no agent holds", write(t, "id.pub", locked.Authorized, 0o644), "it is a public key, and no agent holds its private half"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to := ssh.Target{Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint(), IdentityFile: tt.path}
			_, err := ssh.Dial(t.Context(), to, ssh.Options{Agent: socket})
			if want := "identity " + tt.path + ": " + tt.want; text(err) != want {
				t.Errorf("error\n got %q\nwant %q", err, want)
			}
		})
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("made %d connections, want none", n)
	}
	_, err := ssh.Dial(t.Context(), ssh.Target{Name: "n1", Host: "192.0.2.1"}, ssh.Options{Key: ssh.NewPrivateKey([]byte("secret stuff"))})
	if want := "log in to n1 (192.0.2.1:22): the given key: it holds no private key"; text(err) != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestAuthErrorSaysWhatWasOffered(t *testing.T) {
	noLeaks(t)
	a, b, locked := sshtest.NewKey(t, "ed25519", "me@laptop"), sshtest.NewKey(t, "ed25519", "yubikey"), sshtest.NewLockedKey(t, "ed25519", "")
	s := sshtest.Start(t, sshtest.Options{})
	aFile := a.File(t)
	home := homeWith(t, map[string]sshtest.Key{"id_rsa": locked})
	var many []sshtest.Key
	for i := range 6 {
		many = append(many, sshtest.NewKey(t, "ed25519", fmt.Sprintf("k%d", i)))
	}
	who := fmt.Sprintf("log in to n1 (%s) as admin: ", s.Addr())
	tests := []struct {
		name    string
		target  ssh.Target
		options ssh.Options
		want    string
	}{
		{name: "a file and an agent's key", target: ssh.Target{IdentityFile: aFile}, options: ssh.Options{Agent: sshtest.Agent(t, a, b)},
			want: who + "it refused " + aFile + " (" + a.Fingerprint + "), agent key yubikey (" + b.Fingerprint + ")"},
		{name: "nothing, and why", options: ssh.Options{Agent: "/nonexistent/agent", Home: home},
			want: who + "there is no key to offer; not offered: the agent's keys (/nonexistent/agent: no such file or directory), " + home + "/.ssh/id_rsa (it needs a passphrase, and nobody can be asked for it)"},
		{name: "no more than sshd waits for", options: ssh.Options{Agent: sshtest.Agent(t, many...)},
			want: who + "it refused " + offered(many[:5]) + "; not offered: agent key k5 (" + many[5].Fingerprint + ") (at most 5 keys are)"},
		{name: "only named keys, if the configuration says so",
			options: ssh.Options{Agent: sshtest.Agent(t, a, b), ConfigFile: write(t, "config", "IdentitiesOnly yes\nIdentityFile "+aFile+"\n", 0o600)},
			want:    who + "it refused " + aFile + " (" + a.Fingerprint + ")"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.target.Name, tt.target.Host, tt.target.Port, tt.target.User, tt.target.HostKey = "n1", s.Host(), s.Port(), "admin", s.Fingerprint()
			_, err := ssh.Dial(t.Context(), tt.target, tt.options)
			e := as[*ssh.AuthError](t, fmt.Errorf("observe: %w", err))
			if e.Error() != tt.want {
				t.Errorf("error\n got %q\nwant %q", e, tt.want)
			}
			if e.User != "admin" || e.Host != "n1" || e.Addr != s.Addr() {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func offered(keys []sshtest.Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, "agent key "+k.Comment+" ("+k.Fingerprint+")")
	}
	return strings.Join(out, ", ")
}

// strict serves one connection with a configuration of its own, and returns
// the address.
func strict(t *testing.T, config *xssh.ServerConfig) ssh.Target {
	t.Helper()
	host := sshtest.NewKey(t, "ed25519", "").Signer(t)
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if conn, err := listener.Accept(); err == nil {
			_, _, _, _ = xssh.NewServerConn(conn, config)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	at := listener.Addr().(*net.TCPAddr)
	return ssh.Target{Name: "n1", Host: at.IP.String(), Port: at.Port, HostKey: xssh.FingerprintSHA256(host.PublicKey())}
}

func TestAuthErrorSaysWhatTheHostWants(t *testing.T) {
	noLeaks(t)
	key := sshtest.NewKey(t, "ed25519", "")
	no := errors.New("no")
	t.Run("passwords only", func(t *testing.T) {
		to := strict(t, &xssh.ServerConfig{PasswordCallback: func(xssh.ConnMetadata, []byte) (*xssh.Permissions, error) { return nil, no }})
		_, err := ssh.Dial(t.Context(), to, ssh.Options{Key: ssh.NewPrivateKey(key.PEM)})
		if e := as[*ssh.AuthError](t, err); !strings.HasSuffix(e.Error(), "as root: it allows only password") || len(e.Offered) != 0 {
			t.Errorf("got %q", e)
		}
	})
	t.Run("a key and a code", func(t *testing.T) {
		config := &xssh.ServerConfig{PublicKeyCallback: func(xssh.ConnMetadata, xssh.PublicKey) (*xssh.Permissions, error) {
			return nil, &xssh.PartialSuccessError{Next: xssh.ServerAuthCallbacks{
				KeyboardInteractiveCallback: func(xssh.ConnMetadata, xssh.KeyboardInteractiveChallenge) (*xssh.Permissions, error) {
					return nil, no
				},
			}}
		}}
		_, err := ssh.Dial(t.Context(), strict(t, config), ssh.Options{Key: ssh.NewPrivateKey(key.PEM)})
		if e := as[*ssh.AuthError](t, err); !strings.HasSuffix(e.Error(), "as root: it allows only keyboard-interactive: it wants more than a key") {
			t.Errorf("got %q", e)
		}
	})
	t.Run("fewer attempts than there are keys", func(t *testing.T) {
		config := &xssh.ServerConfig{MaxAuthTries: 1, PublicKeyCallback: func(xssh.ConnMetadata, xssh.PublicKey) (*xssh.Permissions, error) { return nil, no }}
		socket := sshtest.Agent(t, sshtest.NewKey(t, "ed25519", "a"), sshtest.NewKey(t, "ed25519", "b"))
		_, err := ssh.Dial(t.Context(), strict(t, config), ssh.Options{Agent: socket})
		if e := as[*ssh.AuthError](t, err); !strings.Contains(e.Error(), "too many authentication failures") {
			t.Errorf("got %q", e)
		}
	})
}

// ring is an agent whose user refuses to sign.
type ring struct{ agent.Agent }

func (ring) Sign(xssh.PublicKey, []byte) (*xssh.Signature, error) { return nil, errors.New("no") }

func TestAgentThatRefusesToSignIsNamed(t *testing.T) {
	noLeaks(t)
	key := sshtest.NewKey(t, "ed25519", "yubikey")
	keyring := agent.NewKeyring()
	private, err := xssh.ParseRawPrivateKey(key.PEM)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyring.Add(agent.AddedKey{PrivateKey: private, Comment: key.Comment}); err != nil {
		t.Fatal(err)
	}
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{key.Authorized}})
	to := ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint()}
	socket := sshtest.ServeAgent(t, ring{keyring})
	_, err = ssh.Dial(t.Context(), to, ssh.Options{Agent: socket})
	if e := as[*ssh.AuthError](t, err); !strings.Contains(e.Error(), "agent: ") {
		t.Errorf("got %q", e)
	}
}

func TestAgentThatDoesNotAnswerIsNotWaitedForLong(t *testing.T) {
	noLeaks(t)
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	listener, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(errCtrlC) })
	_, err = ssh.Dial(ctx, ssh.Target{Name: "n1", Host: "192.0.2.1"}, ssh.Options{Agent: filepath.Join(dir, "sock")})
	if !errors.Is(err, errCtrlC) {
		t.Errorf("got %v", err)
	}
}

func TestLoginThatIsStuckSaysWhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, sshtest.Options{Memory: true})
		s.Misbehave(sshtest.Fault{MuteLogin: true})
		_, err := ssh.Dial(t.Context(), s.target(), s.options())
		if want := "dial n1 (192.0.2.1:22): in the login: no answer within 10s"; text(err) != want {
			t.Errorf("got %q, want %q", err, want)
		}
	})
}
