package bootstrap

import (
	"context"

	"github.com/swarmup/swarmup/pkg/wait"
)

// put writes a small file of ours, which only root may read.
func put(ctx context.Context, h Host, path string, content []byte) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, done := wait.Grace(ctx, grace)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, scriptLimit)
	defer cancel()
	return h.Put(ctx, path, 0o600, content)
}
