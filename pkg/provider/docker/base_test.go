package docker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMirrorIsTheFirstThatCarriesDebian(t *testing.T) {
	tests := []struct{ name, targets, want string }{
		{name: "Debian", targets: "http://sec/debian-security/ Debian-Security\nhttp://m/debian/ Debian\nhttp://n/debian/ Debian\n", want: "http://m/debian/"},
		{name: "Ubuntu", targets: "http://archive.ubuntu.com/ubuntu/ Ubuntu\n", want: "http://deb.debian.org/debian"},
		{name: "lists that were never fetched", want: "http://deb.debian.org/debian"},
	}
	for _, tt := range tests {
		if got := mirror(tt.targets); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTheWayAptGetsOutGoesIntoTheImage(t *testing.T) {
	const dump = `APT::Architecture "amd64";
Acquire "";
Acquire::Check-Valid-Until "false";
Acquire::http "";
Acquire::http::Proxy "http://proxy:3128";
Acquire::https::CAInfo "/etc/ssl/own.crt";
Acquire::Retries "3";
Acquire::CompressionTypes::xz "xz";
`
	tests := []struct {
		name, dump, env string
		want            []string
	}{
		{
			name: "settings", dump: dump, env: "http://other:1",
			want: []string{
				`Acquire::Check-Valid-Until "false";`, `Acquire::http::Proxy "http://proxy:3128";`,
				`Acquire::https::CAInfo "/etc/ssl/own.crt";`, `Acquire::Retries "3";`,
			},
		},
		{name: "a proxy of the environment", env: "http://env:8080", want: []string{`Acquire::http::Proxy "http://env:8080";`}},
		{name: "nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := aptOptions(tt.dump, func(string) string { return tt.env })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestProxiesAreForTheBuildOnly(t *testing.T) {
	env := map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": "local", "HOME": "/root"}
	got := map[string]string{}
	for name, v := range proxies(func(name string) string { return env[name] }) {
		got[name] = *v
	}
	if diff := cmp.Diff(map[string]string{"HTTPS_PROXY": "http://p:1", "no_proxy": "local"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMessagesArePassedOnByTheLine(t *testing.T) {
	var got []string
	l := &lastLines{progress: func(line string) { got = append(got, line) }}
	for _, part := range []string{"I: run", "ning\n\nE: bro", "ken\nrest"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	if diff := cmp.Diff([]string{"mmdebstrap: running", "mmdebstrap: E: broken"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if l.last != "E: broken" {
		t.Errorf("last: got %q", l.last)
	}
}
