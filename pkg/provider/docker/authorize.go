package docker

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/swarmup/swarmup/pkg/provider"
)

// Authorize lets more keys into a machine, running or not. Those it has stay.
func (p *Provider) Authorize(ctx context.Context, m provider.Machine, authorizedKeys []string) error {
	if err := p.authorize(ctx, m, authorizedKeys); err != nil {
		return fmt.Errorf("authorize a key on %s: %w", m.Name, err)
	}
	return nil
}

func (p *Provider) authorize(ctx context.Context, m provider.Machine, more []string) error {
	c, err := p.own(ctx, m)
	if err != nil {
		return err
	}
	lines, err := p.authorizedLines(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, l := range more {
		if l = strings.TrimSpace(l); !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	content := archive(file{authorizedPath, 0o600, authorizedFile(lines)})
	return p.mutate(ctx, func(ctx context.Context) error {
		return p.api.CopyToContainer(ctx, c.ID, "/", content, container.CopyToContainerOptions{})
	})
}

func (p *Provider) authorizedLines(ctx context.Context, id string) ([]string, error) {
	body, _, err := p.api.CopyFromContainer(ctx, id, authorizedPath)
	if cerrdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, p.explain(err)
	}
	defer func() { _ = body.Close() }()
	r := tar.NewReader(body)
	if _, err := r.Next(); err != nil {
		return nil, errors.New("read authorized_keys: the engine sent no file")
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read authorized_keys: %w", err)
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines, nil
}
