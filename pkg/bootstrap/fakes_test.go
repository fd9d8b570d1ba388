package bootstrap

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// TestMain plays the commands of a machine: see machine.fake.
func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	if strings.HasSuffix(name, ".test") {
		goleak.VerifyTestMain(m)
		return
	}
	os.Exit(play(os.Getenv("ROOT"), name, os.Args[1:]))
}

// play plays one command and returns its exit status. A command, or one of its
// verbs, that is not known here is one that the scripts must not use.
func play(root, name string, args []string) int {
	name = strings.TrimPrefix(name, "fake-")
	f, err := os.OpenFile(root+"/calls", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(f, strings.ReplaceAll(strings.Join(append([]string{name}, args...), " "), root, ""))
	_ = f.Close()
	switch name {
	case "systemctl":
		return playSystemctl(root, args)
	case "rc-service":
		return playService(root, args)
	case "rc-update":
		return 0
	case "install-engine": // somebody's own
		bin, _, _ := strings.Cut(os.Getenv("PATH"), ":")
		fakeEngine{Version: "28.5.2"}.install(root, bin)
		return 0
	case "dockerd":
		return playDockerd(root, args)
	case "apt-get", "apt-cache", "apt-mark", "dpkg", "dpkg-query", "dnf", "rpm", "zypper", "apk", "modprobe":
		return playInstall(root, name, args)
	}
	return complain(127, "no fake for "+name)
}

func complain(status int, text string) int {
	fmt.Fprintln(os.Stderr, text)
	return status
}

func playSystemctl(root string, args []string) int {
	if len(args) == 1 && args[0] == "is-system-running" {
		state, _ := os.ReadFile(root + "/system")
		fmt.Println(string(state))
		return 0
	}
	e := readEngine(root)
	defer func() { e.save(root) }()
	if len(args) == 1 && args[0] == "daemon-reload" {
		_, err := os.Stat(root + "/etc/systemd/system/docker.service.d/swarmup.conf")
		e.Given = err == nil
		return 0
	}
	if strings.Join(args, " ") == "show -p MainPID containerd.service" {
		pid := 0
		if _, err := os.Lstat(root + "/proc/4343/exe"); err == nil {
			pid = 4343
		}
		fmt.Printf("MainPID=%d\n", pid)
		return 0
	}
	if strings.Join(args, " ") == "restart containerd.service" {
		_ = os.Remove(root + "/proc/4343/exe")
		return 0
	}
	if strings.Join(args, " ") == "stop docker.socket docker.service" {
		e.disappear(root)
		return 0
	}
	if len(args) != 2 || args[1] != "docker.service" {
		return complain(1, "Unknown command verb or unit")
	}
	switch args[0] {
	case "enable", "reset-failed":
		return 0
	case "reload":
		if !e.Running {
			return complain(1, "docker.service is not active, cannot reload.")
		}
		e.reload(root)
		return 0
	case "restart":
		e.disappear(root)
	}
	if !startService(root, &e) {
		return complain(1, "Job for docker.service failed because the control process exited with error code.\nSee \"systemctl status docker.service\" and \"journalctl -xeu docker.service\" for details.")
	}
	return 0
}

// startService starts an engine that does not run, and logs why it does not start.
func startService(root string, e *fakeEngine) bool {
	if e.Running {
		return true
	}
	if e.Booting {
		e.Running, e.Booting = true, false
		e.appear(root, 4242)
		return true
	}
	if err := e.start(root); err != nil {
		e.log(root, err.Error())
		return false
	}
	e.appear(root, 4242)
	e.inherit(root)
	return true
}

func playService(root string, args []string) int {
	e := readEngine(root)
	defer func() { e.save(root) }()
	switch strings.Join(args, " ") {
	case "docker reload":
		e.reload(root)
		return 0
	case "containerd restart":
		_ = os.Remove(root + "/proc/4343/exe")
		return 0
	case "docker restart":
		e.disappear(root)
	case "docker start":
	default:
		return complain(1, "rc-service: unknown")
	}
	if !startService(root, &e) {
		return complain(1, " * ERROR: docker failed to start")
	}
	return 0
}

// playDockerd checks a file, or is a dockerd: then it is a real process that real
// signals reach.
func playDockerd(root string, args []string) int {
	e := readEngine(root)
	if len(args) == 3 && args[0] == "--validate" {
		if !knowsValidate(e.Version) {
			return complain(125, "Status: unknown flag: --validate")
		}
		if _, err := e.check(args[2]); err != nil {
			return complain(1, fmt.Sprintf("unable to configure the Docker daemon with file %s: %s", strings.TrimPrefix(args[2], root), err))
		}
		return complain(0, "configuration OK")
	}
	e.Flags = args
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	if err := e.start(root); err != nil {
		return complain(1, err.Error())
	}
	e.appear(root, os.Getpid())
	e.save(root)
	for s := range signals {
		if s == syscall.SIGTERM {
			break
		}
		e.reload(root)
		e.save(root)
	}
	e.disappear(root)
	e.save(root)
	return 0
}
