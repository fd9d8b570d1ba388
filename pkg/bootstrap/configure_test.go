package bootstrap

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// running gives a machine with systemd whose engine runs by a daemon.json.
func running(t *testing.T, shell, file string, e fakeEngine) *machine {
	t.Helper()
	m := newMachine(t, shell)
	m.systemd()
	if e.Version == "" {
		e.Version = "28.5.2"
	}
	m.install(e)
	if file != "" {
		m.write(daemonFile, file)
	}
	if broken := e.Broken; broken == "" {
		m.boot()
	}
	return m
}

// boot starts the engine as a boot does.
func (m *machine) boot() {
	m.t.Helper()
	e := readEngine(m.root)
	m.must(e.start(m.root))
	e.appear(m.root, 4242)
	e.save(m.root)
}

// booting starts the engine and stops right after it has read its file.
func (m *machine) booting() {
	m.t.Helper()
	e := readEngine(m.root)
	m.must(e.start(m.root))
	e.Running, e.Booting = false, true
	e.save(m.root)
}

func (m *machine) settings(w daemon.Want) Settings { return Settings{Want: w, Live: m.live} }

func role(v string) daemon.Want { return daemon.Want{Labels: map[string]string{"role": v}} }

const theirs = "{\n  \"debug\": true\n}\n"

func TestConfigureOnEveryKindOfMachine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		make func(m *machine)
		want daemon.Want
		did  string
	}{
		{"systemd reloads", func(m *machine) { m.systemd(); m.install(fakeEngine{Version: "28.5.2"}); m.boot() },
			role("mgr"), "dockerd --validate --config-file /etc/docker/daemon.json.swarmup, systemctl reload docker.service"},
		{"an old engine does not know how to check a file", func(m *machine) { m.systemd(); m.install(fakeEngine{Version: "20.10.24+dfsg1"}); m.boot() },
			role("mgr"), "systemctl reload docker.service"},
		{"systemd restarts", func(m *machine) { m.systemd(); m.install(fakeEngine{Version: "20.10.24"}); m.boot() },
			daemon.Want{Keys: map[string]any{"log-driver": "local"}, Labels: map[string]string{"role": "mgr"}},
			"systemctl reset-failed docker.service, systemctl enable docker.service, systemctl restart docker.service, docker -H unix:///var/run/docker.sock version"},
		{"a stopped engine is started", func(m *machine) { m.systemd(); m.install(fakeEngine{Version: "20.10.24"}) },
			role("mgr"),
			"systemctl reset-failed docker.service, systemctl enable docker.service, systemctl start docker.service, docker -H unix:///var/run/docker.sock version"},
		{"an engine that was booting had read the old file", func(m *machine) { m.systemd(); m.install(fakeEngine{Version: "20.10.24"}); m.booting() },
			role("mgr"),
			"systemctl reset-failed docker.service, systemctl enable docker.service, systemctl start docker.service, docker -H unix:///var/run/docker.sock version, systemctl reload docker.service"},
		{"an engine that was booting is restarted where a reload is not enough", func(m *machine) { m.systemd(); m.install(fakeEngine{Version: "20.10.24"}); m.booting() },
			daemon.Want{Keys: map[string]any{"log-driver": "local"}, Labels: map[string]string{"role": "mgr"}},
			"systemctl reset-failed docker.service, systemctl enable docker.service, systemctl restart docker.service, docker -H unix:///var/run/docker.sock version"},
		{"OpenRC reloads", func(m *machine) { m.openrc(); m.install(fakeEngine{Version: "20.10.24"}); m.boot() },
			role("mgr"), "rc-service docker reload"},
		{"OpenRC restarts", func(m *machine) { m.openrc(); m.install(fakeEngine{Version: "20.10.24"}); m.boot() },
			daemon.Want{Keys: map[string]any{"mtu": 1400}, Labels: map[string]string{"role": "mgr"}},
			"rc-service docker restart, docker -H unix:///var/run/docker.sock version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, m *machine) {
				tt.make(m)
				s := m.settings(tt.want)
				s.AllowRestart = true
				if _, err := Configure(t.Context(), m, s); err != nil {
					t.Fatal(err)
				}
				e := readEngine(m.root)
				if got := e.Labels; !cmp.Equal(got, []string{"role=mgr"}) {
					t.Errorf("the engine shows %q", got)
				}
				for k := range tt.want.Keys {
					if e.Keys[k] == "" {
						t.Errorf("the engine does not work by %s", k)
					}
				}
				if got := strings.Join(m.calls(), ", "); got != tt.did {
					t.Errorf("did\n%s\nwant\n%s", got, tt.did)
				}
			})
		})
	}
}

