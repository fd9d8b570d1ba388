package bootstrap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// fakeEngine is what there is to know of a dockerd from outside. It keeps its
// state in a file, for the commands that change it are processes of their own.
// How it takes a configuration is written from dockerd(8) and from moby
// daemon/config/config.go and daemon/reload.go.
type fakeEngine struct {
	Version string
	Runs    string   // the version of its process
	Flags   []string // its command line
	Running bool
	Booting bool   // it has read its file, and is not there yet
	Quiet   bool   // its log level is above info
	Broken  string // why it does not start, whatever the file says
	Deaf    bool   // it takes no notice of a reload, and logs none
	Given   bool   // systemd has read that it gets the environment file

	// The configuration that it works by.
	Labels, Registries, Mirrors []string
	Keys                        map[string]string
}

func engineFile(root string) string { return filepath.Join(filepath.Dir(root), "engine.json") }

func readEngine(root string) fakeEngine {
	var e fakeEngine
	b, err := os.ReadFile(engineFile(root))
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		panic(err)
	}
	return e
}

func (e fakeEngine) save(root string) {
	b, err := json.Marshal(e)
	if err == nil {
		err = os.WriteFile(engineFile(root)+".new", b, 0o644)
	}
	if err == nil {
		err = os.Rename(engineFile(root)+".new", engineFile(root))
	}
	if err != nil {
		panic(err)
	}
}

// log writes where the machine keeps its logs.
func (e *fakeEngine) log(root, line string) {
	path := root + "/var/log/docker.log"
	if _, err := os.Stat(root + "/run/systemd/system"); err == nil {
		path = root + "/journal"
	}
	_ = os.MkdirAll(filepath.Dir(path), 0o755)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = fmt.Fprintln(f, line)
		_ = f.Close()
	}
	if err != nil {
		panic(err)
	}
}

// config is a daemon.json that was read.
type config struct {
	keys  map[string]string // raw
	lists map[string][]string
}

var engineLists = []string{"labels", "insecure-registries", "registry-mirrors"}

// install puts the engine's commands onto a machine.
func (e fakeEngine) install(root, bin string) {
	e.save(root)
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, bin+"/fake-dockerd")
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil // installed once more
	}
	for name, body := range map[string]string{
		"dockerd": `if [ "$1" = --version ]; then echo "Docker version ` + e.Version + `, build 89c5e8f"; else exec fake-dockerd "$@"; fi`,
		"docker": `echo "docker $*" | sed "s,$ROOT,," >>"$ROOT/calls"
if [ ! -e "$ROOT/run/docker.pid" ]; then
	echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2
	exit 1
fi`,
	} {
		if err == nil {
			err = os.WriteFile(bin+"/"+name, []byte("#!/bin/sh\n"+body+"\n"), 0o755)
		}
	}
	if err != nil {
		panic(err)
	}
}

// check reads a daemon.json as dockerd does.
func (e *fakeEngine) check(path string) (config, error) {
	c := config{keys: map[string]string{}, lists: map[string][]string{}}
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return c, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return c, err
	}
	known := append([]string{"debug", "log-driver", "mtu", "data-root", "default-address-pools"}, engineLists...)
	for _, k := range slices.Sorted(maps.Keys(raw)) {
		if !slices.Contains(known, k) {
			return c, fmt.Errorf("the following directives don't match any configuration option: %s", k)
		}
		if slices.Contains(daemon.FlagKeys(append([]string{"dockerd"}, e.Flags...)), k) {
			return c, fmt.Errorf("the following directives are specified both as a flag and in the configuration file: %s", k)
		}
		if slices.Contains(engineLists, k) {
			var list []string
			if err := json.Unmarshal(raw[k], &list); err != nil {
				return c, err
			}
			c.lists[k] = append([]string{}, list...)
			continue
		}
		c.keys[k] = string(raw[k])
	}
	return c, nil
}

