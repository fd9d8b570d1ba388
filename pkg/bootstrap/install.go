package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	// installLimit bounds one call of the package manager.
	installLimit = 20 * time.Minute
	// firstBootLimit bounds the wait for cloud-init, whose script has 300 s.
	firstBootLimit = 6 * time.Minute
	// skewLimit bounds the wait for a repository that is being published.
	skewLimit    = 3 * time.Minute
	skewInterval = 5 * time.Second
)

// Request is what a machine without an engine gets.
type Request struct {
	// How is where the engine comes from. The zero value takes Docker's
	// repositories where they have the distribution, else the distribution's own.
	How spec.Install
	// Version is what the engine's version has to begin with, by components;
	// "" means any. Prefer is a version that is taken where it can be had.
	Version, Prefer string
	// Repository is the root of a mirror of Docker's repositories; "" means
	// Docker's own. Key is the OpenPGP key that signs it, in ASCII armor; nil
	// means Docker's, which is built in.
	Repository string
	Key        []byte
	// Script is the user's own way to install, for spec.InstallScript.
	Script []byte
	// Env holds the proxies of the package manager, by the names HTTP_PROXY,
	// HTTPS_PROXY, ALL_PROXY and NO_PROXY, in capitals or not.
	Env map[string]string
	// Cluster and Node are told to Script.
	Cluster, Node string
	// Downgrade lets Upgrade put an older version in place.
	Downgrade bool
}

// Install makes sure that there is an engine and that it runs, and has it
// started at every boot. One that is there already is left as it is; if it is
// not of the version that is wanted, that is a *VersionError. progress, which
// may be nil, is told what is being done and waited for.
//
// Install lets a machine's first boot finish before it calls the package
// manager, and waits for the manager's locks, within limits. It removes no
// package. It can be run again after it was cut off anywhere: until it is
// through, Probe finds no engine.
func Install(ctx context.Context, h Host, f Facts, r Request, progress func(string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	if f.Engine == Absent || f.Engine == "" {
		i := &installer{h: h, f: f, r: r, progress: progress, env: environment(r.Env)}
		if err := i.install(ctx); err != nil {
			return fmt.Errorf("install engine: %w", err)
		}
	} else if f.EngineVersion != "" && !(spec.Engine{Version: r.Version}).Takes(f.EngineVersion) {
		return &VersionError{Has: f.EngineVersion, Wants: r.Version}
	}
	progress("starting the engine")
	if r.How == spec.InstallScript {
		if _, err := run(ctx, h, call{script: "answers", limit: 30 * time.Second}); err == nil {
			return nil // however it is started
		}
	}
	return EnsureRunning(ctx, h)
}

// VersionError means that an engine is there, of another version.
type VersionError struct{ Has, Wants string }

// Error says both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("engine %s is there, and the file wants %s", e.Has, e.Wants)
}

// installer is one installation.
type installer struct {
	h        Host
	f        Facts
	r        Request
	recipe   recipe
	env      string // for the scripts' standard input
	upgrade  bool   // there is an engine, of another version
	ready    bool   // Docker's repository is set up
	fresh    bool   // the package lists were refreshed
	old      string // why that did not go well
	progress func(string)
}

func (i *installer) install(ctx context.Context) error {
	if i.r.How == spec.InstallNone {
		return errors.New("there is none, and the file says install: none")
	}
	if i.r.How != spec.InstallScript {
		var err error
		if i.recipe, err = findRecipe(i.f, i.r); err != nil {
			return err
		}
	}
	if err := i.firstBoot(ctx); err != nil {
		return err
	}
	if err := i.prepare(ctx); err != nil {
		return err
	}
	var err error
	if i.r.How == spec.InstallScript {
		err = i.custom(ctx)
	} else {
		err = i.packages(ctx)
	}
	if err == nil && i.upgrade {
		err = i.renew(ctx)
	}
	if err != nil {
		return err
	}
	_, err = run(ctx, i.h, call{script: "finish", limit: scriptLimit, changes: true})
	return err
}

// firstBoot lets cloud-init finish: it installs packages too.
func (i *installer) firstBoot(ctx context.Context) error {
	a, err := run(ctx, i.h, call{script: "firstboot", args: []string{"look"}, limit: time.Minute})
	if err != nil || a.text("state") != "running" {
		return err
	}
	i.progress("waiting for cloud-init to finish the first boot")
	_, err = run(ctx, i.h, call{script: "firstboot", args: []string{"wait"}, limit: firstBootLimit})
	return err
}

