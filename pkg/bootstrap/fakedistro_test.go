package bootstrap

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/spec"
)

// fakeDistro is a distribution's package manager with its repositories. Like
// fakeEngine it keeps its state in a file.
type fakeDistro struct {
	// Own are the packages that the distribution has, and Docker those of
	// Docker's repository, which is known once its source is set up. Each is
	// "NAME VERSION" as the manager writes it.
	Own, Docker []string
	// Signer is the key that Docker's repository is signed with.
	Signer      string
	Away        string   // why Docker's repository is not reached
	There       []string // what is installed
	Held        []string
	Locked      int    // how often the lists' lock is still held by another
	Lists       string // why the lists cannot be refreshed
	Skew        int    // how often a mirror is behind its index
	Interrupted bool   // dpkg was cut off before
	Remark      int    // the status of zypper for an installation that went well
	Environment []string
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
		if !strings.HasPrefix(a, "-") && a != "300" && !strings.Contains(a, "%{") && a != "package" {
			out = append(out, a)
		}
	}
	return out
}

// playInstall plays a package manager.
func playInstall(root, name string, args []string) int {
	d := readDistro(root)
	defer func() { d.save(root) }()
	for _, kv := range os.Environ() {
		if strings.Contains(strings.ToLower(kv), "_proxy=") && !slices.Contains(d.Environment, kv) {
			d.Environment = append(d.Environment, kv)
		}
	}
	switch name {
	case "apt-get", "apt-cache", "apt-mark", "dpkg", "dpkg-query":
		return d.apt(root, name, args)
	case "dnf", "rpm":
		return d.dnf(root, name, args)
	case "zypper":
		return d.zypper(root, args)
	case "apk":
		return d.apk(root, args)
	case "modprobe":
		if slices.Contains(d.There, "kernel-modules-extra") {
			return 0
		}
		return 1
	}
	return complain(127, "no such command")
}

func (d *fakeDistro) apt(root, name string, args []string) int {
	has := func(verb string) bool { return slices.Contains(args, verb) }
	switch {
	case name == "apt-get" && has("update"):
		if d.Locked > 0 {
			d.Locked--
			return complain(100, "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)\nE: Unable to lock directory /var/lib/apt/lists/")
		}
		if !has("Dir::Etc::sourceparts=-") {
			return d.refresh(100)
		}
		return d.trusted(root, "/etc/apt/sources.list.d/swarmup-docker.sources", "Signed-By: ", 100, "E: The repository 'https://download.docker.com/linux/debian trixie InRelease' is not signed.")
	case name == "apt-cache" && has("madison"):
		for _, p := range packagesOf(args, "madison") {
			for _, v := range slices.Backward(d.versions(root, p)) {
				fmt.Printf(" %s | %s | https://a.mirror stable/main amd64 Packages\n", p, v)
			}
		}
		return 0
	case name == "apt-cache" && has("policy"):
		for _, p := range packagesOf(args, "policy") {
			if len(d.versions(root, p)) > 0 {
				fmt.Printf("%s:\n  Installed: (none)\n  Candidate: 26.1.5\n", p)
			} else if p == "docker-cli" {
				fmt.Printf("%s:\n  Installed: (none)\n  Candidate: (none)\n", p)
			}
		}
		return 0
	case name == "apt-mark" && has("showhold"):
		for _, p := range packagesOf(args, "showhold") {
			if slices.Contains(d.Held, p) {
				fmt.Println(p)
			}
		}
		return 0
	case name == "apt-mark" && has("hold"):
		d.Held = append(d.Held, packagesOf(args, "hold")...)
		return 0
	case name == "dpkg-query":
		status := 0
		for _, p := range args[3:] {
			if slices.Contains(d.There, p) {
				fmt.Println(p, "installed")
			} else {
				status = complain(1, "dpkg-query: no packages found matching "+p)
			}
		}
		return status
	case name == "dpkg" && has("--configure"):
		d.Interrupted = false
		return 0
	case name == "apt-get" && has("install"):
		if d.Interrupted {
			return complain(100, "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. ")
		}
		if d.Skew > 0 {
			d.Skew--
			return complain(100, "E: Failed to fetch https://a.mirror/docker-ce.deb  404  Not Found [IP: 192.0.2.1 443]\nE: Unable to fetch some archives, maybe run apt-get update or try with --fix-missing?")
		}
		packages := packagesOf(args, "install")
		if !has("--allow-change-held-packages") && slices.ContainsFunc(packages, func(p string) bool {
			name, _, _ := strings.Cut(p, "=")
			return slices.Contains(d.Held, name)
		}) {
			return complain(100, "E: Held packages were changed and -y was used without --allow-change-held-packages.")
		}
		if has("--allow-change-held-packages") { // what is installed is held no more
			d.Held = slices.DeleteFunc(d.Held, func(held string) bool {
				return slices.ContainsFunc(packages, func(p string) bool { return p == held || strings.HasPrefix(p, held+"=") })
			})
		}
		if d.older(root, packages) && !has("--allow-downgrades") {
			return complain(100, "E: Packages were downgraded and -y was used without --allow-downgrades.")
		}
		return d.install(root, packages, "=", 100, "E: Unable to locate package %s")
	}
	return complain(127, "no such verb")
}

