package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/spec"
)

// Upgrade brings an engine that is there, with its client and containerd, to the
// version that is wanted: by the same packages, pins and holds as Install, or by
// running the user's script again. It comes from where the request says; where
// that says nothing, from where it came before. What of it still runs in the old
// version is restarted, so the machine must not do anything that matters.
//
// A version that is older than the one that is there is refused by package
// managers, but with Downgrade. Upgrade waits and refuses as Install does, and can
// be run again after it was cut off anywhere: until it is through, Probe finds a
// member Unfinished, and on other machines no engine.
func Upgrade(ctx context.Context, h Host, f Facts, r Request, progress func(string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	if r.How == spec.InstallNone {
		return errors.New("upgrade engine: the file says install: none: change its version by hand, or let engine.install say docker or distro, or name a script")
	}
	i := &installer{h: h, f: f, r: r, progress: progress, env: environment(r.Env), upgrade: true}
	if err := i.install(ctx); err != nil {
		return fmt.Errorf("upgrade engine: %w", err)
	}
	progress("starting the engine")
	return EnsureRunning(ctx, h)
}

// renew restarts what still runs in the old version. Packages restart their
// services or do not, each in its own way; of a script nothing is known.
func (i *installer) renew(ctx context.Context) error {
	a, err := run(ctx, i.h, call{script: "renew", limit: startLimit, changes: true})
	if err != nil || a.text("outdated") == "" && i.r.How != spec.InstallScript {
		return err
	}
	i.progress("restarting the engine")
	return control(ctx, i.h, "restart")
}

// options are what the package manager has to be told besides names, for packages
// that are there in another version and may be held.
func (i *installer) options() []string {
	var out []string
	manager := i.recipe.manager
	if manager == "apt" && (i.upgrade || i.recipe.repo != nil) {
		out = append(out, "--allow-change-held-packages")
	}
	switch {
	case !i.r.Downgrade:
	case manager == "apt":
		out = append(out, "--allow-downgrades")
	case manager == "zypper":
		out = append(out, "--oldpackage")
	}
	return out
}

// held gives those of the distribution's packages that somebody holds.
func (i *installer) held(ctx context.Context) ([]string, error) {
	if !i.upgrade || i.recipe.manager != "apt" || i.recipe.repo != nil {
		return nil, nil
	}
	r := i.recipe
	a, err := i.script(ctx, "held", slices.Concat([]string{r.engine}, r.optional, r.beneath)...)
	return strings.Fields(a.text("held")), err
}

// switches says whether packages in the way are the engine that is there, of the
// other source, while the file does not say which source it wants: then it stays
// with the one that it has.
func (i *installer) switches(conflicts []string) bool {
	theirs, ok := distros(i.f.OS)
	if !i.upgrade || i.r.How != "" || !ok || !slices.Contains(conflicts, theirs.engine) {
		return false
	}
	i.recipe = theirs
	return true
}
