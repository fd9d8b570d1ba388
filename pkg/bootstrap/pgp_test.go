package bootstrap

import (
	"os"
	"slices"
	"testing"
)

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// built gives a file that is built in.
func built(t testing.TB, path string) []byte {
	t.Helper()
	b, err := embedded.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The fingerprints are Docker's own word: docs.docker.com, engine/install/debian
// (as it was until apt checked keys by file) and engine/install/rhel.
func TestDockersKeysAreTheOnesThatDockerNames(t *testing.T) {
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"of debs", built(t, debKey), "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"},
		{"of rpms", built(t, rpmKey), "060A61C51B558A7F742B77AAC52FEB6B621E9F35"},
		{"of the tests, as gpg gives it", read(t, "testdata/key.asc"), "21E2EE824DF30A25404F38C3CD1C97247B5131DD"},
	}
	for _, tt := range tests {
		got, err := fingerprints(tt.file)
		if err != nil || !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: got %q, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestWhatIsNoPublicKeyIsNotTakenForOne(t *testing.T) {
	key := read(t, "testdata/key.asc")
	tests := []struct {
		name, file, want string
	}{
		{"nothing", "", "not an OpenPGP public key in ASCII armor"},
		{"a page of a proxy", "<html>Login</html>", "not an OpenPGP public key in ASCII armor"},
		{"a binary key", "\x99\x01\x0d\x04", "not an OpenPGP public key in ASCII armor"},
		{"half of one", string(key[:200]), "not an OpenPGP public key: it is not complete"},
		{"something else in armor", armored("iQ=="), "not an OpenPGP public key: it is not complete"},
		{"text in armor", armored("aGVsbG8="), "not an OpenPGP public key"},
		{"no base64", armored("!"), "not an OpenPGP public key: illegal base64 data at input byte 0"},
		{"empty armor", armored(""), "not an OpenPGP public key"},
		{"a secret key called public", armored("lQMG"), "not an OpenPGP public key: it is not complete"},
		{"a whole secret key called public", armored("lQABBA=="), "it holds a secret key: a public one is wanted"},
		{"a key of version 3", armored("mQABAw=="), "not an OpenPGP public key of version 4"},
	}
	for _, tt := range tests {
		got, err := fingerprints([]byte(tt.file))
		if text(err) != tt.want {
			t.Errorf("%s: got %q, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

func armored(base64 string) string {
	return "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + base64 + "\n=AAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"
}

// FuzzFingerprints looks for files that make the reader panic.
func FuzzFingerprints(f *testing.F) {
	f.Add(string(built(f, debKey)))
	f.Add(armored("mQABBA=="))
	f.Add(armored("xv////////8="))
	f.Fuzz(func(t *testing.T, file string) {
		got, err := fingerprints([]byte(file))
		if (err == nil) != (len(got) > 0) {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
