package daemon_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/daemon"
)

func labels(kv ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

func shows(kv ...string) daemon.Live { return daemon.Live{Known: true, Labels: labels(kv...)} }

func TestDiffAndApply(t *testing.T) {
	mine := func(names ...string) daemon.Owned { return daemon.Owned{Labels: names} }
	tests := []struct {
		name    string
		file    string
		owned   daemon.Owned
		live    daemon.Live
		want    daemon.Want
		changes []daemon.Change
		effect  daemon.Effect
		next    string // "" for the same
		after   daemon.Owned
	}{
		{name: "nothing wanted and nothing there is nothing to do", effect: daemon.None},
		{name: "a machine without a file gets one", want: daemon.Want{Labels: labels("role", "mgr")},
			changes: []daemon.Change{{Key: "labels.role", To: "mgr"}}, effect: daemon.Reload,
			next:  "{\n  \"labels\": [\n    \"role=mgr\"\n  ]\n}\n",
			after: mine("role")},
		{name: "keys of others keep their order, spelling and numbers",
			file:    "{\n\t\"log-opts\": {\"max-size\":  \"10m\"},\n\t\"mtu\": 1.450e3,\n\t\"unknown\": [1, 2]\n}\n",
			want:    daemon.Want{Labels: labels("a", "1")},
			changes: []daemon.Change{{Key: "labels.a", To: "1"}}, effect: daemon.Reload,
			next:  "{\n\t\"log-opts\": {\"max-size\":  \"10m\"},\n\t\"mtu\": 1.450e3,\n\t\"unknown\": [1, 2],\n\t\"labels\": [\n\t\t\"a=1\"\n\t]\n}\n",
			after: mine("a")},
		{name: "an equal value of others is not claimed, so that adopting changes nothing",
			file: `{"labels": ["env=prod"], "mtu": 1450}`, live: shows("env", "prod"),
			want:   daemon.Want{Labels: labels("env", "prod"), Keys: map[string]any{"mtu": 1450}},
			effect: daemon.None},
		{name: "another value is replaced and then ours",
			file: `{"labels": ["x=y", "env=dev"]}`, live: shows("x", "y", "env", "dev"),
			want:    daemon.Want{Labels: labels("env", "prod")},
			changes: []daemon.Change{{Key: "labels.env", From: "dev", To: "prod"}}, effect: daemon.Reload,
			next:  "{\n  \"labels\": [\n    \"x=y\",\n    \"env=prod\"\n  ]\n}\n",
			after: mine("env")},
		{name: "ours and not wanted goes, the last one leaves an empty list",
			file: `{"labels": ["a=1"]}`, owned: mine("a"), live: shows("a", "1"),
			changes: []daemon.Change{{Key: "labels.a", From: "1"}}, effect: daemon.Reload,
			next: "{\n  \"labels\": []\n}\n", after: daemon.Owned{Emptied: []string{"labels"}}},
		{name: "the list that we emptied stays known as ours", file: `{"labels": []}`, owned: daemon.Owned{Emptied: []string{"labels"}},
			live: shows(), effect: daemon.None, after: daemon.Owned{Emptied: []string{"labels"}}},
		{name: "a list that we emptied and others use again is theirs", file: `{"labels": ["b=2"]}`, owned: daemon.Owned{Emptied: []string{"labels"}},
			live: shows("b", "2"), effect: daemon.None},
		{name: "an empty list of others is theirs", file: `{"labels": []}`, live: shows(), effect: daemon.None},
		{name: "others' labels stay when ours go",
			file: `{"labels": ["a=1", "theirs=2"]}`, owned: mine("a"), live: shows("a", "1", "theirs", "2"),
			changes: []daemon.Change{{Key: "labels.a", From: "1"}}, effect: daemon.Reload,
			next: "{\n  \"labels\": [\n    \"theirs=2\"\n  ]\n}\n"},
		{name: "a file that is right but was never loaded is reloaded",
			file: `{"labels": ["a=2"]}`, owned: mine("a"), live: shows("a", "1"),
			want:    daemon.Want{Labels: labels("a", "2")},
			changes: []daemon.Change{{Key: "labels.a", From: "1", To: "2"}}, effect: daemon.Reload,
			after: mine("a")},
		{name: "ours that the engine still shows though the file is gone is taken off it",
			owned: mine("a"), live: shows("a", "1"),
			changes: []daemon.Change{{Key: "labels.a", From: "1"}}, effect: daemon.Reload,
			next: "{\n  \"labels\": []\n}\n", after: daemon.Owned{Emptied: []string{"labels"}}},
		{name: "a stopped engine is not asked", file: `{"labels": ["a=2"]}`, owned: mine("a"),
			want: daemon.Want{Labels: labels("a", "2")}, effect: daemon.None, after: mine("a")},
		{name: "a wanted label that the command line gives is left to it",
			live: shows("a", "1", "b", "2"), want: daemon.Want{Labels: labels("a", "1")}, effect: daemon.None},
		{name: "a key that takes a restart says so",
			file: `{"log-driver": "json-file"}`, want: daemon.Want{Keys: map[string]any{"log-driver": "local"}, Labels: labels("a", "1")},
			changes: []daemon.Change{{Key: "labels.a", To: "1"}, {Key: "log-driver", From: "json-file", To: "local"}}, effect: daemon.Restart,
			next:  "{\n  \"log-driver\": \"local\",\n  \"labels\": [\n    \"a=1\"\n  ]\n}\n",
			after: daemon.Owned{Keys: []string{"log-driver"}, Labels: []string{"a"}}},
		{name: "a key that a reload sets but does not unset takes a restart to go",
			file: `{"debug": true}`, owned: daemon.Owned{Keys: []string{"debug"}},
			changes: []daemon.Change{{Key: "debug", From: true}}, effect: daemon.Restart, next: "{}\n"},
		{name: "a key that a reload unsets too", file: `{"max-concurrent-downloads": 5}`, owned: daemon.Owned{Keys: []string{"max-concurrent-downloads"}},
			changes: []daemon.Change{{Key: "max-concurrent-downloads", From: json.Number("5")}}, effect: daemon.Reload, next: "{}\n"},
		{name: "lists and objects are compared by what they hold",
			file:   `{"dns": ["1.1.1.1", "8.8.8.8"], "log-opts": {"max-file": "3", "max-size": "10m"}, "features": {"x": true}}`,
			want:   daemon.Want{Keys: map[string]any{"dns": []string{"1.1.1.1", "8.8.8.8"}, "log-opts": map[string]any{"max-size": "10m", "max-file": "3"}, "features": map[string]bool{"x": true}}},
			effect: daemon.None},
		{name: "the order within a list counts", file: `{"dns": ["1.1.1.1", "8.8.8.8"]}`, want: daemon.Want{Keys: map[string]any{"dns": []string{"8.8.8.8", "1.1.1.1"}}},
			changes: []daemon.Change{{Key: "dns", From: []any{"1.1.1.1", "8.8.8.8"}, To: []any{"8.8.8.8", "1.1.1.1"}}}, effect: daemon.Restart,
			next: "{\n  \"dns\": [\n    \"8.8.8.8\",\n    \"1.1.1.1\"\n  ]\n}\n", after: daemon.Owned{Keys: []string{"dns"}}},
		{name: "a nil value is not wanted", want: daemon.Want{Keys: map[string]any{"debug": nil}}, effect: daemon.None},
		{name: "registries are known in every spelling",
			file:   `{"insecure-registries": ["10.1.2.3/16", "r:5000"], "registry-mirrors": ["https://m/"]}`,
			live:   daemon.Live{Known: true, InsecureRegistries: []string{"127.0.0.0/8", "10.1.0.0/16", "r:5000"}, RegistryMirrors: []string{"https://m/"}},
			want:   daemon.Want{InsecureRegistries: []string{"10.1.0.0/16", "http://r:5000"}, RegistryMirrors: []string{"https://m"}},
			effect: daemon.None},
		{name: "mirrors are put in order among those of others",
			file:    `{"registry-mirrors": ["https://b", "https://theirs", "https://a"]}`,
			want:    daemon.Want{RegistryMirrors: []string{"https://a", "https://b"}},
			changes: []daemon.Change{{Key: "registry-mirrors", From: "https://b https://a", To: "https://a https://b"}}, effect: daemon.Reload,
			next: "{\n  \"registry-mirrors\": [\n    \"https://a\",\n    \"https://theirs\",\n    \"https://b\"\n  ]\n}\n"},
		{name: "a wanted registry of the command line is left to it",
			live:   daemon.Live{Known: true, InsecureRegistries: []string{"r:5000"}, Flags: []string{"insecure-registries"}},
			want:   daemon.Want{InsecureRegistries: []string{"r:5000"}},
			effect: daemon.None},
		{name: "numbers are compared by value, great ones by their digits",
			file: `{"mtu": 1.450e3, "big": 9007199254740993}`, want: daemon.Want{Keys: map[string]any{"mtu": 1450, "big": 9007199254740992}},
			changes: []daemon.Change{{Key: "big", From: json.Number("9007199254740993"), To: json.Number("9007199254740992")}}, effect: daemon.Restart,
			next:  "{\n  \"mtu\": 1.450e3,\n  \"big\": 9007199254740992\n}\n",
			after: daemon.Owned{Keys: []string{"big"}}},
		{name: "a network that every engine shows is not missed when it goes",
			live:  daemon.Live{Known: true, InsecureRegistries: []string{"::1/128", "127.0.0.0/8"}},
			owned: daemon.Owned{InsecureRegistries: []string{"127.0.0.0/8"}}, effect: daemon.None},
		{name: "a byte order mark and an empty file are an empty object", file: "\xef\xbb\xbf \n",
			want:    daemon.Want{Keys: map[string]any{"debug": true}},
			changes: []daemon.Change{{Key: "debug", To: true}}, effect: daemon.Reload,
			next: "{\n  \"debug\": true\n}\n", after: daemon.Owned{Keys: []string{"debug"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var file []byte
			if tt.file != "" {
				file = []byte(tt.file)
			}
			p, err := daemon.Diff(file, tt.owned, tt.live, tt.want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(daemon.Patch{Changes: tt.changes, Effect: tt.effect}, p); d != "" {
				t.Errorf("Diff (-want +got):\n%s", d)
			}
			next, owned, err := daemon.Apply(file, tt.owned, tt.live, tt.want)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.next
			if want == "" {
				want = tt.file
			}
			if d := cmp.Diff(want, string(next)); d != "" {
				t.Errorf("Apply (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.after, owned); d != "" {
				t.Errorf("owned (-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatIsNotStrictJSONIsRefusedWhereItStands(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"a comment", "{\n  // labels\n  \"debug\": true\n}", "daemon.json:2:3: JSON has no comments"},
		{"a trailing comma", "{\n  \"debug\": true,\n}", "daemon.json:3:1: JSON allows no comma after the last element"},
		{"a trailing comma in a list", `{"dns": ["1.1.1.1", ]}`, "daemon.json:1:21: JSON allows no comma after the last element"},
		{"a repeated key", "{\"debug\": true,\n \"debug\": false}", `daemon.json:2:2: key "debug" is there twice`},
		{"a repeated key further in", "{\"a\": [{\"b\": {\"c\": 1,\n\"c\": 2}}]}", `daemon.json:2:1: key "c" is there twice`},
		{"no object", "\n [1]", "daemon.json:2:2: not a JSON object"},
		{"half a file", `{"debug": `, "daemon.json:1:10: unexpected end of JSON input"},
		{"two values", `{} {}`, "daemon.json:1:4: invalid character '{' after top-level value"},
		{"labels that are no list", `{"labels": {"a": "1"}}`, "daemon.json:1:12: labels: not a list of strings"},
		{"labels that are no strings", `{"labels": ["a=1", null]}`, "daemon.json:1:20: labels: not a list of strings"},
		{"one label twice", `{"labels": ["a=1", "a=2"]}`, `daemon.json:1:20: labels: "a" has two values`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := daemon.Diff([]byte(tt.file), daemon.Owned{}, daemon.Live{}, daemon.Want{})
			var fe *daemon.FileError
			if !errors.As(err, &fe) || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestWhatDockerdHasFromItsCommandLineIsNotWrittenIntoTheFile(t *testing.T) {
	tests := []struct {
		name string
		live daemon.Live
		want daemon.Want
		err  string
	}{
		{"labels that are guessed from what the engine shows", shows("env", "dev"), daemon.Want{Labels: labels("env", "prod")},
			`set "labels": the engine shows some that daemon.json does not hold (env=dev): take --label off dockerd's command line, if it is there, and restart the engine`},
		{"labels that are known to stand there", daemon.Live{Known: true, Labels: labels("env", "dev"), Flags: []string{"labels"}}, daemon.Want{Labels: labels("env", "prod")},
			`set "labels": it is on dockerd's command line (env=dev): take --label off it and restart the engine`},
		{"registries", daemon.Live{Known: true, Flags: []string{"insecure-registries"}}, daemon.Want{InsecureRegistries: []string{"r"}},
			`set "insecure-registries": it is on dockerd's command line: take --insecure-registry off it and restart the engine`},
		{"a key", daemon.Live{Flags: []string{"log-driver"}}, daemon.Want{Keys: map[string]any{"log-driver": "local"}},
			`set "log-driver": it is on dockerd's command line: take --log-driver off it and restart the engine`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := daemon.Diff(nil, daemon.Owned{}, tt.live, tt.want)
			var fe *daemon.FlagError
			if !errors.As(err, &fe) || err.Error() != tt.err {
				t.Errorf("got %v\nwant %s", err, tt.err)
			}
		})
	}
}

func TestEffectOf(t *testing.T) {
	tests := map[string]daemon.Effect{
		"labels": daemon.Reload, "labels.a.b": daemon.Reload, "registry-mirrors.https://m": daemon.Reload,
		"insecure-registries.r:5000": daemon.Reload, "debug": daemon.Reload, "max-concurrent-downloads": daemon.Reload,
		"log-driver": daemon.Restart, "data-root": daemon.Restart, "live-restore": daemon.Restart,
		"authorization-plugins": daemon.Restart, "never-heard-of": daemon.Restart,
	}
	for key, want := range tests {
		if got := daemon.EffectOf(key); got != want {
			t.Errorf("EffectOf(%q): got %s, want %s", key, got, want)
		}
	}
}

func TestFlagKeys(t *testing.T) {
	args := []string{"/usr/bin/dockerd", "-H", "fd://", "--containerd=/run/c.sock", "--label", "a=b", "--label=c=d",
		"--insecure-registry=r", "--registry-mirror", "https://m", "--add-runtime=x=/y", "--log-opt", "max-size=1m", "--debug", "-D", "--"}
	want := []string{"containerd", "debug", "hosts", "insecure-registries", "labels", "log-opts", "registry-mirrors", "runtimes"}
	if d := cmp.Diff(want, daemon.FlagKeys(args)); d != "" {
		t.Error(d)
	}
	if got := daemon.FlagKeys(nil); got == nil || len(got) != 0 {
		t.Errorf("no command line: got %#v, want an empty list", got)
	}
}

func TestAListOfTheFileHasNoPlaceAmongTheKeys(t *testing.T) {
	_, err := daemon.Diff(nil, daemon.Owned{}, daemon.Live{}, daemon.Want{Keys: map[string]any{"labels": []string{"a=b"}}})
	if err == nil || err.Error() != `set "labels": it has a field of its own` {
		t.Errorf("got %v", err)
	}
}

func TestAValueThatIsNotJSONIsRefused(t *testing.T) {
	_, err := daemon.Diff(nil, daemon.Owned{}, daemon.Live{}, daemon.Want{Keys: map[string]any{"x": func() {}}})
	if err == nil {
		t.Error("got no error")
	}
}

func TestParseOwned(t *testing.T) {
	for _, s := range []string{"", " \n", "{}"} {
		if o, err := daemon.ParseOwned([]byte(s)); err != nil || !o.Empty() {
			t.Errorf("ParseOwned(%q): got %+v, %v", s, o, err)
		}
	}
	o, err := daemon.ParseOwned([]byte("{\"labels\": "))
	if err == nil || err.Error() != "read swarmup.json: unexpected EOF" || !o.Empty() {
		t.Errorf("half a file: got %+v, %v", o, err)
	}
}

func TestTidyTakesOutTheListsThatWeEmptied(t *testing.T) {
	owned := daemon.Owned{Labels: []string{"a"}, Emptied: []string{"labels", "registry-mirrors"}}
	tests := []struct{ name, file, want string }{
		{"ours", `{"labels": [], "mtu": 1, "registry-mirrors": [ ]}`, "{\n  \"mtu\": 1\n}\n"},
		{"others'", `{"insecure-registries": []}`, `{"insecure-registries": []}`},
		{"not empty", `{"labels": ["b=1"]}`, `{"labels": ["b=1"]}`},
		{"no file", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := daemon.Tidy([]byte(tt.file), owned)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