// start works by the file and nothing else.
func (e *fakeEngine) start(root string) error {
	if e.Broken != "" {
		return fmt.Errorf("failed to start daemon: %s", e.Broken)
	}
	c, err := e.check(root + daemonFile)
	if err != nil {
		return fmt.Errorf("unable to configure the Docker daemon with file %s: %w", daemonFile, err)
	}
	e.Labels, e.Registries, e.Mirrors = c.lists["labels"], c.lists["insecure-registries"], c.lists["registry-mirrors"]
	e.Keys, e.Running, e.Runs = c.keys, true, e.Version
	return nil
}

// replace puts another version onto a machine that has one. Its process goes on
// from a file that is not there any more, and so does containerd's.
func (e fakeEngine) replace(root, bin string) {
	if _, err := os.Stat(engineFile(root)); err == nil {
		version := e.Version
		e = readEngine(root)
		e.Version = version
	}
	e.install(root, bin)
	for _, pid := range []string{"4242", "4343"} {
		exe := root + "/proc/" + pid + "/exe"
		if _, err := os.Lstat(exe); err == nil {
			_ = os.Remove(exe)
			_ = os.Symlink("/usr/bin/x (deleted)", exe)
		}
	}
}

// reload takes over the lists that the file has, and of the keys those that can
// be reloaded; it complains in the log only.
func (e *fakeEngine) reload(root string) {
	if e.Deaf {
		return
	}
	c, err := e.check(root + daemonFile)
	if err != nil {
		e.log(root, fmt.Sprintf(`time="2026-11-22T10:00:00.1Z" level=error msg=%q`, err.Error()))
		return
	}
	for i, list := range []*[]string{&e.Labels, &e.Registries, &e.Mirrors} {
		if v, ok := c.lists[engineLists[i]]; ok {
			*list = v
		}
	}
	if v, ok := c.keys["debug"]; ok {
		e.Keys["debug"] = v
	}
	if !e.Quiet {
		e.log(root, `time="2026-11-22T10:00:00.1Z" level=info msg="Reloaded configuration: {\"labels\":[]}"`)
	}
}

// appear shows the process where Linux shows processes.
func (e *fakeEngine) appear(root string, pid int) {
	dir := fmt.Sprintf("%s/proc/%d", root, pid)
	for path, content := range map[string]string{
		dir + "/comm":            "dockerd\n",
		dir + "/environ":         "PATH=/bin\x00",
		dir + "/cmdline":         strings.Join(append([]string{"/usr/bin/dockerd"}, e.Flags...), "\x00") + "\x00",
		root + "/run/docker.pid": fmt.Sprint(pid),
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			panic(err)
		}
	}
	_ = os.Remove(dir + "/exe")
	_ = os.Symlink("/usr/bin/dockerd", dir+"/exe")
}

// inherit gives the engine that was started the environment file, read by a real
// shell, where its service manager has been told to.
func (e *fakeEngine) inherit(root string) {
	confd, _ := os.ReadFile(root + "/etc/conf.d/docker")
	script := "set -a; if [ -e " + root + "/etc/docker/swarmup.env ]; then . " + root + "/etc/docker/swarmup.env; fi; exec /usr/bin/env -0"
	if !e.Given && !strings.Contains(string(confd), ". /etc/docker/swarmup.env") {
		script = "exec /usr/bin/env -0"
	}
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = []string{"PATH=/bin"}
	out, err := cmd.Output()
	if err == nil {
		err = os.WriteFile(root+"/proc/4242/environ", out, 0o600)
	}
	if err != nil {
		panic(err)
	}
}

func (e *fakeEngine) disappear(root string) {
	e.Running, e.Booting = false, false
	pid, _ := os.ReadFile(root + "/run/docker.pid")
	_ = os.Remove(root + "/run/docker.pid")
	_ = os.RemoveAll(fmt.Sprintf("%s/proc/%s", root, pid))
}
