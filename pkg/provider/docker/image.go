package docker

import (
	"context"
	"fmt"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"

	"github.com/swarmup/swarmup/pkg/provider"
)

// imageOf is the image a request means.
func (p *Provider) imageOf(req provider.Request) string {
	switch {
	case req.Image != "":
		return req.Image
	case p.settings.Image != "":
		return p.settings.Image
	}
	return DefaultImage
}

// ensureImage returns what the engine calls the image, and has it made or
// pulled where it is missing.
func (p *Provider) ensureImage(ctx context.Context, name string, progress func(string)) (string, error) {
	r, known, err := findRecipe(name)
	if err != nil {
		return "", err
	}
	ref := name
	if known {
		ref = r.tag()
	}
	if has, err := p.hasImage(ctx, ref); has || err != nil {
		return ref, err
	}
	if progress == nil {
		progress = func(string) {}
	}
	release, err := p.images.hold(ctx, ref)
	if err != nil {
		return "", err
	}
	defer release()
	if has, err := p.hasImage(ctx, ref); has || err != nil {
		return ref, err
	}
	if known {
		err = p.build(ctx, r, progress)
	} else {
		progress("pulling image " + ref)
		err = p.pull(ctx, ref)
	}
	if err != nil {
		return "", fmt.Errorf("image %q: %w", name, err)
	}
	return ref, nil
}

func (p *Provider) hasImage(ctx context.Context, ref string) (bool, error) {
	_, err := p.api.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, p.explain(err)
}

// pull gets an image from its registry.
func (p *Provider) pull(ctx context.Context, ref string) error {
	body, err := p.api.ImagePull(ctx, ref, image.PullOptions{})
	if err != nil {
		return p.explain(err)
	}
	defer func() { _ = body.Close() }()
	_, err = readStream(body, nil)
	return err
}
