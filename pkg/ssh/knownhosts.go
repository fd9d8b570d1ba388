package ssh

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the format of hashed names, not a signature
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	xssh "golang.org/x/crypto/ssh"
)

// knownKey is a key in a file of known hosts.
type knownKey struct {
	key  xssh.PublicKey
	file string
	line int
}

// known is what the files of known hosts say about one name. The format is
// that of sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. Like OpenSSH, and unlike
// x/crypto's package knownhosts, lines that cannot be read are passed over,
// a pattern such as * covers every port, and the key of a certificate
// authority is not taken for the host's own.
type known struct {
	name        string
	keys        []knownKey // the host's own
	authorities []knownKey // may sign the host's certificates
	revoked     []knownKey // must not be trusted
}

// knownName is how a host is named in files of known hosts.
func knownName(host string, port int) string {
	host = strings.ToLower(host)
	if port == 22 {
		return host
	}
	return "[" + host + "]:" + strconv.Itoa(port)
}

// readKnown reads what files say about a name. Files that do not exist are empty.
func readKnown(files []string, name string) (*known, error) {
	k := &known{name: name}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read known hosts %s: %w", file, cause(err))
		}
		for i, line := range strings.Split(string(data), "\n") {
			k.add(line, file, i+1)
		}
	}
	return k, nil
}

// add takes one line, if it is about this name.
func (k *known) add(line, file string, number int) {
	fields := strings.Fields(line)
	if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
		return
	}
	list := &k.keys
	if strings.HasPrefix(fields[0], "@") {
		switch fields[0] {
		case "@cert-authority":
			list = &k.authorities
		case "@revoked":
			list = &k.revoked
		default:
			return
		}
		fields = fields[1:]
	}
	if len(fields) < 3 || !matchKnown(fields[0], k.name) {
		return
	}
	raw, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return
	}
	key, err := xssh.ParsePublicKey(raw)
	if err != nil || key.Type() != fields[1] {
		return
	}
	*list = append(*list, knownKey{key, file, number})
}

// matchKnown says whether the first field of a line means a name: a list of
// patterns, or one name hashed as |1|SALT|HMAC-SHA1.
func matchKnown(field, name string) bool {
	rest, hashed := strings.CutPrefix(field, "|1|")
	if !hashed {
		return matchHost(strings.Split(strings.ToLower(field), ","), name)
	}
	salt64, hash64, _ := strings.Cut(rest, "|")
	salt, err1 := base64.StdEncoding.DecodeString(salt64)
	hash, err2 := base64.StdEncoding.DecodeString(hash64)
	if err1 != nil || err2 != nil {
		return false
	}
	mac := hmac.New(sha1.New, salt)
	_, _ = io.WriteString(mac, name)
	return hmac.Equal(mac.Sum(nil), hash)
}

// find gives the entry of a list that has this very key; nil if none has.
func find(list []knownKey, key xssh.PublicKey) *knownKey {
	for i := range list {
		if string(list[i].key.Marshal()) == string(key.Marshal()) {
			return &list[i]
		}
	}
	return nil
}

// appendKnown adds a key to a file of known hosts, which is made with mode
// 0600 where it does not exist, and its folder with 0700. The line is written
// in one piece, so that calls at the same time do not mix.
func appendKnown(file, name string, key xssh.PublicKey) (err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("write known hosts %s: %w", file, cause(err))
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write known hosts %s: %w", file, cause(err))
	}
	line := name + " " + strings.TrimSpace(string(xssh.MarshalAuthorizedKey(key))) + "\n"
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	_, err = io.WriteString(f, line)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write known hosts %s: %w", file, cause(err))
	}
	return nil
}