// older says whether the engine among packages is older than the one that is there.
func (d *fakeDistro) older(root string, packages []string) bool {
	if _, err := os.Stat(engineFile(root)); err != nil {
		return false
	}
	return slices.ContainsFunc(packages, func(p string) bool {
		name, version := d.find(root, p, "=")
		return (name == "docker.io" || name == "docker-ce") && spec.CompareVersions(offer{version: version}.upstream(), readEngine(root).Version) < 0
	})
}

func (d *fakeDistro) dnf(root, name string, args []string) int {
	has := func(verb string) bool { return slices.Contains(args, verb) }
	switch {
	case name == "rpm" && has("-q"):
		missing := 0
		for _, p := range args[3:] {
			if slices.Contains(d.There, p) {
				fmt.Println(p)
			} else {
				missing++
				fmt.Printf("package %s is not installed\n", p)
			}
		}
		return missing
	case has("list"):
		if len(d.versions(root, packagesOf(args, "list")[0])) == 0 {
			return complain(1, "Error: No matching Packages to list")
		}
		return 0
	case has("makecache"):
		return d.trusted(root, "/etc/yum.repos.d/swarmup-docker.repo", "gpgkey=file://", 1, "Error: GPG check FAILED")
	case has("repoquery"):
		for _, p := range packagesOf(args, "repoquery") {
			for _, v := range d.versions(root, p) {
				fmt.Printf("%s %s\n\n", p, v) // dnf 4 adds a line of its own
			}
		}
		return 0
	case has("install"):
		if p := packagesOf(args, "install"); strings.HasPrefix(p[0], "kernel-modules-extra-") {
			d.There = append(d.There, "kernel-modules-extra")
			return 0
		}
		return d.install(root, packagesOf(args, "install"), "-", 1, "Error: Unable to find a match: %s")
	}
	return complain(127, "no such verb")
}

func (d *fakeDistro) zypper(root string, args []string) int {
	switch {
	case slices.Contains(args, "refresh"):
		return d.refresh(1)
	case slices.Contains(args, "search"):
		fmt.Print("S  | Name   | Type    | Version       | Arch   | Repository\n---+--------+---------+---------------+--------+-----------\n")
		for _, v := range d.versions(root, "docker") {
			fmt.Printf("   | docker | package | %s | x86_64 | Main\n", v)
		}
		return 0
	case slices.Contains(args, "install"):
		return max(d.Remark, d.install(root, packagesOf(args, "install"), "=", 104, "No provider of '%s' found."))
	}
	return complain(127, "no such verb")
}

func (d *fakeDistro) apk(root string, args []string) int {
	switch {
	case slices.Contains(args, "update"):
		return d.refresh(1)
	case slices.Contains(args, "info"):
		return 1
	case slices.Contains(args, "policy"):
		fmt.Print("docker policy:\n")
		for _, v := range d.versions(root, "docker") {
			fmt.Printf("  %s:\n    https://dl-cdn.alpinelinux.org/alpine/v3.22/community\n", v)
		}
		return 0
	case slices.Contains(args, "add"):
		return d.install(root, packagesOf(args, "add"), "=", 1, "ERROR: unable to select packages:\n  %s (no such package):")
	}
	return complain(127, "no such verb")
}

func (d *fakeDistro) refresh(status int) int {
	if d.Lists != "" {
		return complain(status, d.Lists)
	}
	return 0
}

// trusted reads a source and says whether the key that it names is the signer's.
func (d *fakeDistro) trusted(root, source, word string, status int, otherwise string) int {
	if d.Away != "" {
		return complain(status, d.Away)
	}
	content, err := os.ReadFile(root + source)
	if err != nil {
		return complain(status, "E: "+err.Error())
	}
	for line := range strings.Lines(string(content)) {
		if file, ok := strings.CutPrefix(strings.TrimSpace(line), word); ok {
			key, err := os.ReadFile(root + file)
			if err == nil && string(key) == d.Signer {
				return 0
			}
		}
	}
	return complain(status, otherwise)
}

// versions gives those of a package that can be had.
func (d *fakeDistro) versions(root, name string) []string {
	all := slices.Clone(d.Own)
	for _, source := range []string{"/etc/apt/sources.list.d/swarmup-docker.sources", "/etc/yum.repos.d/swarmup-docker.repo"} {
		if _, err := os.Stat(root + source); err == nil {
			all = append(all, d.Docker...)
		}
	}
	var out []string
	for _, p := range all {
		if n, v, _ := strings.Cut(p, " "); n == name {
			out = append(out, v)
		}
	}
	return out
}

// install puts packages onto the machine, and an engine if it is among them.
func (d *fakeDistro) install(root string, packages []string, mark string, status int, missing string) int {
	engine := ""
	for _, p := range packages {
		name, version := d.find(root, p, mark)
		if name == "" {
			return complain(status, fmt.Sprintf(missing, p))
		}
		d.There = append(d.There, name)
		if slices.Contains([]string{"docker.io", "docker-ce", "docker", "moby-engine"}, name) {
			engine = offer{version: version}.upstream()
		}
	}
	if engine != "" {
		bin, _, _ := strings.Cut(os.Getenv("PATH"), ":")
		fakeEngine{Version: engine}.replace(root, bin)
	}
	return 0
}

// find gives the package and the version that a word of a command line means.
func (d *fakeDistro) find(root, word, mark string) (name, version string) {
	for _, p := range slices.Concat(d.Own, d.Docker) {
		n, v, _ := strings.Cut(p, " ")
		if (word == n || word == n+mark+v) && slices.Contains(d.versions(root, n), v) {
			name, version = n, v
		}
	}
	return name, version
}