func TestConfigureOnAMachineThatNothingLooksAfter(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		m.install(fakeEngine{Version: "20.10.24"})
		m.tool("sleep", "/bin/sleep 0.2") // dockerd is a real process here
		t.Cleanup(func() {
			m.killEngine()
			if t.Failed() {
				t.Log(m.read("/var/log/docker.log"))
			}
		})
		if err := EnsureRunning(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			want daemon.Want
			did  daemon.Effect
		}{
			{role("mgr"), daemon.Reload},
			{daemon.Want{Labels: map[string]string{"role": "mgr"}, Keys: map[string]any{"mtu": 1400}}, daemon.Restart},
			{daemon.Want{}, daemon.Restart},
		} {
			before := m.read("/run/docker.pid")
			s := m.settings(step.want)
			s.AllowRestart = true
			did, err := Configure(t.Context(), m, s)
			if err != nil || did != step.did {
				t.Fatalf("got %s, %v, want %s", did, err, step.did)
			}
			if restarted := m.read("/run/docker.pid") != before; restarted != (step.did == daemon.Restart) {
				t.Errorf("restarted: %v with effect %s", restarted, step.did)
			}
		}
	})
}

func TestConfigureTellsWhatItDidAndTheSecondTimeDoesNothing(t *testing.T) {
	eachShell(t, func(t *testing.T, m *machine) {
		m.systemd()
		m.install(fakeEngine{Version: "28.5.2"})
		m.write(daemonFile, theirs)
		m.boot()
		did, err := Configure(t.Context(), m, m.settings(role("mgr")))
		if err != nil || did != daemon.Reload {
			t.Fatalf("got %s, %v", did, err)
		}
		if got, want := m.read(daemonFile), "{\n  \"debug\": true,\n  \"labels\": [\n    \"role=mgr\"\n  ]\n}\n"; got != want {
			t.Errorf("daemon.json: got %s, want %s", got, want)
		}
		if got, want := m.read(ownedFile), "{\n  \"labels\": [\n    \"role\"\n  ]\n}\n"; got != want {
			t.Errorf("swarmup.json: got %s, want %s", got, want)
		}
		if got := m.read(daemonFile + ".swarmup-bak"); got != theirs {
			t.Errorf("backup: got %s, want %s", got, theirs)
		}
		m.write("/calls", "")
		puts := m.puts
		did, err = Configure(t.Context(), m, m.settings(role("mgr")))
		if err != nil || did != daemon.None || len(m.calls()) > 0 || m.puts != puts {
			t.Errorf("again: got %s, %v, %d writes, commands %q", did, err, m.puts-puts, m.calls())
		}
	})
}

func TestConfigureAdoptsWhatIsRightWithoutATrace(t *testing.T) {
	m := running(t, "/bin/sh", `{"labels": ["role=mgr"]}`, fakeEngine{})
	did, err := Configure(t.Context(), m, m.settings(role("mgr")))
	if err != nil || did != daemon.None || m.read(ownedFile) != "none" {
		t.Errorf("got %s, %v, record %s", did, err, m.read(ownedFile))
	}
}

func TestConfigureRestartsOnlyIfItMay(t *testing.T) {
	m := running(t, "/bin/sh", theirs, fakeEngine{})
	_, err := Configure(t.Context(), m, m.settings(daemon.Want{Keys: map[string]any{"mtu": 1400, "log-driver": "local"}, Labels: map[string]string{"a": "1"}}))
	var needed *RestartNeededError
	if !errors.As(err, &needed) || err.Error() != "configure engine: a restart is needed for log-driver, mtu" {
		t.Errorf("got %v", err)
	}
	if m.read(daemonFile) != theirs || m.read(ownedFile) != "none" || len(m.calls()) > 0 {
		t.Errorf("something was changed: %s, %q", m.read(daemonFile), m.calls())
	}
}

func TestConfigureFollowsALink(t *testing.T) {
	eachShell(t, func(t *testing.T, m *machine) {
		m.systemd()
		m.install(fakeEngine{Version: "28.5.2"})
		m.write("/srv/daemon.json", theirs)
		m.link(m.root+"/srv/daemon.json", daemonFile)
		m.boot()
		if _, err := Configure(t.Context(), m, m.settings(role("mgr"))); err != nil {
			t.Fatal(err)
		}
		if got := m.read("/srv/daemon.json"); !strings.Contains(got, "role=mgr") {
			t.Errorf("the file that the link leads to: %s", got)
		}
	})
}

func TestAReloadThatIsNotLoggedCounts(t *testing.T) {
	debug := daemon.Want{Keys: map[string]any{"debug": true}}
	for _, quiet := range []bool{false, true} {
		m := running(t, "/bin/sh", "", fakeEngine{Quiet: quiet})
		synctest.Test(t, func(t *testing.T) {
			did, err := Configure(t.Context(), m, m.settings(debug))
			if err != nil || did != daemon.Reload || readEngine(m.root).Keys["debug"] != "true" {
				t.Errorf("quiet %v: got %s, %v", quiet, did, err)
			}
		})
	}
}

