//go:build unix

package ssh_test

import (
	"fmt"
	"os/user"
	"strings"
	"sync"
	"testing"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// hosts gives a file of known hosts of real servers.
func hosts(t *testing.T, servers ...sshd) string {
	t.Helper()
	var b strings.Builder
	for _, s := range servers {
		fmt.Fprintf(&b, "[127.0.0.1]:%d %s\n", s.port, line(s.keys[1]))
	}
	return write(t, "known_hosts", b.String(), 0o600)
}

func TestRealSSHDIsAJumpHostWithoutSessions(t *testing.T) {
	noLeaks(t)
	bastion, inner := startSSHD(t, "MaxSessions 0\nMaxStartups 2"), startSSHD(t, "MaxSessions 0")
	host := startSSHD(t, sudoShim(t))
	o := host.options()
	o.Key, o.Pool = ssh.PrivateKey{}, new(ssh.Pool)
	o.Agent = sshtest.Agent(t, bastion.key, inner.key, host.key)
	to := host.target
	to.HostKey, to.KnownHosts = "", hosts(t, bastion, inner, host)
	to.Jump = fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", bastion.port, inner.port)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			h, err := ssh.Dial(t.Context(), to, o)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = h.Close() }()
			if out, err := h.Run(t.Context(), "echo $SSH_CONNECTION", nil); err != nil || !strings.Contains(out, fmt.Sprint(" ", host.port)) {
				t.Errorf("got %q, %v", out, err)
			}
		})
	}
	wg.Wait()
}

func TestRealSSHDTellsAJumpThatIsForbiddenFromOneThatFails(t *testing.T) {
	noLeaks(t)
	open, closed := startSSHD(t, ""), startSSHD(t, "AllowTcpForwarding no")
	for _, tt := range []struct {
		bastion sshd
		want    string
	}{
		{open, "connection refused"},
		{closed, fmt.Sprintf("jump host 127.0.0.1:%d: it does not forward connections (AllowTcpForwarding, PermitOpen)", closed.port)},
	} {
		port, jump := freePort(t), fmt.Sprintf("127.0.0.1:%d", tt.bastion.port)
		to := ssh.Target{Name: "n1", Host: "127.0.0.1", Port: port, User: tt.bastion.target.User, Jump: jump, KnownHosts: hosts(t, tt.bastion)}
		_, err := ssh.Dial(t.Context(), to, ssh.Options{Key: ssh.NewPrivateKey(tt.bastion.key.PEM)})
		if want := fmt.Sprintf("dial n1 (127.0.0.1:%d via %s): %s", port, jump, tt.want); text(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestRealSSHDTakesOneSessionAtATime(t *testing.T) {
	noLeaks(t)
	h := startSSHD(t, sudoShim(t)+"\nMaxSessions 1").dial(t)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			want := fmt.Sprintln(i)
			if out, err := h.Run(t.Context(), "cat", strings.NewReader(want)); out != want || err != nil {
				t.Errorf("got %q, %v, want %q", out, err, want)
			}
		})
	}
	wg.Wait()
}

func TestRealSSHDTakesAUserCertificateForALockedKey(t *testing.T) {
	noLeaks(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	ca, key := sshtest.NewKey(t, "ed25519", "ca"), sshtest.Locked(t)
	s := startSSHD(t, "TrustedUserCAKeys "+write(t, "ca.pub", ca.Authorized+"\n", 0o644))
	dir := files(t, map[string]string{"id": string(key.PEM), "id-cert.pub": key.Certify(t, ca, []string{me.Username}, nil)})
	to, o := s.target, s.options()
	to.IdentityFile, o.Key = dir+"/id", ssh.PrivateKey{}
	o.Passphrase = (&owner{answers: []string{sshtest.Sesame}}).passphrase
	h, err := ssh.Dial(t.Context(), to, o)
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
}
