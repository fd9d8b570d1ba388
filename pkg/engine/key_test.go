package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
)

func TestAKeyNeverPrints(t *testing.T) {
	secret := "SWMKEY-1-" + strings.Repeat("k", 43)
	type inner struct{ hidden engine.Key }
	k := engine.NewKey(secret)
	for _, v := range []any{k, &k, []engine.Key{k}, map[string]engine.Key{"a": k}, inner{k}, &inner{k}, struct{ any }{k}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of %T shows the key: %s", verb, v, got)
			}
		}
		if b, err := json.Marshal(v); err != nil || strings.Contains(string(b), secret) {
			t.Errorf("JSON of %T: %s, %v", v, b, err)
		}
	}
	if got := fmt.Sprint(k); got != "[key]" || k.Reveal() != secret {
		t.Errorf("got %q, and %q", got, k.Reveal())
	}
}

func TestWhatHasTheFormOfAKey(t *testing.T) {
	body := strings.Repeat("aB3+/", 9)[:43]
	for text, want := range map[string]bool{
		"SWMKEY-1-" + body: true, "SWMKEY-1-" + body + "=": true,
		"": false, body: false, "SWMKEY-1-" + body[1:]: false, "SWMKEY-1-" + body + "a": false, "SWMKEY-2-" + body: false, " SWMKEY-1-" + body: false,
		"SWMTKN-1-" + body: false, "SWMKEY-1-" + body + "\n": false,
	} {
		key, ok := engine.ParseKey(text)
		if ok != want || ok && key.Reveal() != text || !ok && key.Reveal() != "" {
			t.Errorf("%q: got %t and %q", text, ok, key.Reveal())
		}
	}
}

func TestKeysAreComparedByWhatTheyHide(t *testing.T) {
	a, again, b := engine.NewKey("a"), engine.NewKey("a"), engine.NewKey("b")
	if !a.Same(again) || a.Same(b) || a.Same(engine.Key{}) || !(engine.Key{}).Same(engine.Key{}) {
		t.Error("keys are not told apart")
	}
}
