package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/swarmup/swarmup/pkg/spec"
)

const (
	// installLimit bounds the package manager, its 300 s for a lock included.
	installLimit = 20 * time.Minute
	// firstBootLimit bounds the wait for cloud-init, whose script has 300 s.
	firstBootLimit = 6 * time.Minute
)

// source is where a distribution's engine comes from.
type source struct {
	script   string   // the package manager's
	packages []string // what has to be there
	optional []string // what is installed where the distribution has it
}

// from gives the source for a distribution, by its ID in os-release(5).
// Distributions that only resemble another are no guess: Rocky resembles Fedora
// and has no engine.
func from(os string) (source, bool) {
	switch os {
	case "debian", "ubuntu", "raspbian", "linuxmint", "pop":
		return source{
			script: "apt",
			// Without its recommended packages docker.io lacks what pulls from
			// registries, and what starts containers where the kernel has AppArmor.
			packages: []string{"docker.io", "ca-certificates", "iptables", "apparmor"},
			// From Debian 13 on the client is a package of its own.
			optional: []string{"docker-cli"},
		}, true
	case "fedora":
		return source{script: "dnf", packages: []string{"moby-engine"}, optional: []string{"docker-cli"}}, true
	case "amzn":
		return source{script: "dnf", packages: []string{"docker"}}, true
	case "opensuse-leap", "opensuse-tumbleweed", "sles":
		return source{script: "zypper", packages: []string{"docker"}}, true
	case "alpine":
		return source{script: "apk", packages: []string{"docker"}}, true
	}
	return source{}, false
}

// args are the arguments of the script.
func (s source) args() []string {
	if len(s.optional) == 0 {
		return s.packages
	}
	return slices.Concat(s.packages, []string{"--"}, s.optional)
}

// Install makes sure that there is an engine and that it runs, and has it
// started at every boot. One that is there already is left at its version.
// progress, which may be nil, is told what is being done.
//
// Install lets a machine's first boot finish before it calls the package
// manager, and waits for the manager's locks, within limits; it can be run
// again after it was cut off anywhere.
func Install(ctx context.Context, h Host, f Facts, how spec.Install, progress func(string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	if f.Engine == Absent || f.Engine == "" {
		if err := install(ctx, h, f, how, progress); err != nil {
			return fmt.Errorf("install engine: %w", err)
		}
	}
	progress("starting the engine")
	return EnsureRunning(ctx, h)
}

func install(ctx context.Context, h Host, f Facts, how spec.Install, progress func(string)) error {
	switch how {
	case spec.InstallDistro:
	case spec.InstallNone:
		return errors.New("there is none, and the file says install: none")
	default:
		return fmt.Errorf("%q is no way to install", how)
	}
	s, ok := from(f.OS)
	if !ok {
		return unknown(f)
	}
	progress("waiting for the first boot to finish")
	if _, err := run(ctx, h, call{script: "cloudinit", limit: firstBootLimit}); err != nil {
		return err
	}
	progress("installing " + s.packages[0] + " with " + s.script)
	a, err := run(ctx, h, call{script: s.script, args: s.args(), limit: installLimit, changes: true})
	if err == nil {
		return nil
	}
	if lists := complaint(a.text("lists")); lists != "" {
		return fmt.Errorf("%s: %w (its package lists are old: %s)", s.script, err, lists)
	}
	return fmt.Errorf("%s: %w", s.script, err)
}

func unknown(f Facts) error {
	if f.OS == "" {
		return errors.New("the distribution is unknown: the machine has no os-release")
	}
	return fmt.Errorf("distribution %q %s has no engine of its own that is known here: install Docker Engine by hand", f.OS, f.OSVersion)
}
