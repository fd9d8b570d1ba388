package ssh_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

func TestNative(t *testing.T) {
	tests := []struct {
		name   string
		target ssh.Target
		o      ssh.Options
		want   string
	}{
		{name: "with a fingerprint asks the pinned file alone",
			target: ssh.Target{Name: "n1", Host: "10.0.0.1", Port: 2222, HostKey: "SHA256:x", IdentityFile: "/k e%y", Jump: ssh.JumpNone},
			want: `-F none -p 2222 -l root -o IdentityFile="/k e%%y" -o IdentitiesOnly=yes -o IdentityAgent=none -o HostKeyAlias=n1 ` +
				`-o UserKnownHostsFile="/pinned" -o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes -o ProxyJump=none -o ProxyCommand=none 10.0.0.1`},
		{name: "with known hosts looks the host up as we do, and leaves the agent", target: ssh.Target{Name: "n1", Host: "h", Port: 2222, User: "me", KnownHosts: "/kh"},
			o: ssh.Options{Agent: "/agent", AcceptNew: true},
			want: `-F none -p 2222 -l me -o IdentityAgent="/agent" -o HostKeyAlias=[h]:2222 -o UserKnownHostsFile="/kh" ` +
				`-o StrictHostKeyChecking=accept-new -o ProxyJump=none -o ProxyCommand=none h`},
		{name: "goes through jump hosts with the same known hosts", target: ssh.Target{Name: "n1", Host: "h", KnownHosts: "/k'h", Jump: "me@b:24"},
			want: `-F none -p 22 -l root -o IdentityAgent=none -o HostKeyAlias=h -o UserKnownHostsFile="/k'h" -o StrictHostKeyChecking=yes -o ProxyJump=none ` +
				`-o ProxyCommand=exec ssh '-F' 'none' '-p' '24' '-l' 'me' '-o' 'IdentityAgent=none' '-o' 'HostKeyAlias=[b]:24' ` +
				`'-o' 'UserKnownHostsFile="/k'\''h"' '-o' 'StrictHostKeyChecking=yes' '-o' 'ProxyJump=none' '-o' 'ProxyCommand=none' '-W' '[%h]:%p' 'b' h`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ssh.Native(tt.target, tt.o, "/pinned")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOpenSSHLogsInWithTheArguments(t *testing.T) {
	program, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("there is no ssh here")
	}
	s := newSite(t, sshtest.Options{Exec: script("hello", "", 7)})
	dir := filepath.Join(t.TempDir(), "a b")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	pinned, key := filepath.Join(dir, "known"), filepath.Join(dir, "key")
	for path, text := range map[string]string{pinned: "n1 " + s.dial(t).PublicKey() + "\n", key: string(s.key.PEM)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	to := s.target()
	to.IdentityFile = key
	args, err := ssh.Native(to, ssh.Options{}, pinned)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, append(args, "true")...).Output()
	if exit := as[*exec.ExitError](t, err); exit.ExitCode() != 7 || string(out) != "hello" {
		t.Errorf("exit %d, %q\n%s", exit.ExitCode(), out, exit.Stderr)
	}
}
