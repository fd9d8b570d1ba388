package plan

import "testing"

func TestValuesAreToldOfAsTheyStandInTheFile(t *testing.T) {
	for _, tt := range []struct {
		value any
		want  string
	}{
		{nil, ""},
		{"local", "local"},
		{true, "true"},
		{float64(3), "3"},
		{[]any{"a", "b"}, "[a, b]"},
		{map[string]any{"b": `it's "2"&`, "a": []any{float64(1)}}, `{a: [1], b: it's "2"&}`},
		{map[string]any{}, "{}"},
	} {
		if got := text(tt.value); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.value, got, tt.want)
		}
	}
}
