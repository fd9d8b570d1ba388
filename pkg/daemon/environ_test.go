package daemon_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/daemon"
)

func TestDiffEnv(t *testing.T) {
	const proxy, no = "HTTPS_PROXY", "NO_PROXY"
	env := func(kv ...string) map[string]string { return labels(kv...) }
	tests := []struct {
		name   string
		want   map[string]string
		have   daemon.Environ
		member bool
		patch  daemon.EnvPatch
	}{
		{name: "nothing wanted and nothing there"},
		{name: "a machine whose engine does not run", want: env(proxy, "p"), patch: daemon.EnvPatch{Write: []string{proxy}}},
		{name: "an engine that runs", want: env(proxy, "p"), have: daemon.Environ{Running: env("PATH", "/bin")},
			patch: daemon.EnvPatch{Write: []string{proxy}, Restart: []string{proxy}}},
		{name: "all is right", want: env(proxy, "p"), have: daemon.Environ{File: env(proxy, "p"), Hooked: true, Running: env(proxy, "p")}},
		{name: "written and never given to the engine", want: env(proxy, "p"), have: daemon.Environ{File: env(proxy, "p"), Running: env()},
			patch: daemon.EnvPatch{Write: []string{proxy}, Restart: []string{proxy}}},
		{name: "given to the engine and never started with", want: env(proxy, "p"), have: daemon.Environ{File: env(proxy, "p"), Hooked: true, Running: env()},
			patch: daemon.EnvPatch{Restart: []string{proxy}}},
		{name: "ours and not wanted", have: daemon.Environ{File: env(proxy, "p"), Hooked: true, Running: env(proxy, "p")},
			patch: daemon.EnvPatch{Write: []string{proxy}, Restart: []string{proxy}}},
		{name: "ours and not wanted, and the engine has another's", have: daemon.Environ{File: env(proxy, "p"), Hooked: true, Running: env(proxy, "theirs")},
			patch: daemon.EnvPatch{Write: []string{proxy}}},
		{name: "a member's list of exceptions takes no restart", member: true, want: env(proxy, "p", no, "a,b"),
			have:  daemon.Environ{File: env(proxy, "p", no, "a"), Hooked: true, Running: env(proxy, "p", no, "a")},
			patch: daemon.EnvPatch{Write: []string{no}}},
		{name: "and once it is written there is nothing to do", member: true, want: env(proxy, "p", no, "a,b"),
			have: daemon.Environ{File: env(proxy, "p", no, "a,b"), Hooked: true, Running: env(proxy, "p", no, "a")}},
		{name: "a host that is no member gets it by a restart", want: env(no, "a,b"),
			have:  daemon.Environ{File: env(no, "a,b"), Hooked: true, Running: env(no, "a")},
			patch: daemon.EnvPatch{Restart: []string{no}}},
		{name: "a member's proxy takes one", member: true, want: env(proxy, "q"), have: daemon.Environ{File: env(proxy, "p"), Hooked: true, Running: env(proxy, "p")},
			patch: daemon.EnvPatch{Write: []string{proxy}, Restart: []string{proxy}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.have.Up = tt.have.Running != nil
			if d := cmp.Diff(tt.patch, daemon.DiffEnv(tt.want, tt.have, tt.member)); d != "" {
				t.Errorf("want-, got+:\n%s", d)
			}
		})
	}
}

func TestAnEnvironmentIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		env := rapid.MapOf(rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,9}`), rapid.StringMatching(`[ -~äß]{0,30}`)).Draw(t, "environment")
		if d := cmp.Diff(env, daemon.ParseEnv(daemon.EncodeEnv(env))); d != "" {
			t.Error(d)
		}
	})
	if daemon.ParseEnv(nil) != nil || daemon.ParseEnviron(nil) != nil {
		t.Error("no file is not an empty one")
	}
}

func TestAShellReadsTheEnvironmentAsItWasWritten(t *testing.T) {
	odd := `http://u:p$x` + "`id`" + `\"'%40 @h:1/`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `set -a; eval "$(cat)"; printf %s "$A"`)
	cmd.Stdin = strings.NewReader(string(daemon.EncodeEnv(labels("A", odd))))
	if out, err := cmd.Output(); err != nil || string(out) != odd {
		t.Errorf("got %q, %v, want %q", out, err, odd)
	}
}

func TestParseEnviron(t *testing.T) {
	got := daemon.ParseEnviron([]byte("A=b\x00HTTPS_PROXY=http://u:p=@h\x00odd\x00"))
	if d := cmp.Diff(labels("A", "b", "HTTPS_PROXY", "http://u:p=@h"), got); d != "" {
		t.Error(d)
	}
}
