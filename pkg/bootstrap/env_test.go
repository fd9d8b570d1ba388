package bootstrap

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/daemon"
)

const dropIn = "/etc/systemd/system/docker.service.d/swarmup.conf"

// environ is the environment of the engine's process.
func (m *machine) environ() map[string]string {
	m.t.Helper()
	return daemon.ParseEnviron([]byte(m.read("/proc/4242/environ")))
}

// setEnv sets the environment and returns what came of it.
func (m *machine) setEnv(member bool, kv ...string) (daemon.Effect, error) {
	m.t.Helper()
	env := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		env[kv[i]] = kv[i+1]
	}
	return Configure(m.t.Context(), m, Settings{Live: m.live, Env: env, Member: member, AllowRestart: !member})
}

func TestTheEnginesEnvironment(t *testing.T) {
	t.Parallel()
	const odd = `http://u:p$x` + "`id`" + `\"'%40 @h:1/`
	eachShell(t, func(t *testing.T, m *machine) {
		m.systemd()
		m.install(fakeEngine{Version: "28.5.2"})
		m.write("/etc/systemd/system/docker.service.d/theirs.conf", "[Service]\n")
		m.boot()
		for range 2 {
			if _, err := m.setEnv(false, "HTTPS_PROXY", odd, "EMPTY", ""); err != nil {
				t.Fatal(err)
			}
			if got, ok := m.environ()["EMPTY"]; m.environ()["HTTPS_PROXY"] != odd || !ok || got != "" {
				t.Errorf("the engine has %q", m.environ())
			}
		}
		if n := strings.Count(m.read("/calls"), "systemctl restart"); n != 1 {
			t.Errorf("%d restarts, want 1", n)
		}
		if i, err := os.Stat(m.root + envFile); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v, want mode 0600", i, err)
		}
		if strings.Contains(m.read(dropIn), "p$x") {
			t.Error("the drop-in, which all may read, holds the value")
		}
		if _, err := m.setEnv(false); err != nil {
			t.Fatal(err)
		}
		if m.read(envFile) != "none" || m.read(dropIn) != "none" || m.environ()["HTTPS_PROXY"] != "" {
			t.Errorf("left: %s, %s, %q", m.read(envFile), m.read(dropIn), m.environ())
		}
		if m.read("/etc/systemd/system/docker.service.d/theirs.conf") == "none" {
			t.Error("a drop-in of others is gone")
		}
	})
}

func TestOneRestartDoesForFileAndEnvironment(t *testing.T) {
	m := running(t, "/bin/sh", theirs, fakeEngine{})
	did, err := Configure(t.Context(), m, Settings{
		Live: m.live, AllowRestart: true, Env: map[string]string{"A": "b"}, Want: daemon.Want{Keys: map[string]any{"mtu": 1400}},
	})
	if err != nil || did != daemon.Restart || m.environ()["A"] != "b" || readEngine(m.root).Keys["mtu"] != "1400" {
		t.Errorf("got %s, %v, %q", did, err, m.environ())
	}
	if n := strings.Count(m.read("/calls"), "systemctl restart"); n != 1 {
		t.Errorf("%d restarts, want 1", n)
	}
}

func TestAMembersEnvironment(t *testing.T) {
	m := running(t, "/bin/sh", "", fakeEngine{})
	if _, err := m.setEnv(false, "HTTPS_PROXY", "http://p", "NO_PROXY", "a"); err != nil {
		t.Fatal(err)
	}
	m.write("/calls", "")
	_, err := m.setEnv(true, "HTTPS_PROXY", "http://q", "NO_PROXY", "a")
	var needed *RestartNeededError
	if !errors.As(err, &needed) || err.Error() != "configure engine: a restart is needed for env.HTTPS_PROXY" || strings.Contains(m.read(envFile), "http://q") {
		t.Errorf("another proxy: got %v, %s", err, m.read(envFile))
	}
	for range 2 {
		did, err := m.setEnv(true, "HTTPS_PROXY", "http://p", "NO_PROXY", "a,b")
		if err != nil || did != daemon.None || !strings.Contains(m.read(envFile), `NO_PROXY="a,b"`) || m.environ()["NO_PROXY"] != "a" {
			t.Errorf("more hosts that need no proxy: got %s, %v, %s", did, err, m.read(envFile))
		}
	}
	if strings.Contains(m.read("/calls"), "restart") {
		t.Errorf("a member was restarted: %s", m.read("/calls"))
	}
}

func TestUnconfigureTakesTheEnvironmentBack(t *testing.T) {
	m := running(t, "/bin/sh", "", fakeEngine{})
	if _, err := m.setEnv(false, "A", "b"); err != nil {
		t.Fatal(err)
	}
	m.write("/calls", "")
	if err := Unconfigure(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if m.read(envFile) != "none" || m.read(dropIn) != "none" || strings.Contains(m.read("/calls"), "restart") {
		t.Errorf("left: %s, %s; did %s", m.read(envFile), m.read(dropIn), m.read("/calls"))
	}
}

func TestTheEnvironmentOnOpenRC(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		const own = "DOCKER_OPTS=--debug\n"
		m.openrc()
		m.install(fakeEngine{Version: "28.5.2"})
		m.write("/etc/conf.d/docker", own)
		m.boot()
		for range 2 {
			if _, err := m.setEnv(false, "A", "b"); err != nil || m.environ()["A"] != "b" {
				t.Fatalf("got %v, %q", err, m.environ())
			}
		}
		if got := m.read("/etc/conf.d/docker"); !strings.HasPrefix(got, own) || strings.Count(got, "swarmup begin") != 1 {
			t.Errorf("conf.d: %s", got)
		}
		if _, err := m.setEnv(false); err != nil || m.read("/etc/conf.d/docker") != own || m.environ()["A"] != "" {
			t.Errorf("got %v, %s, %q", err, m.read("/etc/conf.d/docker"), m.environ())
		}
	})
}

func TestAnEngineThatNothingLooksAfterGetsNoEnvironment(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.must(os.MkdirAll(m.root+"/etc/docker", fs.FileMode(0o755)))
	_, err := Configure(t.Context(), m, Settings{Env: map[string]string{"A": "b"}})
	if want := "configure engine: set environment: no service manager gives the engine its environment: systemd and OpenRC do"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
