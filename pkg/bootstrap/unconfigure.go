package bootstrap

import (
	"bytes"
	"context"
	"fmt"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// Unconfigure takes back what swarmup has put into the machine's daemon.json and
// into its engine's environment, and nothing else, and then all files of swarmup's own. A running engine is
// told by a reload, never restarted: keys that would need it are gone at its
// next start. Where nothing is swarmup's nothing happens.
func Unconfigure(ctx context.Context, h Host) error {
	if err := unconfigure(ctx, h); err != nil {
		return fmt.Errorf("take back engine configuration: %w", err)
	}
	return nil
}

func unconfigure(ctx context.Context, h Host) error {
	e, err := openEdit(ctx, h, Settings{})
	if err != nil {
		return err
	}
	if e.was.owned.Opened != nil {
		if err := ClosePorts(ctx, h); err != nil {
			return err
		}
		if e, err = openEdit(ctx, h, Settings{}); err != nil {
			return err
		}
	}
	if !e.patch.Empty() {
		if err := e.write(ctx); err != nil {
			return err
		}
		if e.was.state == Running {
			if err := e.reload(ctx); err != nil {
				return e.undo(ctx, err)
			}
		}
	}
	tidy, err := daemon.Tidy(e.next, e.begun)
	if err != nil {
		return err
	}
	if !bytes.Equal(tidy, e.next) {
		if err := e.stage(ctx, tidy); err != nil {
			return err
		}
		if err := e.swap(ctx); err != nil {
			return err
		}
	}
	if e.was.environ.File != nil {
		if _, err := run(ctx, h, call{script: "env", args: []string{"off"}, limit: scriptLimit, changes: true}); err != nil {
			return err
		}
	}
	_, err = run(ctx, h, call{script: "forget", limit: scriptLimit, changes: true})
	return err
}