func TestAFullDiskLeavesTheOldFile(t *testing.T) {
	for tool, condition := range map[string]string{
		"cat": `[ $# = 0 ]`,                                         // the new file beside the old one
		"cp":  `case $* in *swarmup-bak*) true ;; *) false ;; esac`, // the backup
	} {
		t.Run(tool, func(t *testing.T) {
			m := running(t, "/bin/sh", theirs, fakeEngine{})
			fill(m, tool, condition)
			_, err := Configure(t.Context(), m, m.settings(role("mgr")))
			if want := "configure engine: write /etc/docker/daemon.json: no space left on device"; err == nil || err.Error() != want {
				t.Errorf("got %v\nwant %s", err, want)
			}
			if m.read(daemonFile) != theirs || m.read(daemonFile+".swarmup") != "none" {
				t.Errorf("daemon.json: %s, beside it: %s", m.read(daemonFile), m.read(daemonFile+".swarmup"))
			}
			m.reachable()
			if did, err := Configure(t.Context(), m, m.settings(role("mgr"))); err != nil || did != daemon.Reload {
				t.Errorf("with room again: got %s, %v", did, err)
			}
		})
	}
}

func TestConfigureDoesNotTouchAFileItCannotRead(t *testing.T) {
	file := "{\n  // theirs\n  \"debug\": true\n}\n"
	m := running(t, "/bin/sh", "", fakeEngine{})
	m.write(daemonFile, file)
	_, err := Configure(t.Context(), m, m.settings(role("mgr")))
	if want := "configure engine: daemon.json:2:3: JSON has no comments"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if m.read(daemonFile) != file {
		t.Errorf("daemon.json: %s", m.read(daemonFile))
	}
}

func TestConfigureOnAMachineWithoutAnEngineWritesTheFile(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	did, err := Configure(t.Context(), m, Settings{Want: role("mgr")})
	if err != nil || did != daemon.Reload || !strings.Contains(m.read(daemonFile), "role=mgr") {
		t.Errorf("got %s, %v, %s", did, err, m.read(daemonFile))
	}
}

func TestAnInterruptEndsTheWaitAndKeepsTheRecord(t *testing.T) {
	m := running(t, "/bin/sh", theirs, fakeEngine{Deaf: true})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := m.settings(role("mgr"))
		asked := 0
		s.Live = func(ctx context.Context) (daemon.Live, error) {
			if asked++; asked == 3 {
				cancel(errors.New("interrupted"))
			}
			return m.live(ctx)
		}
		_, err := Configure(ctx, m, s)
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("got %v", err)
		}
	})
	e := readEngine(m.root)
	e.Deaf = false
	e.save(m.root)
	did, err := Configure(t.Context(), m, m.settings(role("mgr")))
	if err != nil || did != daemon.Reload || !cmp.Equal(readEngine(m.root).Labels, []string{"role=mgr"}) {
		t.Errorf("the next run: got %s, %v", did, err)
	}
}

func TestUnconfigureTakesBackOursAndLeavesTheirs(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		file := "{\n  \"labels\": [\n    \"theirs=1\"\n  ],\n  \"debug\": true\n}\n"
		m.systemd()
		m.install(fakeEngine{Version: "28.5.2"})
		m.write(daemonFile, file)
		m.boot()
		w := daemon.Want{Labels: map[string]string{"role": "mgr"}, RegistryMirrors: []string{"https://m"}, Keys: map[string]any{"mtu": 1400}}
		s := m.settings(w)
		s.AllowRestart = true
		if _, err := Configure(t.Context(), m, s); err != nil {
			t.Fatal(err)
		}
		started := strings.Count(m.read("/calls"), "systemctl restart")
		for range 2 {
			if err := Unconfigure(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if got := m.read(daemonFile); got != file {
				t.Errorf("daemon.json: got %s, want %s", got, file)
			}
		}
		for _, path := range []string{ownedFile, daemonFile + ".swarmup", daemonFile + ".swarmup-bak"} {
			if m.read(path) != "none" {
				t.Errorf("%s is still there", path)
			}
		}
		e := readEngine(m.root)
		if !cmp.Equal(e.Labels, []string{"theirs=1"}) || len(e.Mirrors) > 0 {
			t.Errorf("the engine shows %q, %q", e.Labels, e.Mirrors)
		}
		if strings.Count(m.read("/calls"), "systemctl restart") != started {
			t.Error("the engine was restarted")
		}
	})
}
