package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	// lockLimit bounds the wait for others who are at work: a first boot's
	// unattended upgrade takes some minutes.
	lockLimit    = 10 * time.Minute
	lockInterval = 5 * time.Second
)

// script runs one verb of the package manager's script, once nobody else is at
// work there.
func (i *installer) script(ctx context.Context, verb string, args ...string) (answer, error) {
	var a answer
	said := ""
	manager := i.recipe.manager
	err := wait.Until(ctx, manager+"'s locks", lockLimit, lockInterval, func(context.Context) (bool, error) {
		var err error
		a, err = run(ctx, i.h, call{
			script: manager, args: append([]string{verb}, args...), stdin: i.env,
			limit: installLimit, packages: true, changes: true,
		})
		holder := a.text("locked")
		if holder == "" {
			return true, err
		}
		if holder != said {
			i.progress("waiting for " + holder)
			said = holder
		}
		return false, errors.New(holder)
	})
	if failed := new(scriptError); errors.As(err, &failed) {
		err = fmt.Errorf("%s: %w", manager, err)
		if skewed(failed.output) {
			err = &skewError{err}
		}
	}
	return a, err
}

// refresh refreshes the package lists, and returns why it did not go well: lists
// that are old may still be good enough, for a repository that the engine does
// not come from may be the one that is broken.
func (i *installer) refresh(ctx context.Context) (old string, err error) {
	if !i.recipe.lists || i.fresh {
		return i.old, nil
	}
	i.progress("refreshing the package lists")
	_, err = i.script(ctx, "lists")
	i.old = ""
	if failed := new(scriptError); errors.As(err, &failed) {
		i.old, err = failed.Error(), nil
	}
	i.fresh = err == nil
	return i.old, err
}

// get installs packages. old is why their lists may be old.
func (i *installer) get(ctx context.Context, old string, packages []string) error {
	_, err := i.script(ctx, "install", packages...)
	if failed := new(scriptError); old != "" && errors.As(err, &failed) {
		return fmt.Errorf("%w (its package lists are old: %s)", err, old)
	}
	return err
}

// source sets Docker's repository up and reads its lists. Unlike with those of
// others, what goes wrong there counts.
func (i *installer) source(ctx context.Context) error {
	if !i.ready {
		if err := i.repository(ctx); err != nil {
			return err
		}
		i.ready = true
	}
	name := i.recipe.repo.listFile
	if i.recipe.manager == "dnf" {
		name = rpmID
	}
	_, err := i.script(ctx, "source", name)
	if failed := new(scriptError); errors.As(err, &failed) && unreachable(failed.output) {
		return fmt.Errorf("%w (engine.repository may name a mirror, or engine.install say distro)", err)
	}
	return err
}

// unreachable recognises what apt and dnf say of a repository that the network
// does not lead to.
func unreachable(complaint string) bool {
	return slices.ContainsFunc([]string{"Could not resolve", "Could not connect", "Cannot initiate the connection", "timed out"}, func(words string) bool {
		return strings.Contains(complaint, words)
	})
}

// repository puts the key and the source in place.
func (i *installer) repository(ctx context.Context) error {
	repo, key := i.recipe.repo, i.r.Key
	var err error
	if key == nil {
		key, err = embedded.ReadFile(repo.key)
	} else {
		_, err = fingerprints(key)
	}
	if err != nil {
		return fmt.Errorf("read the repository's key: %w", err)
	}
	if err := put(ctx, i.h, repo.keyFile, public, key); err != nil {
		return err
	}
	return put(ctx, i.h, repo.listFile, public, []byte(repo.list(false)))
}

// hold keeps the packages at their version: an upgrade that nobody asked for
// stops all containers.
func (i *installer) hold(ctx context.Context, packages []string) error {
	if i.recipe.manager == "dnf" {
		return put(ctx, i.h, i.recipe.repo.listFile, public, []byte(i.recipe.repo.list(true)))
	}
	_, err := i.script(ctx, "hold", packages...)
	return err
}

// scriptFile is where the user's script is while it runs.
const scriptFile = "/etc/docker/swarmup-install"

// custom runs the user's script as root.
func (i *installer) custom(ctx context.Context) error {
	i.progress("running the file's install script")
	if err := put(ctx, i.h, scriptFile, runnable, i.r.Script); err != nil {
		return err
	}
	env := i.env + fmt.Sprintf("SWARMUP_CLUSTER=%s\nSWARMUP_NODE=%s\nSWARMUP_ENGINE_VERSION=%s\n", i.r.Cluster, i.r.Node, i.r.Version)
	_, err := run(ctx, i.h, call{script: "custom", stdin: env, limit: installLimit, packages: true, changes: true})
	if err != nil {
		return fmt.Errorf("run install script: %w", err)
	}
	return nil
}

// environment gives the proxies as lines, in the spellings that tools know:
// curl and apt read small letters, others capitals.
func environment(env map[string]string) string {
	var b strings.Builder
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"} {
		value, ok := env[name]
		if !ok {
			value, ok = env[strings.ToLower(name)]
		}
		if ok && !strings.ContainsAny(value, "\r\n") {
			fmt.Fprintf(&b, "%s=%s\n%s=%s\n", name, value, strings.ToLower(name), value)
		}
	}
	return b.String()
}
