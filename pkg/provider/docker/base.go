package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/docker/docker/api/types/image"
)

// pullPatience is how long a registry may take to give a base image; one that a
// firewall swallows would otherwise hold everything up for minutes.
const pullPatience = 90 * time.Second

// base returns the name of an image of Debian that the engine has.
func (p *Provider) base(ctx context.Context, suite string, progress func(string)) (string, error) {
	public, own := "debian:"+suite+"-slim", "swarmup-base:"+suite
	for _, name := range []string{public, own} {
		if has, err := p.hasImage(ctx, name); has || err != nil {
			return name, err
		}
	}
	progress("pulling " + public)
	pulling, cancel := context.WithTimeout(ctx, pullPatience)
	defer cancel()
	noPull := p.pull(pulling, public)
	if noPull == nil {
		return public, nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	progress(fmt.Sprintf("%s cannot be pulled (%v): making a base from packages", public, noPull))
	if err := p.bootstrap(ctx, suite, own, progress); err != nil {
		return "", fmt.Errorf("no base image: pull %s: %w; %w", public, noPull, err)
	}
	return own, nil
}

// bootstrap makes a base image from Debian's packages with mmdebstrap, here, and
// imports it into the engine.
func (p *Provider) bootstrap(ctx context.Context, suite, name string, progress func(string)) error {
	if err := p.canBootstrap(ctx); err != nil {
		return err
	}
	args, err := bootstrapArgs(ctx, suite)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "mmdebstrap", args...)
	// It has mounts to take down: ask before it is killed.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	log := &lastLines{progress: progress}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run mmdebstrap: %w", err)
	}
	id, importing := p.importBase(ctx, out)
	if err := cmd.Wait(); err != nil {
		p.discard(ctx, id) // what there is of it is not whole
		return fmt.Errorf("run mmdebstrap: %w: %s", err, log.last)
	}
	if importing != nil {
		return fmt.Errorf("import %s: %w", name, p.explain(importing))
	}
	return p.tagOnce(ctx, id, name)
}

// importBase makes a nameless image of an archive.
func (p *Provider) importBase(ctx context.Context, from io.Reader) (id string, err error) {
	source := image.ImportSource{Source: from, SourceName: "-"}
	body, err := p.api.ImageImport(ctx, source, "", image.ImportOptions{Changes: []string{"LABEL " + labelImage + "=base"}})
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	return readStream(body, nil)
}

// discard removes an image that nobody has a use for, if it can be.
func (p *Provider) discard(ctx context.Context, id string) {
	if id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	_, _ = p.api.ImageRemove(ctx, id, image.RemoveOptions{})
}

// canBootstrap says what is missing here, if anything.
func (p *Provider) canBootstrap(ctx context.Context) error {
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		return errors.New("mmdebstrap, which could make one from packages, is not installed here")
	}
	version, err := p.api.ServerVersion(ctx)
	if err != nil {
		return p.explain(err)
	}
	if version.Os != runtime.GOOS || version.Arch != runtime.GOARCH {
		return fmt.Errorf("mmdebstrap here cannot make one for an engine on %s/%s", version.Os, version.Arch)
	}
	return nil
}

// bootstrapArgs are mmdebstrap's: how apt gets packages on this machine is also
// how it gets them in the image, and so in the machines.
func bootstrapArgs(ctx context.Context, suite string) ([]string, error) {
	args := []string{"--variant=apt", "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*"}
	dump, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return nil, fmt.Errorf("run apt-config: %w", err)
	}
	for _, option := range aptOptions(string(dump), os.Getenv) {
		args = append(args, "--aptopt="+option)
	}
	targets, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(LABEL)",
		"Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("run apt-get indextargets: %w", err)
	}
	return append(args, suite, "-", mirror(string(targets))), nil
}

// mirror is the first source of this machine that carries Debian itself, else
// Debian's own.
func mirror(targets string) string {
	for line := range strings.Lines(targets) {
		uri, label, _ := strings.Cut(strings.TrimSpace(line), " ")
		if label == "Debian" {
			return uri
		}
	}
	return "http://deb.debian.org/debian"
}

// aptOptions are the settings of this machine's apt, out of apt-config's dump,
// without which its mirror may be out of reach. A proxy on the loopback is no
// use inside a machine, but there is no way to the packages without it.
func aptOptions(dump string, getenv func(string) string) []string {
	var out []string
	proxied := false
	for line := range strings.Lines(dump) {
		line = strings.TrimSpace(line)
		for _, prefix := range []string{"Acquire::http::", "Acquire::https::", "Acquire::Check-", "Acquire::Retries", "Acquire::ForceIPv4"} {
			if strings.HasPrefix(line, prefix) && !strings.HasSuffix(line, `"";`) {
				out = append(out, line)
				proxied = proxied || strings.HasPrefix(line, "Acquire::http::Proxy ")
			}
		}
	}
	if proxy := getenv("http_proxy"); proxy != "" && !proxied {
		out = append(out, fmt.Sprintf("Acquire::http::Proxy %q;", proxy))
	}
	return out
}

// lastLines passes a program's messages on and remembers the last of them.
type lastLines struct {
	progress func(string)
	last     string
	rest     string
}

func (l *lastLines) Write(p []byte) (int, error) {
	l.rest += string(p)
	for {
		line, rest, found := strings.Cut(l.rest, "\n")
		if !found {
			return len(p), nil
		}
		l.rest = rest
		if line = strings.TrimSpace(strings.TrimPrefix(line, "I: ")); line != "" {
			l.last = line
			l.progress("mmdebstrap: " + line)
		}
	}
}
