package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/swarmup/swarmup/pkg/provider"
)

// leftovers names what there is of the cluster besides machines and members.
func (c *Cluster) leftovers(ctx context.Context) ([]string, error) {
	var out []string
	if c.cfg.Local {
		if _, err := os.Lstat(c.keyFile()); err == nil {
			out = append(out, "login key")
		}
	}
	l, ok := c.cfg.Provider.(provider.Leaver)
	if !ok {
		return out, nil
	}
	more, err := l.Leftovers(ctx, c.cfg.Spec.Name)
	if err != nil {
		return nil, fmt.Errorf("list leftovers: %w", err)
	}
	return append(out, more...), nil
}

// clean removes what is left when all machines are gone. Of the cluster's
// folder that is the key; the folder goes too if nothing else is in it.
func (c *Cluster) clean(ctx context.Context) error {
	if cl, ok := c.cfg.Provider.(provider.Cleaner); ok {
		if err := cl.Clean(ctx, c.cfg.Spec.Name); err != nil {
			return err
		}
	}
	if !c.cfg.Local {
		return nil
	}
	if err := os.Remove(c.keyFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_ = os.Remove(c.cfg.Home) // a folder that holds more is somebody else's too
	return nil
}
