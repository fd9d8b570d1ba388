//go:build unix

package ssh

import (
	"io/fs"
	"os"
	"syscall"
)

// exposed says whether others may read a file of ours, the rule of OpenSSH's
// sshkey_perm_ok (authfile.c): the files of other users are their business, so
// that a secret mounted by an orchestrator works.
func exposed(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 != 0
}