// prepare refuses what is in the way, and begins.
func (i *installer) prepare(ctx context.Context) error {
	r := i.recipe
	args := []string{r.manager, ""}
	if r.repo != nil {
		args[1] = r.repo.url
	}
	a, err := run(ctx, i.h, call{script: "prepare", args: append(args, r.conflicts...), limit: time.Minute, changes: true})
	if err != nil {
		return err
	}
	c := strings.Fields(a.text("conflicts"))
	if i.switches(c) {
		return i.prepare(ctx)
	}
	if len(c) > 0 {
		return fmt.Errorf("%s cannot be there beside %s: remove it first, with %q", strings.Join(c, " "), r.engine, r.remove(c))
	}
	if c := strings.Fields(a.text("others")); len(c) > 0 {
		return fmt.Errorf("%s is set up already in %s: remove that file, or let engine.install say distro", r.repo.url, strings.Join(c, " "))
	}
	if r.repo == nil || r.manager != "apt" || !strings.HasPrefix(r.repo.url, "https:") || a.text("certificates") != "" {
		return nil
	}
	lists, err := i.refresh(ctx) // what https needs is to be had from the distribution
	if err != nil {
		return err
	}
	return i.get(ctx, lists, []string{"ca-certificates"})
}

// packages installs what the recipe says.
func (i *installer) packages(ctx context.Context) error {
	held, err := i.held(ctx)
	if err != nil {
		return err
	}
	err = wait.Until(ctx, "the repository to be of one piece", skewLimit, skewInterval, func(context.Context) (bool, error) {
		err := i.attempt(ctx)
		if skew := (*skewError)(nil); errors.As(err, &skew) {
			i.progress("trying again in a moment: " + err.Error())
			i.fresh = false
			return false, err
		}
		return true, err
	})
	if i.recipe.repo != nil {
		held = i.recipe.held()
	}
	if err != nil || len(held) == 0 {
		return err
	}
	return i.hold(ctx, held)
}

// attempt installs the packages in the versions that can be had now.
func (i *installer) attempt(ctx context.Context) error {
	r := i.recipe
	lists, err := i.refresh(ctx)
	if err != nil {
		return err
	}
	if r.repo != nil {
		if err := i.source(ctx); err != nil {
			return err
		}
	}
	words := []string{r.engine}
	what := r.engine
	if r.repo != nil || i.r.Version != "" || i.r.Prefer != "" {
		picked, err := i.pick(ctx)
		if err != nil {
			return err
		}
		what, words = what+" "+picked[0].upstream(), nil
		for _, o := range picked {
			words = append(words, r.pin(o))
		}
	}
	// They may be held from before an installation that was cut off.
	words = slices.Concat(i.options(), words, r.others)
	if i.upgrade {
		words = append(words, r.beneath...)
	}
	if len(r.optional) > 0 {
		words = append(append(words, "--"), r.optional...)
	}
	i.progress("installing " + what + " with " + r.manager)
	if err := i.get(ctx, lists, words); err != nil {
		return err
	}
	if !r.modules {
		return nil
	}
	i.progress("installing kernel-modules-extra with " + r.manager)
	_, err = i.script(ctx, "modules")
	return err
}

// pick chooses the versions among those that can be had.
func (i *installer) pick(ctx context.Context) ([]offer, error) {
	r := i.recipe
	var args []string
	if r.repo != nil && r.manager == "dnf" {
		args = append(args, "--repo="+rpmID)
	}
	args = append(append(append(args, r.engine), r.same...), r.along...)
	a, err := i.script(ctx, "versions", args...)
	if err != nil {
		return nil, err
	}
	picked, err := r.choose(readOffers(a.text("versions")), i.r.Version, i.r.Prefer)
	if err == nil && i.r.Version == "" && i.r.Prefer != "" && !(spec.Engine{Version: i.r.Prefer}).Takes(picked[0].upstream()) {
		i.progress(fmt.Sprintf("%s has no %s %s, which the managers have: taking %s", r.where(), r.engine, i.r.Prefer, picked[0].upstream()))
	}
	return picked, err
}
