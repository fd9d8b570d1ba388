//go:build !unix

package ssh

import "io/fs"

// exposed is always false where modes do not say who may read a file.
func exposed(fs.FileInfo) bool { return false }
