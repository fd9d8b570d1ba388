package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The login user has a certificate for a key with a passphrase, and a sudo that
// wants a password; sshd allows one session at a time.
func TestALoginThatWantsAPassphraseAndAPassword(t *testing.T) {
	const phrase, password = "open the key", "open sesame"
	h := newHosts(t, "m")
	h.on("m", "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends sudo >/dev/null")
	h.on("m", "useradd -m -s /bin/sh -G sudo admin && echo 'admin:"+password+"' | chpasswd")
	keygen := func(args ...string) {
		cmd := exec.Command("ssh-keygen", append([]string{"-q"}, args...)...)
		cmd.Dir = h.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen %q: %v: %s", args, err, out)
		}
	}
	keygen("-t", "ed25519", "-N", "", "-f", "ca")
	keygen("-t", "ed25519", "-N", phrase, "-f", "mine")
	keygen("-s", "ca", "-I", "me", "-n", "admin", "mine.pub")
	ca, err := os.ReadFile(filepath.Join(h.dir, "ca.pub"))
	if err != nil {
		t.Fatal(err)
	}
	h.on("m", "echo '"+strings.TrimSpace(string(ca))+"' >/etc/ssh/ca.pub")
	h.sshd("m", "TrustedUserCAKeys /etc/ssh/ca.pub", "MaxSessions 1")
	h.known("m")
	h.fill(`
name: NAME
provider: ssh
ssh: {user: admin, identity_file: ./mine, known_hosts: ./known_hosts}
engine: {install: none, labels: {env: test}}
managers: [{name: m, address: @m@}]
`)
	with := func(vars ...string) *lab {
		l := *h.lab
		l.env = append(l.env[:len(l.env):len(l.env)], vars...)
		return &l
	}
	h.says(h.want(3, "apply", "--yes"), "it needs a passphrase", "SWARMUP_SSH_PASSPHRASE")
	h.says(with("SWARMUP_SSH_PASSPHRASE=wrong").want(3, "apply", "--yes"), "mine: SWARMUP_SSH_PASSPHRASE does not open it")
	opened := "SWARMUP_SSH_PASSPHRASE=" + phrase
	r := with(opened).want(3, "apply", "--yes")
	h.says(r, " on m as admin: ", "it wants a password: SWARMUP_SUDO_PASSWORD is not set, and there is no terminal to ask on")
	r = with(opened, "SWARMUP_SUDO_PASSWORD=wrong").want(3, "apply", "--yes")
	h.says(r, " on m as admin: sudo refused the password\n")
	if n := h.on("m", "journalctl -q -t sudo | grep -c 'authentication failure'"); n != "1" {
		t.Errorf("the wrong password was tried %s times", n)
	}
	h.untouched("m")

	all := with(opened, "SWARMUP_SUDO_PASSWORD="+password)
	all.must("apply")
	h.swarmIs("m", map[string]want{"m": {role: "manager", engine: map[string]string{"env": "test"}}})
	all.second()
	for _, secret := range []string{phrase, password} {
		h.nowhereOn("m", secret)
	}
	all.must("destroy", "--yes")
}
