package bootstrap

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/spec"
)

func TestARepositoryThatIsSetUpAlreadyIsNotSetUpTwice(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	f := m.on(trixie())
	m.write("/etc/apt/sources.list", "# deb https://download.docker.com/linux/debian trixie stable\n")
	m.write("/etc/apt/sources.list.d/docker.list", "deb [signed-by=/x.gpg] https://download.docker.com/linux/debian trixie stable\n")
	err := Install(t.Context(), m, f, Request{How: spec.InstallDocker}, nil)
	want := "install engine: https://download.docker.com/linux/debian is set up already in /etc/apt/sources.list.d/docker.list: remove that file, or let engine.install say distro"
	if text(err) != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	m.must(os.Remove(m.root + "/etc/apt/sources.list.d/docker.list"))
	if err := Install(t.Context(), m, f, Request{How: spec.InstallDocker}, nil); err != nil {
		t.Errorf("a comment: got %v", err)
	}
}

func TestAMirrorHasAKeyOfItsOwn(t *testing.T) {
	own := read(t, "testdata/key.asc")
	for _, tt := range []struct {
		name, signer string
		key          []byte
		want         string
	}{
		{"and is signed with it", string(own), own, ""},
		{"and is Docker's, signed by Docker", key(debKey), nil, ""},
		{"and is signed by Docker", key(debKey), own, "install engine: apt: The repository 'https://download.docker.com/linux/debian trixie InRelease' is not signed."},
		{"which is none", string(own), []byte("no key"), "install engine: read the repository's key: not an OpenPGP public key in ASCII armor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, "/bin/sh")
			f, d := trixie()
			d.Signer = tt.signer
			m.on(f, d)
			r := Request{How: spec.InstallDocker, Repository: "http://mirror.local:8080/docker", Key: tt.key}
			if err := Install(t.Context(), m, f, r, nil); text(err) != tt.want {
				t.Fatalf("got %v\nwant %s", err, tt.want)
			}
			if tt.want == "" && !strings.Contains(m.read("/etc/apt/sources.list.d/swarmup-docker.sources"), "URIs: http://mirror.local:8080/docker/linux/debian\n") {
				t.Errorf("got %s", m.read("/etc/apt/sources.list.d/swarmup-docker.sources"))
			}
		})
	}
}

func TestProxiesReachThePackageManagerAndNoCommandLine(t *testing.T) {
	const secret = "http://ann:hunter2@proxy:3128"
	m := newMachine(t, "/bin/sh")
	f := m.on(trixie())
	env := map[string]string{"HTTPS_PROXY": secret, "no_proxy": "10.0.0.0/8", "OTHER": "x", "HTTP_PROXY": "a\nPATH=/evil"}
	if err := Install(t.Context(), m, f, Request{How: spec.InstallDocker, Env: env}, nil); err != nil {
		t.Fatal(err)
	}
	got := readDistro(m.root).Environment
	slices.Sort(got)
	want := []string{"HTTPS_PROXY=" + secret, "NO_PROXY=10.0.0.0/8", "https_proxy=" + secret, "no_proxy=10.0.0.0/8"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if strings.Contains(strings.Join(m.calls(), "\n")+strings.Join(m.commands, "\n"), "hunter2") {
		t.Error("a password is in a command line")
	}
}

func TestTheUsersScriptInstalls(t *testing.T) {
	engine := `exec install-engine`
	tests := []struct{ name, script, want string }{
		{"an engine", "#!/bin/sh\necho \"$SWARMUP_CLUSTER/$SWARMUP_NODE wants $SWARMUP_ENGINE_VERSION by $HTTPS_PROXY\" >>\"$ROOT/calls\"\n" + engine, ""},
		{"without a line for the shell", engine, ""},
		{"nothing", "#!/bin/sh\nexit 0", "install engine: run install script: it ended well, but there is no dockerd"},
		{"and fails", "#!/bin/sh\necho one; echo 'no such mirror' >&2; exit 3", "install engine: run install script: exit status 3: no such mirror"},
	}
	for _, tt := range tests {
		eachShell(t, func(t *testing.T, m *machine) {
			f := m.on(Facts{OS: "plan9"}, fakeDistro{})
			m.fake("install-engine")
			r := Request{
				How: spec.InstallScript, Script: []byte(tt.script), Version: "28.5", Cluster: "demo", Node: "n1",
				Env: map[string]string{"HTTPS_PROXY": "http://proxy"},
			}
			if err := Install(t.Context(), m, f, r, nil); text(err) != tt.want {
				t.Fatalf("%s: got %v, want %s", tt.name, err, tt.want)
			}
			if tt.name == "an engine" && m.calls()[0] != "demo/n1 wants 28.5 by http://proxy" {
				t.Errorf("its environment: got %q", m.calls()[0])
			}
			if m.read(scriptFile) != "none" {
				t.Error("the script is still there")
			}
			if tt.want == "" && !readEngine(m.root).Running {
				t.Error("the engine does not run")
			}
		})
	}
}
