package bootstrap

import (
	"context"
	"io/fs"

	"github.com/swarmup/swarmup/pkg/wait"
)

// The rights of files of ours: most are root's alone.
const (
	private  fs.FileMode = 0o600
	public   fs.FileMode = 0o644 // apt drops its rights before it reads its keys
	runnable fs.FileMode = 0o700
)

// put writes a small file of ours. It is not cut off by an interrupt.
func put(ctx context.Context, h Host, path string, mode fs.FileMode, content []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, done := wait.Grace(ctx, grace)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, scriptLimit)
	defer cancel()
	return h.Put(ctx, path, mode, content)
}
