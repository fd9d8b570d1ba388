package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lockMistakes() []mistake {
	const ways = "write {key_file: PATH}, or {store_command: [...], load_command: [...]}"
	return []mistake{
		{"autolock without a store", "swarm: {autolock: true}" + onDocker,
			"1:19: swarm.autolock: true does not say where the key is kept, without which managers that restart are lost: " + ways},
		{"autolock with nothing in it", "swarm: {autolock: {}}" + onDocker,
			"1:19: swarm.autolock: does not say where the key is kept: " + ways},
		{"autolock with text", "swarm: {autolock: 'no'}" + onDocker,
			`1:19: swarm.autolock: wants false, or a map that says where the key is kept, found the text "no"`},
		{"autolock with a list", "swarm: {autolock: [./key]}" + onDocker,
			"1:19: swarm.autolock: wants false, or a map that says where the key is kept, found a list"},
		{"autolock with a file and a program", "swarm: {autolock: {key_file: k, load_command: [a]}}" + onDocker,
			"1:19: swarm.autolock: wants key_file, or store_command and load_command, not both"},
		{"autolock that only stores", "swarm: {autolock: {store_command: [a]}}" + onDocker,
			"1:19: swarm.autolock: wants both store_command and load_command: a key that cannot be loaded again unlocks nothing"},
		{"autolock that only loads", "swarm: {autolock: {load_command: [a]}}" + onDocker,
			"1:19: swarm.autolock: wants both store_command and load_command: a key that cannot be loaded again unlocks nothing"},
		{"autolock with a line of shell", "swarm: {autolock: {store_command: pass insert key, load_command: [a]}}" + onDocker,
			`1:35: swarm.autolock.store_command: wants a list, found the text "pass insert key"`},
		{"autolock with no program", "swarm: {autolock: {store_command: [], load_command: [a]}}" + onDocker,
			"1:35: swarm.autolock.store_command: names no program"},
		{"autolock with an unknown key", "swarm: {autolock: {keyfile: k}}" + onDocker,
			`1:20: swarm.autolock: unknown key "keyfile" (did you mean "key_file"?)`},
		{"a key file in a home that nobody has", "swarm: {autolock: {key_file: '~ann/k'}}" + onDocker,
			`1:30: swarm.autolock.key_file: "~ann/k": only ~ itself, the own home directory, is known`},
	}
}

func TestAutolockSaysWhereItsKeyIsKept(t *testing.T) {
	tests := []struct {
		name, swarm string
		want        *Autolock
	}{
		{"nothing is asked for", "{}", nil},
		{"it is off", "{autolock: false}", &Autolock{}},
		{"a file beside the file", "{autolock: {key_file: ./unlock.key}}", &Autolock{On: true, KeyFile: "/srv/swarm/unlock.key", Dir: "/srv/swarm"}},
		{"a file at home", "{autolock: {key_file: ~/k}}", &Autolock{On: true, KeyFile: "/home/ann/k", Dir: "/srv/swarm"}},
		{"programs, of which one is the user's", "{autolock: {store_command: [./keep, -n, ./x], load_command: [pass, show, k]}}", &Autolock{
			On: true, StoreCommand: []string{"/srv/swarm/keep", "-n", "./x"}, LoadCommand: []string{"pass", "show", "k"}, Dir: "/srv/swarm",
		}},
	}
	for _, tt := range tests {
		c := parse(t, "swarm: "+tt.swarm+onDocker)
		if diff := cmp.Diff(tt.want, c.Swarm.Autolock); diff != "" {
			t.Errorf("%s: want-, got+:\n%s", tt.name, diff)
		}
	}
}

func TestOnlyAnAutolockThatIsOnHasAStore(t *testing.T) {
	for _, tt := range []struct {
		a    *Autolock
		want bool
	}{{nil, false}, {&Autolock{}, false}, {&Autolock{On: true, KeyFile: "/k"}, true}, {&Autolock{On: true, LoadCommand: []string{"a"}}, true}} {
		if got := tt.a.Store(); got != tt.want {
			t.Errorf("%+v: got %t", tt.a, got)
		}
	}
}
