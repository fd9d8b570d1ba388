package docker

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/image"
)

// build makes an image by its recipe: on a base from a registry where one can be
// had, else on one from Debian's packages.
func (p *Provider) build(ctx context.Context, r recipe, progress func(string)) error {
	progress(fmt.Sprintf("making image %s (once, about a minute)", r.name))
	start := time.Now()
	base, err := p.base(ctx, r.suite, progress)
	if err != nil {
		return err
	}
	built, err := p.api.ImageBuild(ctx, buildContext(r, base), buildOptions(r))
	if err != nil {
		return fmt.Errorf("build: %w", p.explain(err))
	}
	defer func() { _ = built.Body.Close() }()
	id, err := readStream(built.Body, onlySteps(progress))
	if err != nil {
		return fmt.Errorf("build: %w", p.explain(err))
	}
	if err := p.tagOnce(ctx, id, r.tag()); err != nil {
		return err
	}
	progress(fmt.Sprintf("made image %s in %s", r.name, time.Since(start).Round(time.Second)))
	return nil
}

// tagOnce gives the image its name, unless another process has made the same
// meanwhile: then that one stays and ours goes.
func (p *Provider) tagOnce(ctx context.Context, id, tag string) error {
	has, err := p.hasImage(ctx, tag)
	if err != nil {
		return err
	}
	if !has {
		return p.mutate(ctx, func(ctx context.Context) error { return p.api.ImageTag(ctx, id, tag) })
	}
	err = p.mutate(ctx, func(ctx context.Context) error {
		_, err := p.api.ImageRemove(ctx, id, image.RemoveOptions{})
		return err
	})
	if cerrdefs.IsConflict(err) || cerrdefs.IsNotFound(err) {
		return nil // both builds came out as the very same image
	}
	return err
}

func buildContext(r recipe, base string) io.Reader {
	return archive(
		file{"Dockerfile", 0o644, []byte(r.dockerfile(base))},
		file{"install.sh", 0o755, installScript},
		file{"trim.sh", 0o755, trimScript},
	)
}

func buildOptions(r recipe) build.ImageBuildOptions {
	return build.ImageBuildOptions{
		Version:     build.BuilderV1,
		NetworkMode: "host", // a proxy or mirror may be known to the host only
		Remove:      true,
		ForceRemove: true,
		BuildArgs:   proxies(os.Getenv),
		Labels:      map[string]string{labelImage: r.kind(), labelRecipe: r.digest()},
	}
}

// proxies are the build arguments that every Dockerfile knows and no image keeps
// (docs.docker.com, predefined ARGs).
func proxies(getenv func(string) string) map[string]*string {
	args := map[string]*string{}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if v := getenv(name); v != "" {
			args[name] = &v
		}
	}
	return args
}

// onlySteps passes on what a builder begins, not all that its commands write.
func onlySteps(progress func(string)) func(string) {
	return func(line string) {
		if strings.HasPrefix(line, "Step ") {
			progress(line)
		}
	}
}
