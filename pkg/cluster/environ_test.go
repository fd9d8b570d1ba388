package cluster_test

import (
	"strings"
	"testing"
)

const envFile = "/etc/docker/swarmup.env"

// environment is what an engine gets from its service manager.
type environment struct {
	given   bool   // the service manager gives it the environment file
	environ string // that of its process, NAME=VALUE\x00 each
}

func (m *machine) give(on bool) {
	if m.given = on; !on {
		delete(m.files, envFile)
	}
}

// inherit is the start of an engine's process. The file has lines NAME="VALUE",
// here without anything that has to be escaped.
func (m *machine) inherit() {
	m.environ = ""
	for line := range strings.Lines(m.files[envFile]) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && m.given {
			m.environ += name + "=" + strings.Trim(value, `"`) + "\x00"
		}
	}
}

func (a answer) envFacts() {
	if _, ok := a.files[envFile]; !ok {
		return
	}
	a.content("env", envFile)
	if a.given {
		a.blob("hooked", "yes\n")
	}
	if a.running {
		a.blob("environ", "PATH=/bin\x00"+a.environ)
	}
}

// variable gives one of the engine's process.
func (m *machine) variable(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for entry := range strings.SplitSeq(m.environ, "\x00") {
		if n, v, _ := strings.Cut(entry, "="); n == name {
			return v
		}
	}
	return ""
}

const behindAProxy = "engine: {env: {HTTPS_PROXY: 'http://p:3128', NO_PROXY: '.local,10.0.0.1'}}\n"

func TestEveryEngineKnowsAllNodesBeforeItJoins(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w, count: 2}]\n" + behindAProxy)
		w.apply()
		for _, n := range w.net.Nodes() {
			m := w.of(n.Hostname)
			if got := m.variable("HTTPS_PROXY"); got != "http://p:3128" {
				t.Errorf("%s has the proxy %q", n.Hostname, got)
			}
			const want = ".local,10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5"
			if got := m.variable("NO_PROXY"); got != want || m.variable("no_proxy") != want {
				t.Errorf("%s goes without a proxy to %s, want %s", n.Hostname, got, want)
			}
		}
		if got := w.steps(); got != "" {
			t.Errorf("a second plan: %s", got)
		}
	})
}

func TestMembersAreToldOfNewNodesAndNotRestarted(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]\n" + behindAProxy)
		w.apply()
		w.net.ResetMargin()
		w.file("managers: [{name: a}]\nworkers: [{name: b}]\n" + behindAProxy)
		w.apply()
		a, b := w.of("a"), w.of("b")
		if got := a.read(envFile); !strings.Contains(got, `NO_PROXY=".local,10.0.0.1,10.0.0.2"`) {
			t.Errorf("the member's file: %s", got)
		}
		if a.variable("NO_PROXY") != ".local,10.0.0.1" || b.variable("NO_PROXY") != ".local,10.0.0.1,10.0.0.2" {
			t.Errorf("the engines have %q and %q", a.variable("NO_PROXY"), b.variable("NO_PROXY"))
		}
		if got := w.steps(); got != "" {
			t.Errorf("a second plan: %s", got)
		}
	})
}

func TestAMembersProxyComesWithARestart(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: a}]")
		w.apply()
		w.net.ResetMargin()
		w.file("managers: [{name: a}]\n" + behindAProxy)
		if got := w.steps(); got != "restart/a" {
			t.Errorf("got %s", got)
		}
		w.apply()
		if got := w.of("a").variable("HTTPS_PROXY"); got != "http://p:3128" {
			t.Errorf("the engine has the proxy %q", got)
		}
	})
}
