package ssh

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// putScript writes standard input to a file, all or nothing. It is POSIX sh
// for any coreutils or busybox; "sync FILE" syncs everything where it is not
// known. A count that differs means that the connection was cut: what cat saw
// then looks like an end of file.
const putScript = `set -eu
export LC_ALL=C
p=%s
(umask 022; mkdir -p "${p%%/*}/")
if [ -L "$p" ]; then p=$(readlink -f "$p"); fi
if [ -d "$p" ]; then echo "it is a directory" >&2; exit 1; fi
t=${p%%/*}/.swarmup-%s
trap 'rm -f "$t"' EXIT
trap 'exit 1' HUP INT TERM
umask 077
cat >"$t"
n=$(wc -c <"$t")
if [ "$n" -ne %d ]; then echo "only $n of %d bytes arrived" >&2; exit 1; fi
chmod %04o "$t"
sync "$t" 2>/dev/null || sync
mv -f "$t" "$p"
sync "${p%%/*}/" 2>/dev/null || :
`

// Put writes a file as root, atomically: a reader sees the old content or the
// new one, whole, also after a crash of the host. mode is its permissions,
// whatever the umask; path is absolute; folders that are missing are made with
// mode 0755; a symbolic link is followed. content never stands in a command
// line. After a failure the file is as it was. A full or read-only disk wraps
// syscall.ENOSPC or EROFS, missing permission fs.ErrPermission.
func (h *Host) Put(ctx context.Context, file string, mode fs.FileMode, content []byte) error {
	doing := fmt.Sprintf("write %s on %s", file, h.name)
	if !path.IsAbs(file) || strings.HasSuffix(file, "/") || strings.ContainsRune(file, 0) {
		return fmt.Errorf("%s: not the absolute path of a file", doing)
	}
	var suffix [8]byte
	_, _ = rand.Read(suffix[:]) // never fails (crypto/rand)
	script := fmt.Sprintf(putScript, quote(file), hex.EncodeToString(suffix[:]), len(content), len(content), mode.Perm())
	_, err := h.Run(ctx, script, bytes.NewReader(content))
	var exit *ExitError
	switch {
	case errors.As(err, &exit):
		return fmt.Errorf("%s: %w", doing, putProblem(exit))
	case ctx.Err() != nil && err != nil:
		return interrupted(ctx, doing)
	case err != nil:
		return fmt.Errorf("%s: %w", doing, inner(err))
	}
	return nil
}

// putProblem finds the errno that a command's message ends with.
func putProblem(exit *ExitError) error {
	last := lastLine(exit.Stderr)
	for _, errno := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.ENOTDIR} {
		if strings.Contains(strings.ToLower(exit.Stderr), errno.Error()) {
			return errno
		}
	}
	if last == "" {
		return fmt.Errorf("exit status %d", exit.Code)
	}
	return errors.New(last)
}
