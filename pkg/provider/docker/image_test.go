package docker

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImageNames(t *testing.T) {
	for _, r := range recipes() {
		for _, name := range []string{r.name, r.tag()} {
			got, ok, err := findRecipe(name)
			if err != nil || !ok || got.name != r.name {
				t.Errorf("%s: got %v, %v, %v", name, got.name, ok, err)
			}
		}
	}
	tests := []struct {
		name, want string // want "" means somebody else's image
		err        string
	}{
		{name: DefaultImage, want: DefaultImage},
		{name: "swarmup-node", want: "swarmup-node:trixie"},
		{name: "swarmup-node-bare", want: "swarmup-node-bare:trixie"},
		{name: "debian:12"},
		{name: "registry.local:5000/swarmup-node:1"},
		{name: "swarmup-node:trixie-000000000000", err: `image "swarmup-node:trixie-000000000000" is none that swarmup makes`},
	}
	for _, tt := range tests {
		got, ok, err := findRecipe(tt.name)
		if got.name != tt.want || ok != (tt.want != "") || !strings.HasPrefix(text(err), tt.err) || (err != nil) != (tt.err != "") {
			t.Errorf("%s: got %q, %v, %v", tt.name, got.name, ok, err)
		}
	}
}

func TestDockerfileIsTheBareMachinePlusAnEngine(t *testing.T) {
	node, _, _ := findRecipe("swarmup-node:sid")
	bare, _, _ := findRecipe("swarmup-node-bare:trixie")
	extra := strings.TrimPrefix(node.dockerfile("b"), strings.TrimSuffix(bare.dockerfile("b"), "CMD [\"/sbin/init\"]\n"))
	want := "RUN sh /usr/local/share/swarmup/install.sh --from sid docker.io docker-cli\nCMD [\"/sbin/init\"]\n"
	if diff := cmp.Diff(want, extra); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEveryRecipeHasItsOwnTag(t *testing.T) {
	seen := map[string]string{}
	for _, r := range recipes() {
		if other := seen[r.digest()]; other != "" {
			t.Errorf("%s and %s have the same digest", r.name, other)
		}
		seen[r.digest()] = r.name
	}
	r := recipes()[0]
	before := r.tag()
	r.engine = append([]string{"git"}, r.engine...)
	if r.tag() == before {
		t.Error("a changed recipe has the old tag")
	}
}

func TestAnImageIsMadeOnceAndOnARegistrysBaseWhereItCanBe(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.registry["debian:bookworm-slim"] = true
	var mu sync.Mutex
	var lines []string
	progress := func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := p.ensureImage(t.Context(), "swarmup-node:bookworm", progress); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, _, _ := findRecipe("swarmup-node:bookworm")
	if diff := cmp.Diff([]string{r.dockerfile("debian:bookworm-slim")}, f.built); diff != "" {
		t.Errorf("built (-want +got)\n%s", diff)
	}
	if f.images[r.tag()] == "" {
		t.Errorf("%s is not there", r.tag())
	}
	want := []string{
		"making image swarmup-node:bookworm (once, about a minute)", "pulling debian:bookworm-slim",
		"Step 1/5 : FROM debian:bookworm-slim",
	}
	if diff := cmp.Diff(want, lines[:max(0, len(lines)-1)]); diff != "" {
		t.Errorf("progress (-want +got)\n%s", diff)
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "made image swarmup-node:bookworm in ") {
		t.Errorf("last line: %q", last)
	}
}

func TestAnImageThatAnotherProcessMadeMeanwhileStays(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.images["sha256:ours"] = "sha256:ours"
	r, _, _ := findRecipe(DefaultImage)
	if err := p.tagOnce(t.Context(), "sha256:ours", r.tag()); err != nil {
		t.Fatal(err)
	}
	if f.images[r.tag()] != "sha256:default" || f.images["sha256:ours"] != "" {
		t.Errorf("got %v", f.images)
	}
}

func TestABaseThatIsThereIsNotPulled(t *testing.T) {
	for _, base := range []string{"debian:bookworm-slim", "swarmup-base:bookworm"} {
		f, p := newFake(t, Settings{})
		f.images[base] = "sha256:base"
		got, err := p.base(t.Context(), "bookworm", func(line string) { t.Errorf("did more: %s", line) })
		if err != nil || got != base {
			t.Errorf("got %q, %v, want %q", got, err, base)
		}
	}
}

func TestWithoutARegistryAndWithoutToolsBothReasonsAreSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, p := newFake(t, Settings{})
	_, err := p.ensureImage(t.Context(), "swarmup-node:bookworm", nil)
	want := `image "swarmup-node:bookworm": no base image: pull debian:bookworm-slim: Error response from daemon: ` +
		`Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host; ` +
		"mmdebstrap, which could make one from packages, is not installed here"
	if text(err) != want {
		t.Errorf("\n got %s\nwant %s", text(err), want)
	}
}

func TestAnImageOfSomebodyElseIsPulledIfItIsMissing(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.registry["registry.local:5000/node:1"] = true
	f.images["here:1"] = "sha256:here"
	for _, name := range []string{"registry.local:5000/node:1", "here:1"} {
		if got, err := p.ensureImage(t.Context(), name, nil); err != nil || got != name {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	_, err := p.ensureImage(t.Context(), "nosuch:1", nil)
	if want := `image "nosuch:1": Error response from daemon: manifest for nosuch:1 not found`; !strings.HasPrefix(text(err), want) {
		t.Errorf("\n got %q\nwant %q...", text(err), want)
	}
	if len(f.built) > 0 {
		t.Errorf("built %v", f.built)
	}
}

func TestWaitingForAnotherBuildEndsWithItsContext(t *testing.T) {
	_, p := newFake(t, Settings{})
	r, _, _ := findRecipe("swarmup-node:bookworm")
	release, err := p.images.hold(t.Context(), r.tag())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	_, err = p.ensureImage(ctx, "swarmup-node:bookworm", nil)
	if err == nil {
		t.Error("no error")
	}
}

func TestWhatTheEngineSaysIsReadToItsEnd(t *testing.T) {
	tests := []struct {
		name, in, id, err string
		lines             []string
	}{
		{
			name: "the ID of what was built", in: `{"stream":"Step 1/2 : FROM a\n"}{"stream":"\n"}{"aux":{"ID":"sha256:1"}}{"stream":"done\n"}`,
			id: "sha256:1", lines: []string{"Step 1/2 : FROM a", "done"},
		},
		{
			name: "an error with the last line before it", in: `{"stream":"E: no space\n"}{"error":"The command returned a non-zero code: 100"}`,
			err: "The command returned a non-zero code: 100: E: no space", lines: []string{"E: no space"},
		},
		{name: "an error alone", in: `{"error":"denied"}`, err: "denied"},
		{name: "an answer that breaks off", in: `{"stream":"a`, err: "read the engine's answer: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lines []string
			id, err := readStream(strings.NewReader(tt.in), func(l string) { lines = append(lines, l) })
			if id != tt.id || text(err) != tt.err {
				t.Errorf("got %q, %q, want %q, %q", id, text(err), tt.id, tt.err)
			}
			if diff := cmp.Diff(tt.lines, lines); diff != "" {
				t.Errorf("lines (-want +got)\n%s", diff)
			}
		})
	}
}
