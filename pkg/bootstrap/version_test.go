package bootstrap

import (
	"errors"
	"testing"
)

func TestTheVersionOfTheSoftwareIsFoundInThatOfAPackage(t *testing.T) {
	tests := []struct{ version, want string }{
		{"5:28.5.2-1~debian.13~trixie", "28.5.2"},
		{"5:20.10.24~3-0~debian-bookworm", "20.10.24"},
		{"3:28.5.2-1.el9", "28.5.2"},
		{"26.1.5+dfsg1-9+deb13u1", "26.1.5"},
		{"29.1.3-0ubuntu3~24.04.1", "29.1.3"},
		{"28.5.1_ce-15.1", "28.5.1"},
		{"28.3.3-r1", "28.3.3"},
		{"25.0.13-1.amzn2023.0.1", "25.0.13"},
		{"5:29.0.0~rc.1-1~debian.13~trixie", ""},
		{"3:29.0.0~beta.1-1.el9", ""},
		{"none", ""},
	}
	for _, tt := range tests {
		if got := (offer{version: tt.version}).upstream(); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.version, got, tt.want)
		}
	}
}

func TestARepositoryInTheMiddleOfARelease(t *testing.T) {
	r := recipe{engine: "docker-ce", same: []string{"docker-ce-cli"}, repo: &repository{url: "https://r"}}
	offers := readOffers("docker-ce 5:28.5.2-1\ndocker-ce 5:28.5.1-1\ndocker-ce-cli 5:28.5.1-1\n")
	_, err := r.choose(offers, "28.5", "")
	var skew *skewError
	if want := "https://r has docker-ce 28.5.2, but no docker-ce-cli of that version"; !errors.As(err, &skew) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if picked, err := r.choose(offers, "28.5.1", ""); err != nil || picked[1].version != "5:28.5.1-1" {
		t.Errorf("one that is complete: got %v, %v", picked, err)
	}
}

func TestAMirrorBehindItsIndexIsTriedAgain(t *testing.T) {
	tests := []struct {
		complaint string
		want      bool
	}{
		{"E: Failed to fetch https://x/Packages.gz  File has unexpected size (9 != 8). Mirror sync in progress? [IP: 192.0.2.1 443]", true},
		{"E: Failed to fetch https://x/docker-ce.deb  404  Not Found [IP: 192.0.2.1 443]", true},
		{"W: Failed to fetch http://x/Packages  Hash Sum mismatch", true},
		{"Error: Error downloading packages:\n  Status code: 404 for https://x/docker-ce.rpm", true},
		{"E: The repository 'https://x forky Release' does not have a Release file.\nE: 404  Not Found", false},
		{"Error: Failed to download metadata\n - Status code: 404 for https://x/repodata/repomd.xml", false},
		{"E: The repository 'https://x trixie InRelease' is not signed.", false},
		{"E: Unable to locate package docker-ce", false},
	}
	for _, tt := range tests {
		if got := skewed(tt.complaint); got != tt.want {
			t.Errorf("%s: got %v", tt.complaint, got)
		}
	}
}
