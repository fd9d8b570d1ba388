package spec

import "testing"

func TestAVersionIsTakenByItsFirstComponents(t *testing.T) {
	tests := []struct {
		want, has string
		takes     bool
	}{
		{"", "20.10.24+dfsg1", true},
		{"", "", true},
		{"28", "28.5.2", true},
		{"28.5", "28.5.2", true},
		{"28.5.2", "28.5.2", true},
		{"28.5", "28.5", true},
		{"26.1.5", "26.1.5+dfsg1", true},
		{"v", "28", true}, // no number asks for nothing; Parse refuses it
		{"28.5", "28.50.1", false},
		{"2", "28.5.2", false},
		{"28.5.2", "28.5", false},
		{"28.5", "27.5.1", false},
		{"28", "", false},
		{"28", "dev", false},
	}
	for _, tt := range tests {
		if got := (Engine{Version: tt.want}).Takes(tt.has); got != tt.takes {
			t.Errorf("%q takes %q: got %v, want %v", tt.want, tt.has, got, tt.takes)
		}
	}
}

func TestVersionsAreComparedByNumber(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"28.5.2", "28.5.2", 0},
		{"28.5", "28.5.0", 0},
		{"9.0", "28.0", -1},
		{"28.10.0", "28.9.9", 1},
		{"26.1.5+dfsg1", "26.1.4", 1},
		{"", "1", -1},
	}
	for _, tt := range tests {
		if got := CompareVersions(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: got %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := CompareVersions(tt.b, tt.a); got != -tt.want {
			t.Errorf("%q and %q: got %d, want %d", tt.b, tt.a, got, -tt.want)
		}
	}
}
