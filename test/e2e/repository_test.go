package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// buildPackages makes packages in the layout of Docker's out of what Debian's
// have put onto a machine, so that a real engine comes of them; the versions
// that nobody installs are empty.
const buildPackages = `set -eu
arch=$(dpkg --print-architecture)
root=/root/repository
pool=$root/dists/trixie/pool/stable/$arch
mkdir -p "$pool" "$root/dists/trixie/stable/binary-$arch"

pack() {
	dir=$(mktemp -d)
	chmod 755 "$dir"
	mkdir "$dir/DEBIAN"
	printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: A test <test@example.com>\nDescription: for a test\n%s' \
		"$1" "$2" "$arch" "$3" >"$dir/DEBIAN/control"
	if [ $# -gt 3 ]; then
		shift 3
		dpkg -L "$@" | while read -r f; do
			if [ ! -d "$f" ] || [ -L "$f" ]; then echo "$f"; fi
		done | grep -v -e ^/usr/share -e ^/etc/init.d -e '^/bin$' | tar -cf - -T - 2>/dev/null | tar -xf - -C "$dir"
	fi
	if [ -n "${POSTINST-}" ]; then
		printf '#!/bin/sh\nset -e\n%s\n' "$POSTINST" >"$dir/DEBIAN/postinst"
		chmod 755 "$dir/DEBIAN/postinst"
	fi
	dpkg-deb -Znone --root-owner-group -b "$dir" "$pool" >/dev/null
	rm -rf "$dir"
}

POSTINST='getent group docker >/dev/null || groupadd --system docker
systemctl daemon-reload
systemctl enable --quiet --now docker.socket docker.service'
pack docker-ce 5:26.1.5-1~debian.13~trixie 'Depends: containerd.io, docker-ce-cli, iptables, tini, libsystemd0
Conflicts: docker.io
' docker.io
POSTINST='systemctl daemon-reload
systemctl enable --quiet --now containerd.service'
pack containerd.io 1.7.24-1~debian.13~trixie 'Conflicts: containerd, runc
' containerd runc
POSTINST=
pack docker-ce-cli 5:26.1.5-1~debian.13~trixie '' docker-cli
for version in 26.1.4 28.5.2; do
	pack docker-ce "5:$version-1~debian.13~trixie" ''
	pack docker-ce-cli "5:$version-1~debian.13~trixie" ''
done
pack containerd.io 1.6.33-1~debian.13~trixie ''

cd "$root"
for deb in dists/trixie/pool/stable/"$arch"/*.deb; do
	dpkg-deb -f "$deb"
	echo "Filename: $deb"
	echo "Size: $(stat -c %s "$deb")"
	echo "SHA256: $(sha256sum "$deb" | cut -d ' ' -f 1)"
	echo
done >"dists/trixie/stable/binary-$arch/Packages"
`

// repository is an apt repository as Docker's is laid out, signed with a key of
// its own and served to the machines of the lab.
type repository struct {
	url   string
	stale atomic.Int32 // how many more requests for the list of packages get an old one
}

// newRepository makes the repository. The files key.asc and other.asc of the lab
// are the key that signs it and one that does not.
func newRepository(t *testing.T, l *lab) *repository {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("gpg is not installed: the repository cannot be signed")
	}
	builder := newHosts(t, "build")
	builder.on("build", buildPackages)
	root := filepath.Join(t.TempDir(), "docker", "linux")
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	output(t, "docker", "cp", builder.lab.machines("build")[0]+":/root/repository", filepath.Join(root, "debian"))
	builder.remove()
	sign(t, l, filepath.Join(root, "debian", "dists", "trixie"))
	return serve(t, filepath.Dir(filepath.Dir(root)))
}

