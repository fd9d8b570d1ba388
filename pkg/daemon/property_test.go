package daemon_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// keyPool holds keys of daemon.json with values in odd spellings.
var keyPool = map[string][]string{
	"mtu":        {"1450", "1.450e3", "9007199254740993"},
	"log-opts":   {`{"max-size":  "10m"}`, `{ "tag":"\u0041",` + "\n" + ` "env": "a"}`},
	"log-driver": {`"local"`, `"json-file"`},
	"debug":      {"true", "false"},
	"dns":        {"[]", `["1.1.1.1",   "8.8.8.8"]`},
	"x":          {"null", "1E400", `"<&>"`},
}

// valuePool holds wanted values as YAML decodes them.
var valuePool = map[string][]any{
	"mtu":        {1450, 9007199254740992},
	"log-driver": {"local"},
	"log-opts":   {map[string]any{"max-size": "10m"}},
	"debug":      {true, nil},
}

func drawFile(t *rapid.T) []byte {
	if rapid.IntRange(0, 9).Draw(t, "no file") == 0 {
		return nil
	}
	var members []string
	for _, k := range rapid.SliceOfDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(keyPool))), rapid.ID).Draw(t, "file keys") {
		members = append(members, fmt.Sprintf("%q: %s", k, rapid.SampledFrom(keyPool[k]).Draw(t, "raw")))
	}
	for _, l := range []struct {
		key  string
		draw func(*rapid.T) []string
	}{
		{"labels", func(t *rapid.T) []string { return labelLines(drawLabels(t)) }},
		{"insecure-registries", drawRegistries},
		{"registry-mirrors", drawMirrors},
	} {
		if rapid.Bool().Draw(t, "has "+l.key) {
			b, _ := json.Marshal(append([]string{}, l.draw(t)...))
			members = append(members, fmt.Sprintf("%q: %s", l.key, b))
		}
	}
	sep := rapid.SampledFrom([]string{"", "\n  ", "\n\t", " "}).Draw(t, "layout")
	members = rapid.Permutation(members).Draw(t, "order")
	return []byte("{" + sep + strings.Join(members, ","+sep) + "}")
}

func drawLabels(t *rapid.T) map[string]string {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c.d"}), rapid.SampledFrom([]string{"", "1", "x=y"}), 0, 3).Draw(t, "labels")
}

func drawRegistries(t *rapid.T) []string {
	return rapid.SliceOfDistinct(rapid.SampledFrom([]string{"r:5000", "10.0.0.0/8", "192.168.0.0/16"}), rapid.ID).Draw(t, "registries")
}

func drawMirrors(t *rapid.T) []string {
	return rapid.SliceOfDistinct(rapid.SampledFrom([]string{"https://a", "https://b/", "https://c"}), rapid.ID).Draw(t, "mirrors")
}

func drawWant(t *rapid.T) daemon.Want {
	w := daemon.Want{Labels: drawLabels(t), InsecureRegistries: drawRegistries(t), RegistryMirrors: drawMirrors(t), Keys: map[string]any{}}
	for _, k := range slices.Sorted(maps.Keys(valuePool)) {
		if rapid.Bool().Draw(t, "wants "+k) {
			w.Keys[k] = rapid.SampledFrom(valuePool[k]).Draw(t, k)
		}
	}
	return w
}

func labelLines(m map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return out
}

// loaded is an engine that has read a file: a small model of dockerd.
func loaded(t *rapid.T, file []byte) daemon.Live {
	var c struct {
		Labels     []string
		Registries []string `json:"insecure-registries"`
		Mirrors    []string `json:"registry-mirrors"`
	}
	if len(file) > 0 {
		if err := json.Unmarshal(file, &c); err != nil {
			t.Fatalf("dockerd cannot read %s: %v", file, err)
		}
	}
	l := daemon.Live{Known: true, Labels: map[string]string{}, InsecureRegistries: append(c.Registries, "127.0.0.0/8"), Flags: []string{}}
	for _, kv := range c.Labels {
		k, v, _ := strings.Cut(kv, "=")
		l.Labels[k] = v
	}
	for _, m := range c.Mirrors {
		l.RegistryMirrors = append(l.RegistryMirrors, strings.TrimSuffix(m, "/")+"/")
	}
	return l
}

// members gives the keys of a file in order, and their raw values.
func members(t *rapid.T, file []byte) (keys []string, raw map[string]string) {
	raw = map[string]string{}
	if len(file) == 0 {
		return nil, raw
	}
	dec := json.NewDecoder(bytes.NewReader(file))
	_, _ = dec.Token()
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k.(string))
		raw[k.(string)] = string(v)
	}
	return keys, raw
}

func apply(t *rapid.T, file []byte, o daemon.Owned, l daemon.Live, w daemon.Want) ([]byte, daemon.Owned) {
	next, owned, err := daemon.Apply(file, o, l, w)
	if err != nil {
		t.Fatal(err)
	}
	return next, owned
}

func TestAfterApplyNothingIsLeftToDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file, first, second := drawFile(t), drawWant(t), drawWant(t)
		one, owned := apply(t, file, daemon.Owned{}, loaded(t, file), first)
		two, owned := apply(t, one, owned, loaded(t, one), second)
		p, err := daemon.Diff(two, owned, loaded(t, two), second)
		if err != nil || !p.Empty() || p.Effect != daemon.None {
			t.Fatalf("Diff after Apply: %+v, %v\nfile: %s", p, err, two)
		}
		again, ownedAgain := apply(t, two, owned, loaded(t, two), second)
		if !bytes.Equal(again, two) || !cmp.Equal(owned, ownedAgain, cmpopts.EquateEmpty()) {
			t.Fatalf("Apply twice: %s then %s\n%v", two, again, cmp.Diff(owned, ownedAgain))
		}
		checkHolds(t, two, second)
	})
}

// checkHolds compares a file with what is wanted, without asking Diff.
func checkHolds(t *rapid.T, file []byte, w daemon.Want) {
	l := loaded(t, file)
	for k, v := range w.Labels {
		if got, ok := l.Labels[k]; !ok || got != v {
			t.Fatalf("label %s: got %q, want %q", k, got, v)
		}
	}
	for _, r := range w.InsecureRegistries {
		if !slices.Contains(l.InsecureRegistries, r) {
			t.Fatalf("registry %s is not in %s", r, file)
		}
	}
	var order []string
	for _, m := range l.RegistryMirrors {
		if slices.Contains(w.RegistryMirrors, m) || slices.Contains(w.RegistryMirrors, strings.TrimSuffix(m, "/")) {
			order = append(order, strings.TrimSuffix(m, "/"))
		}
	}
	var want []string
	for _, m := range w.RegistryMirrors {
		want = append(want, strings.TrimSuffix(m, "/"))
	}
	if !slices.Equal(order, want) {
		t.Fatalf("mirrors: got %q, want %q", order, want)
	}
	_, raw := members(t, file)
	for k, v := range w.Keys {
		var got any
		_ = json.Unmarshal([]byte(raw[k]), &got)
		b, _ := json.Marshal(v)
		var value any
		_ = json.Unmarshal(b, &value)
		if v != nil && !cmp.Equal(got, value) {
			t.Fatalf("key %s: got %s, want %s", k, raw[k], b)
		}
	}
}

func TestKeysOfOthersSurviveByteForByteAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file, want := drawFile(t), drawWant(t)
		next, _ := apply(t, file, daemon.Owned{}, loaded(t, file), want)
		keys, raw := members(t, file)
		nextKeys, nextRaw := members(t, next)
		for _, k := range keys {
			_, list := map[string]bool{"labels": true, "insecure-registries": true, "registry-mirrors": true}[k]
			if want.Keys[k] == nil && !list && raw[k] != nextRaw[k] {
				t.Fatalf("key %s: %s became %s", k, raw[k], nextRaw[k])
			}
		}
		if !slices.Equal(keys, nextKeys[:len(keys)]) {
			t.Fatalf("order %q became %q", keys, nextKeys)
		}
	})
}

// writes is the model of who wrote what: names of what swarmup has put into
// the file, whatever it believes to own.
func writes(t *rapid.T, before, after []byte) map[string]bool {
	out := map[string]bool{}
	_, a := members(t, before)
	_, b := members(t, after)
	for k, v := range b {
		if a[k] != v && !strings.HasPrefix(v, "[") {
			out[k] = true
		}
	}
	la, lb := loaded(t, before), loaded(t, after)
	for k, v := range lb.Labels {
		if old, ok := la.Labels[k]; !ok || old != v {
			out["labels."+k] = true
		}
	}
	for _, m := range lb.RegistryMirrors {
		out["m "+m] = !slices.Contains(la.RegistryMirrors, m)
	}
	for _, r := range lb.InsecureRegistries {
		out["r "+r] = !slices.Contains(la.InsecureRegistries, r)
	}
	return out
}

// left is what a file must hold once all that swarmup wrote is taken out of it.
func left(t *rapid.T, file []byte, ours map[string]bool) string {
	var out []string
	_, raw := members(t, file)
	for k, v := range raw {
		if !ours[k] && k != "labels" && k != "insecure-registries" && k != "registry-mirrors" {
			out = append(out, k+" "+v)
		}
	}
	l := loaded(t, file)
	for k, v := range l.Labels {
		if !ours["labels."+k] {
			out = append(out, k+"="+v)
		}
	}
	for _, m := range l.RegistryMirrors {
		if !ours["m "+m] {
			out = append(out, m)
		}
	}
	for _, r := range l.InsecureRegistries {
		if !ours["r "+r] {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

func TestTakingAllBackLeavesWhatOthersWroteAndNothingElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file, want := drawFile(t), drawWant(t)
		next, owned := apply(t, file, daemon.Owned{}, loaded(t, file), want)
		bare, after := apply(t, next, owned, loaded(t, next), daemon.Want{})
		if got, want := left(t, bare, nil), left(t, next, writes(t, file, next)); got != want {
			t.Fatalf("left:\n%s\nwant:\n%s", got, want)
		}
		if after.Emptied = nil; !after.Empty() {
			t.Fatalf("still owned: %+v", after)
		}
		tidy, err := daemon.Tidy(bare, owned.Begin(next, bare, daemon.Owned{Emptied: []string{"labels", "insecure-registries", "registry-mirrors"}}, daemon.Patch{}))
		if got := left(t, tidy, nil); err != nil || got != left(t, bare, nil) {
			t.Fatalf("tidied: %v, left:\n%s", err, got)
		}
	})
}

