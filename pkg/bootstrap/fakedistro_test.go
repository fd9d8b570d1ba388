package bootstrap

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fakeDistro is a distribution's package manager with its repositories. Like
// fakeEngine it keeps its state in a file.
type fakeDistro struct {
	Has         []string // the packages that there are
	Locked      int      // how often the lists' lock is still held by another
	Lists       string   // why the lists cannot be refreshed
	Interrupted bool     // dpkg was cut off before
	Remark      int      // the status of zypper for an installation that went well
}

func distroFile(root string) string { return filepath.Join(filepath.Dir(root), "distro.json") }

func readDistro(root string) fakeDistro {
	var d fakeDistro
	b, err := os.ReadFile(distroFile(root))
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		panic(err)
	}
	return d
}

func (d fakeDistro) save(root string) {
	b, err := json.Marshal(d)
	if err == nil {
		err = os.WriteFile(distroFile(root), b, 0o644)
	}
	if err != nil {
		panic(err)
	}
}

// packagesOf gives what follows the verb, without options.
func packagesOf(args []string, verb string) (out []string) {
	for _, a := range args[slices.Index(args, verb)+1:] {
		if !strings.HasPrefix(a, "-") && a != "300" {
			out = append(out, a)
		}
	}
	return out
}

// playInstall plays a package manager.
func playInstall(root, name string, args []string) int {
	d := readDistro(root)
	defer func() { d.save(root) }()
	has := func(verb string) bool { return slices.Contains(args, verb) }
	switch {
	case name == "apt-get" && has("update"):
		if d.Locked > 0 {
			d.Locked--
			return complain(100, "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)\nE: Unable to lock directory /var/lib/apt/lists/")
		}
		return d.refresh(100)
	case name == "apt-cache" && has("policy"):
		for _, p := range packagesOf(args, "policy") {
			if slices.Contains(d.Has, p) {
				fmt.Printf("%s:\n  Installed: (none)\n  Candidate: 26.1.5\n", p)
			} else if p == "docker-cli" {
				fmt.Printf("%s:\n  Installed: (none)\n  Candidate: (none)\n", p)
			}
		}
		return 0
	case name == "dpkg" && has("--configure"):
		d.Interrupted = false
		return 0
	case name == "apt-get" && has("install"):
		if d.Interrupted {
			return complain(100, "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. ")
		}
		return d.install(root, packagesOf(args, "install"), 100, "E: Unable to locate package %s")
	case name == "dnf" && has("list"):
		for _, p := range packagesOf(args, "list") {
			if !slices.Contains(d.Has, p) {
				return complain(1, "Error: No matching Packages to list")
			}
		}
		return 0
	case name == "zypper" && has("refresh"), name == "apk" && has("update"):
		return d.refresh(1)
	case name == "dnf" && has("install"):
		return d.install(root, packagesOf(args, "install"), 1, "Error: Unable to find a match: %s")
	case name == "zypper" && has("install"):
		return max(d.Remark, d.install(root, packagesOf(args, "install"), 104, "No provider of '%s' found."))
	case name == "apk" && has("add"):
		return d.install(root, packagesOf(args, "add"), 1, "ERROR: unable to select packages:\n  %s (no such package):")
	}
	return complain(127, "no such verb")
}

func (d fakeDistro) refresh(status int) int {
	if d.Lists != "" {
		return complain(status, d.Lists)
	}
	return 0
}

// install puts an engine onto the machine if it is among the packages.
func (d fakeDistro) install(root string, packages []string, status int, missing string) int {
	for _, p := range packages {
		if !slices.Contains(d.Has, p) {
			return complain(status, fmt.Sprintf(missing, p))
		}
	}
	bin, _, _ := strings.Cut(os.Getenv("PATH"), ":")
	fakeEngine{Version: "26.1.5"}.install(root, bin)
	return 0
}
