package cluster_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAnEngineIsInstalledInTheVersionOfTheFile(t *testing.T) {
	for _, tt := range []struct{ name, engine, command, err string }{
		{"", "{}", "apt install --allow-change-held-packages docker-ce=5:28.5.2-1~debian.12~bookworm", ""},
		{"a prefix", `{version: "28"}`, "apt install --allow-change-held-packages docker-ce=5:28.5.2-1~debian.12~bookworm", ""},
		{"the distribution's", "{install: distro}", "apt install docker.io", ""},
		{"one that is not there", `{version: "27.5"}`, "", "https://download.docker.com/linux/debian has no docker-ce 27.5: it has 28.5.2"},
		{"a script that is not there", "{install: ./nowhere/install.sh}", "", "read install script: open "},
		{"a key that is not there", "{repository: {key: nowhere.asc}}", "", "read the repository's key: open "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: m}]\nengine: " + tt.engine)
				err := w.try()
				if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want %s", err, tt.err)
				}
				if tt.command != "" && !slices.ContainsFunc(w.of("m").commands, func(c string) bool { return strings.HasPrefix(c, tt.command) }) {
					t.Errorf("%q was not run: %q", tt.command, w.of("m").commands)
				}
			})
		})
	}
}

func TestAScriptOfTheUsersInstalls(t *testing.T) {
	in(t, func(w *world) {
		script := filepath.Join(t.TempDir(), "install.sh")
		if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.file("managers: [{name: m}]\nengine: {version: '28.5', install: " + script + "}")
		w.apply()
		if got := w.of("m").commands; !slices.Contains(got, "custom") {
			t.Errorf("the script was not run: %q", got)
		}
	})
}

func TestThePackageManagerGetsTheEnginesProxies(t *testing.T) {
	in(t, func(w *world) {
		w.file("managers: [{name: m}]\nengine: {env: {HTTPS_PROXY: 'http://ann:hunter2@proxy:3128', NO_PROXY: .local, OTHER: x}}")
		w.apply()
		got := w.of("m").read("/proxies")
		for _, line := range []string{"HTTPS_PROXY=http://ann:hunter2@proxy:3128\n", "https_proxy=http://ann:hunter2@proxy:3128\n", "NO_PROXY=.local,"} {
			if !strings.Contains(got, line) {
				t.Errorf("%q is not in %q", line, got)
			}
		}
		if strings.Contains(got, "OTHER") || strings.Contains(strings.Join(w.of("m").commands, "\n"), "hunter2") {
			t.Errorf("it was told %q, by commands %q", got, w.of("m").commands)
		}
	})
}
