package bootstrap

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// TestWhatDockerdDoesNotTakeIsTakenBack looks at the error, and that the machine
// is as it was.
func TestWhatDockerdDoesNotTakeIsTakenBack(t *testing.T) {
	t.Parallel()
	unknown := daemon.Want{Keys: map[string]any{"foo": 1}, Labels: map[string]string{"role": "mgr"}}
	tests := []struct {
		name   string
		file   string
		owned  string // swarmup.json
		engine fakeEngine
		want   daemon.Want
		err    string
	}{
		{"a new engine says so before anything is written", theirs, "", fakeEngine{}, unknown,
			"configure engine: check daemon.json: dockerd: unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: foo"},
		{"an old engine when it is restarted", theirs, "", fakeEngine{Version: "20.10.24"}, unknown,
			"configure engine: restart engine: dockerd: unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: foo; daemon.json is as it was"},
		{"a first file, likewise", "", "", fakeEngine{Version: "20.10.24"}, unknown,
			"configure engine: restart engine: dockerd: unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: foo; daemon.json is as it was"},
		{"a flag that is in the way of a reload", theirs, "", fakeEngine{Version: "20.10.24", Flags: []string{"--label=x=y"}}, role("mgr"),
			"configure engine: reload engine: dockerd: the following directives are specified both as a flag and in the configuration file: labels; daemon.json is as it was"},
		{"a reload that nothing comes of", theirs, "", fakeEngine{Version: "20.10.24", Deaf: true}, role("mgr"),
			"configure engine: reload engine: wait for the engine to take over daemon.json: not within 5s: it shows another labels.role"},
		{"a label that does not go", `{"labels": ["a=1"]}`, `{"labels": ["a"]}`, fakeEngine{Version: "20.10.24", Deaf: true}, daemon.Want{},
			"configure engine: reload engine: wait for the engine to take over daemon.json: not within 5s: it shows another labels.a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := running(t, "/bin/sh", tt.file, tt.engine)
			m.write(ownedFile, tt.owned)
			before, was := readEngine(m.root), m.read(daemonFile)
			synctest.Test(t, func(t *testing.T) {
				s := m.settings(tt.want)
				s.AllowRestart = true
				// As on a machine that hides the command lines of processes.
				m.write("/proc/4242/cmdline", "")
				_, err := Configure(t.Context(), m, s)
				if err == nil || err.Error() != tt.err {
					t.Errorf("got %v\nwant %s", err, tt.err)
				}
			})
			if got := m.read(daemonFile); got != was {
				t.Errorf("daemon.json: got %s, want %s", got, was)
			}
			if d := cmp.Diff(parseOwned(t, tt.owned), parseOwned(t, m.read(ownedFile))); d != "" {
				t.Errorf("owned (-want +got):\n%s", d)
			}
			if d := cmp.Diff(before, readEngine(m.root)); d != "" {
				t.Errorf("engine (-before +after):\n%s", d)
			}
		})
	}
}

func parseOwned(t *testing.T, content string) daemon.Owned {
	t.Helper()
	o, err := daemon.ParseOwned([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAnEngineThatDoesNotStartSaysWhy(t *testing.T) {
	for _, kind := range []string{"systemd", "openrc"} {
		t.Run(kind, func(t *testing.T) {
			eachShell(t, func(t *testing.T, m *machine) {
				if kind == "systemd" {
					m.systemd()
				} else {
					m.openrc()
				}
				m.install(fakeEngine{Version: "28.5.2", Broken: "Error initializing network controller: no iptables"})
				err := EnsureRunning(t.Context(), m)
				want := "start engine: dockerd: failed to start daemon: Error initializing network controller: no iptables"
				if !isRefused(err) || err.Error() != want {
					t.Errorf("got %v\nwant %s", err, want)
				}
			})
		})
	}
}

func TestAnEngineThatStartsButDoesNotAnswer(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.systemd()
	m.install(fakeEngine{Version: "28.5.2"})
	m.tool("docker", "echo 'Cannot connect' >&2; exit 1")
	synctest.Test(t, func(t *testing.T) {
		err := EnsureRunning(t.Context(), m)
		if want := "start engine: wait for the engine to answer: not within 1m0s: Cannot connect"; err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	})
}
