package bootstrap

import (
	"strings"
	"testing"
)

// Lines as dockerd writes them: 20.10 and 28.5 at a start and at a reload.
const (
	noise    = `time="2026-11-22T10:00:00.000000001Z" level=error msg="Error getting services: This node is not a swarm manager."`
	plain    = `unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any configuration option: foo`
	bare     = `invalid logging level: nonsense`
	failed   = `failed to start daemon: Error initializing network controller: x`
	fatal    = `time="2026-11-22T10:00:00.1Z" level=fatal msg="Error validating authorization plugin: plugin \"x\" not found"`
	conflict = `time="2026-11-22T10:00:00.1Z" level=error msg="the following directives are specified both as a flag and in the configuration file: labels: (from flag: [a=b], from file: [c=d])"`
	caused   = `time="2026-11-22T10:00:00.1Z" level=error msg="Error reconfiguring the daemon" error="conflict labels for a=1 and a=2"`
	took     = `time="2026-11-22T10:00:00.1Z" level=info msg="Reloaded configuration: {\"labels\":[\"a=b\"]}"`
	word     = `time=x level=error msg=reload`
)

func TestWhatTheLogSays(t *testing.T) {
	tests := []struct {
		name          string
		lines         string
		start, reload string
		took          bool
	}{
		{name: "nothing"},
		{name: "noise", lines: noise},
		{name: "a bad file at a start", lines: noise + "\n" + plain + "\n" + noise, start: plain},
		{name: "the last of two starts", lines: plain + "\n" + failed, start: failed},
		{name: "a fatal line", lines: fatal, start: `Error validating authorization plugin: plugin "x" not found`},
		{name: "a start that ends in words of its own", lines: noise + "\n" + bare + "\n", start: bare},
		{name: "a reload with a conflict", lines: conflict + "\n" + noise,
			reload: `the following directives are specified both as a flag and in the configuration file: labels: (from flag: [a=b], from file: [c=d])`},
		{name: "a reload whose cause stands by itself", lines: caused, reload: "Error reconfiguring the daemon: conflict labels for a=1 and a=2"},
		{name: "a reload that went well", lines: noise + "\n" + took, took: true},
		{name: "a message without quotes", lines: word, reload: "reload"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lines := strings.Split(tt.lines, "\n")
			if got := startReason(lines); got != tt.start {
				t.Errorf("start: got %q, want %q", got, tt.start)
			}
			if got := reloadReason(lines); got != tt.reload {
				t.Errorf("reload: got %q, want %q", got, tt.reload)
			}
			if got := reloaded(lines); got != tt.took {
				t.Errorf("reloaded: got %v, want %v", got, tt.took)
			}
		})
	}
}
