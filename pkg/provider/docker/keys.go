package docker

import (
	"archive/tar"
	"bytes"
	_ "embed"
	"io"
	"strings"

	"github.com/swarmup/swarmup/pkg/ssh"
)

const (
	initPath       = "/usr/local/sbin/swarmup-init"
	authorizedPath = "/root/.ssh/authorized_keys"
	hostKeyPath    = "/etc/ssh/ssh_host_ed25519_key"
)

//go:embed node/init.sh
var initScript []byte

// keys is what a machine gets before its first start: its own host key, made
// here so that its fingerprint is known before the first connection, and who
// may log in.
type keys struct {
	private     ssh.PrivateKey
	public      string
	fingerprint string
	authorized  []string
}

func newKeys(authorized []string) (keys, error) {
	private, public, fingerprint, err := ssh.GenerateHostKey()
	return keys{private, public, fingerprint, authorized}, err
}

func (k keys) archive() io.Reader {
	return archive(
		file{hostKeyPath, 0o600, k.private.Reveal()},
		file{hostKeyPath + ".pub", 0o644, []byte(k.public + "\n")},
		file{authorizedPath, 0o600, authorizedFile(k.authorized)},
		file{initPath, 0o755, initScript},
	)
}

func authorizedFile(lines []string) []byte {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.TrimSpace(l) + "\n")
	}
	return []byte(b.String())
}

type file struct {
	path    string
	mode    int64
	content []byte
}

// archive is a tar of files that belong to root. Writing to memory cannot fail.
func archive(files ...file) io.Reader {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, f := range files {
		_ = w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(f.path, "/"), Mode: f.mode, Size: int64(len(f.content))})
		_, _ = w.Write(f.content)
	}
	_ = w.Close()
	return &buf
}
