package docker

import (
	"context"
	"fmt"

	"github.com/swarmup/swarmup/pkg/provider"
)

// Prepare makes the images and the networks that the machines need.
func (p *Provider) Prepare(ctx context.Context, reqs []provider.Request, progress func(string)) error {
	if err := p.prepare(ctx, reqs, progress); err != nil {
		return fmt.Errorf("prepare %d machines: %w", len(reqs), err)
	}
	return nil
}

func (p *Provider) prepare(ctx context.Context, reqs []provider.Request, progress func(string)) error {
	for _, req := range reqs {
		if _, err := p.ensureImage(ctx, p.imageOf(req), progress); err != nil {
			return err
		}
	}
	return nil
}
