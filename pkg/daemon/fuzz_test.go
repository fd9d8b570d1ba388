package daemon_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// FuzzApply takes any bytes for a daemon.json: what is refused is refused with
// a place in it, and what is not becomes JSON in which nothing is left to do.
func FuzzApply(f *testing.F) {
	for _, s := range []string{"", "{}", `{"labels":["a=1"]}`, "{\n\t\"mtu\": 1.5e3, // x\n}", `{"a":[{"b":1,"b":2}]}`, "\xef\xbb\xbf{}", `{"registry-mirrors":["https://b","https://a","https://b"]}`} {
		f.Add([]byte(s))
	}
	want := daemon.Want{
		Labels: map[string]string{"a": "2"}, InsecureRegistries: []string{"10.0.0.0/8"},
		RegistryMirrors: []string{"https://a", "https://b"}, Keys: map[string]any{"mtu": 1500, "dns": []any{"1.1.1.1"}},
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		next, owned, err := daemon.Apply(file, daemon.Owned{}, daemon.Live{}, want)
		if err != nil {
			var fe *daemon.FileError
			if !errors.As(err, &fe) || fe.Line < 1 || fe.Col < 1 {
				t.Fatalf("%T %v has no place", err, err)
			}
			return
		}
		if !json.Valid(next) {
			t.Fatalf("%q became %q, which is not JSON", file, next)
		}
		if p, err := daemon.Diff(next, owned, daemon.Live{}, want); err != nil || !p.Empty() {
			t.Fatalf("%q became %q, and still there is %+v, %v", file, next, p, err)
		}
	})
}