// sign writes Release and what goes with it.
func sign(t *testing.T, l *lab, suite string) {
	t.Helper()
	lists, err := filepath.Glob(filepath.Join(suite, "stable", "binary-*", "Packages"))
	if err != nil || len(lists) != 1 {
		t.Fatalf("lists of packages: %q, %v", lists, err)
	}
	list, err := os.ReadFile(lists[0])
	if err != nil {
		t.Fatal(err)
	}
	arch := strings.TrimPrefix(filepath.Base(filepath.Dir(lists[0])), "binary-")
	release := fmt.Sprintf("Origin: Docker\nLabel: Docker CE\nSuite: trixie\nCodename: trixie\nDate: %s\nArchitectures: %s\nComponents: stable\nSHA256:\n %x %d stable/binary-%s/Packages\n",
		time.Now().UTC().Format(time.RFC1123Z), arch, sha256.Sum256(list), len(list), arch)
	if err := os.WriteFile(filepath.Join(suite, "Release"), []byte(release), 0o600); err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp("", "gpg") // its socket's name must be short
	if err != nil {
		t.Fatal(err)
	}
	gpg := func(args ...string) string {
		return output(t, "gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...)
	}
	t.Cleanup(func() {
		output(t, "gpgconf", "--homedir", home, "--kill", "all")
		_ = os.RemoveAll(home)
	})
	for _, who := range []string{"other", "key"} {
		gpg("--quick-gen-key", who+"@example.com", "rsa2048", "sign", "1d")
		l.write(who+".asc", gpg("--armor", "--export", who+"@example.com")+"\n")
	}
	gpg("--local-user", "key@example.com", "--clearsign", "--output", filepath.Join(suite, "InRelease"), filepath.Join(suite, "Release"))
}

// serve serves a folder at an address that machines on any network of this
// computer's engine reach.
func serve(t *testing.T, dir string) *repository {
	t.Helper()
	r := &repository{}
	files := http.FileServer(http.Dir(dir))
	address := output(t, "docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasSuffix(q.URL.Path, "/Packages") && r.stale.Add(-1) >= 0 {
			_, _ = w.Write(bytes.Repeat([]byte("\n"), 99))
			return
		}
		files.ServeHTTP(w, q)
	})}
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() { _ = s.Close() })
	r.url = "http://" + listener.Addr().String() + "/docker"
	return r
}

// Machines without an engine get Docker's packages: those of the version that
// is wanted, held there, and only if the right key has signed them.
func TestAnEngineComesFromDockersRepository(t *testing.T) {
	t.Setenv(engines, "") // the repository is Debian 13's
	l := newLab(t)
	r := newRepository(t, l)
	file := func(engine, workers string) {
		l.write("cluster.yaml", fmt.Sprintf(`
name: NAME
provider: {docker: {image: swarmup-node-bare}}
engine: {install: docker, repository: {url: %q, key: %s}
managers: [{name: m}]
workers: [%s]
`, r.url, engine, workers))
	}
	file(`other.asc}, version: "26.1"`, "")
	l.says(l.want(1, "apply", "--yes"), "m: install engine: ", "trixie InRelease' is not signed")
	file(`key.asc}, version: "27"`, "")
	l.says(l.want(1, "apply"), r.url+"/linux/debian has no docker-ce 27: its newest are 28.5.2, 26.1.5, 26.1.4")

	file(`key.asc}, version: "26.1"`, "{name: w}")
	r.stale.Store(3) // a mirror behind its index
	l.says(l.must("apply"), "trying again in a moment: apt: ")
	l.swarmIs("m", map[string]want{"m": {role: "manager"}, "w": {role: "worker"}})
	for _, node := range []string{"m", "w"} {
		got := l.on(node, "dpkg-query -W docker-ce docker-ce-cli containerd.io; apt-mark showhold; docker version --format '{{.Server.Version}}'; systemctl is-enabled docker")
		want := "containerd.io\t1.7.24-1~debian.13~trixie\ndocker-ce\t5:26.1.5-1~debian.13~trixie\ndocker-ce-cli\t5:26.1.5-1~debian.13~trixie\n" +
			"containerd.io\ndocker-ce\ndocker-ce-cli\n26.1.5+dfsg1\nenabled"
		if got != want {
			t.Errorf("%s has\n%s\nwant\n%s", node, got, want)
		}
	}
	l.second()

	file("key.asc}", "{name: w}, {name: x}") // without a version: the managers'
	l.must("apply")
	if got := l.on("x", "docker version --format '{{.Server.Version}}'"); got != "26.1.5+dfsg1" {
		t.Errorf("x has engine %s", got)
	}
	file(`key.asc}, version: "26.1.4"`, "{name: w}, {name: x}")
	l.says(l.want(3, "apply"), "m, w, x have engine 26.1.5+dfsg1, and engine.version says 26.1.4: Docker does not support older engines on what newer ones left")
}
