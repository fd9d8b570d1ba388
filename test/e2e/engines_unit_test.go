package e2e

import "testing"

func TestMachinesGetTheEngineThatWasAskedFor(t *testing.T) {
	const file = "name: a\nprovider: docker\nmanagers: [{name: m, count: 2}]\nworkers:\n  - {name: w, labels: {zone: a}}\n  - {name: x, machine: {image: own}}\n"
	for _, tt := range []struct{ engine, file, want string }{
		{"", file, file},
		{"20.10", file, "name: a\nprovider: {docker: {image: \"swarmup-node:bookworm\"}}\nmanagers: [{name: m, count: 2}]\nworkers:\n  - {name: w, labels: {zone: a}}\n  - {name: x, machine: {image: own}}\n"},
		{"mixed", "provider: ssh\n", "provider: ssh\n"},
		{"mixed", file, `name: a
provider: docker
managers: [{name: m1, machine: {image: 'swarmup-node:sid'}}, {name: m2, machine: {image: 'swarmup-node:bookworm'}}]
workers:
    - {name: w, labels: {zone: a}, machine: {image: 'swarmup-node:trixie'}}
    - {name: x, machine: {image: own}}
`},
	} {
		of, err := images(tt.engine)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := equip(tt.file, of); err != nil || got != tt.want {
			t.Errorf("%s: %v\n got %s\nwant %s", tt.engine, err, got, tt.want)
		}
	}
	if _, err := images("19.03"); err == nil {
		t.Error("no error for an engine that there is no image of")
	}
}
