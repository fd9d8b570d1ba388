package ssh

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	xssh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

func TestKnownHostsAgreesWithSSHKeygen(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	key := strings.TrimSpace(string(xssh.MarshalAuthorizedKey(sshtest.NewKey(t, "ed25519", "").Signer(t).PublicKey())))
	fields := []string{
		"a", "a,b", "A", "*", "?", "a*", "*b", "!a,*", "*,!a", "!a", "[a]:2222", "[*]:2222", "[a]:*", "[a]:22", "a:22", "a,", ",a", ",",
		"a?", "**", "a*b*c", "10.0.0.*", "::1", "[::1]:2222", "fe80::*", "!*", "", "#a",
		knownhosts.HashHostname("a"), knownhosts.HashHostname("[a]:2222"), knownhosts.HashHostname("::1"),
	}
	names := []string{"a", "b", "ab", "abc", "aXbXc", "[a]:2222", "[a]:22", "[b]:2222", "10.0.0.7", "::1", "[::1]:2222", "fe80::1"}
	file := filepath.Join(t.TempDir(), "known")
	if err := os.WriteFile(file, []byte(strings.Join(fields, " "+key+"\n")+" "+key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`found: line (\d+)`)
	for _, name := range names {
		out, _ := exec.Command(keygen, "-F", name, "-f", file).Output() // fails when it finds none
		var want, got []string
		for _, m := range found.FindAllStringSubmatch(string(out), -1) {
			want = append(want, m[1])
		}
		k, err := readKnown([]string{file}, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, have := range k.keys {
			got = append(got, strconv.Itoa(have.line))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is named in lines %v, ssh-keygen says %v", name, got, want)
		}
	}
}

func TestKnownNames(t *testing.T) {
	for _, tt := range []struct {
		host string
		port int
		want string
	}{
		{"n1", 22, "n1"}, {"N1.Example", 22, "n1.example"}, {"10.0.0.1", 2222, "[10.0.0.1]:2222"}, {"::1", 22, "::1"}, {"::1", 2222, "[::1]:2222"},
	} {
		got := knownName(tt.host, tt.port)
		if got != tt.want || got != strings.ToLower(knownhosts.Normalize(net.JoinHostPort(tt.host, fmt.Sprint(tt.port)))) {
			t.Errorf("knownName(%q, %d): got %q, want %q", tt.host, tt.port, got, tt.want)
		}
	}
}

// What x/crypto's reader of known hosts knows of a host is known here too, on
// the files that it can read at all.
func FuzzKnownHosts(f *testing.F) {
	_, block, err := newKey("")
	if err != nil {
		f.Fatal(err)
	}
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbHnBLZnB8iJ7XzcXl0RhWdtAp+8vQsfbdr4ayTJbPK"
	for _, seed := range []string{
		"a " + key, "a,b " + key + " me", "[a]:22 " + key, "* " + key, "!a,* " + key, "@revoked a " + key, "@cert-authority * " + key,
		knownhosts.HashHostname("a") + " " + key, "|1|a|b " + key, "# a\n\n\ta  " + key + "\r\n", "a " + key + "\na ssh-ed25519 AAAA", "a", "@x a " + key,
	} {
		f.Add(seed)
	}
	signer, err := xssh.ParsePrivateKey(pemOf(block))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content string) {
		file := filepath.Join(t.TempDir(), "known")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := readKnown([]string{file}, "a")
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		for _, have := range append(append(k.keys, k.authorities...), k.revoked...) {
			lines := strings.Split(content, "\n")
			if have.line < 1 || have.line > len(lines) || !strings.Contains(lines[have.line-1], have.key.Type()) {
				t.Errorf("line %d does not hold a key of type %s", have.line, have.key.Type())
			}
		}
		check, err := knownhosts.New(file)
		if err != nil || strings.Contains(content, "@") || strings.ContainsAny(content, "[]:\v\f\u0085\u00a0") {
			return // markers and ports are read differently, on purpose
		}
		err = check("a:22", &net.TCPAddr{}, signer.PublicKey())
		want := 0
		if e := (*knownhosts.KeyError)(nil); errors.As(err, &e) {
			want = len(e.Want)
		}
		if len(k.keys) != want {
			t.Errorf("found %d keys, x/crypto %d", len(k.keys), want)
		}
	})
}