// TestAWriteMayBeCutOffAnywhere goes through the order that Begin documents and
// stops after each step. Then swarmup comes back, with the same wish or none.
func TestAWriteMayBeCutOffAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zero, first, second := drawFile(t), drawWant(t), drawWant(t)
		one, owned := apply(t, zero, daemon.Owned{}, loaded(t, zero), first)
		two, ownedTwo := apply(t, one, owned, loaded(t, one), second)
		p, err := daemon.Diff(one, owned, loaded(t, one), second)
		if err != nil {
			t.Fatal(err)
		}
		if p.Empty() {
			return
		}
		begun := reread(t, owned.Begin(one, two, ownedTwo, p))
		for _, cut := range []struct {
			name   string
			record daemon.Owned
			file   []byte
			engine []byte // the file that the engine has loaded
		}{
			{"before anything", owned, one, one},
			{"before daemon.json", begun, one, one},
			{"before the reload", begun, two, one},
			{"before the last record", begun, two, two},
			{"never", reread(t, ownedTwo), two, two},
		} {
			live := loaded(t, cut.engine)
			got, _ := apply(t, cut.file, cut.record, live, second)
			if !bytes.Equal(got, two) {
				t.Fatalf("cut off %s: the next apply writes\n%s\nwant\n%s", cut.name, got, two)
			}
			q, _ := daemon.Diff(cut.file, cut.record, live, second)
			if !bytes.Equal(cut.engine, two) && cmp.Diff(p, q) != "" {
				t.Fatalf("cut off %s: the next diff lost something (-before +after):\n%s", cut.name, cmp.Diff(p, q))
			}
			if q, _ = daemon.Diff(cut.file, cut.record, daemon.Live{}, second); cut.name != "never" && cmp.Diff(p, q) != "" {
				t.Fatalf("cut off %s: the next diff without asking lost something (-before +after):\n%s", cut.name, cmp.Diff(p, q))
			}
			ours := writes(t, zero, one)
			for k, v := range writes(t, one, two) {
				ours[k] = ours[k] || v && bytes.Equal(cut.file, two)
			}
			bare, _ := apply(t, cut.file, cut.record, live, daemon.Want{})
			if got, want := left(t, bare, nil), left(t, cut.file, ours); got != want {
				t.Fatalf("cut off %s and taken back: left\n%s\nwant\n%s\nrecord: %+v", cut.name, got, want, cut.record)
			}
		}
	})
}

// TestAWriteMayBeCutOffTwice stops a write before its last record and the next
// one before its reload: nothing of either may be forgotten.
func TestAWriteMayBeCutOffTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zero, first, second := drawFile(t), drawWant(t), drawWant(t)
		cutOff := func(file []byte, owned daemon.Owned, want daemon.Want) ([]byte, daemon.Owned, daemon.Patch) {
			p, err := daemon.Diff(file, owned, loaded(t, file), want)
			if err != nil {
				t.Fatal(err)
			}
			next, nextOwned := apply(t, file, owned, loaded(t, file), want)
			return next, reread(t, owned.Begin(file, next, nextOwned, p)), p
		}
		one, owned, _ := cutOff(zero, daemon.Owned{}, first)
		two, owned, p := cutOff(one, owned, second)
		again, err := daemon.Diff(two, owned, loaded(t, one), second)
		if err != nil || cmp.Diff(listed(p), listed(again)) != "" {
			t.Fatalf("the next diff lost something (-before +after): %v\n%s", err, cmp.Diff(p, again))
		}
		ours := writes(t, zero, one)
		for k, v := range writes(t, one, two) {
			ours[k] = ours[k] || v
		}
		bare, _ := apply(t, two, owned, loaded(t, one), daemon.Want{})
		if got, want := left(t, bare, nil), left(t, two, ours); got != want {
			t.Fatalf("taken back: left\n%s\nwant\n%s\nrecord: %+v", got, want, owned)
		}
	})
}

// listed gives the changes of a patch by key.
func listed(p daemon.Patch) (out []string) {
	for _, c := range p.Changes {
		out = append(out, c.Key)
	}
	return out
}

// reread is a record on its way through swarmup.json.
func reread(t *rapid.T, o daemon.Owned) daemon.Owned {
	b, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := daemon.ParseOwned(b)
	if err != nil {
		t.Fatal(err)
	}
	return back
}
