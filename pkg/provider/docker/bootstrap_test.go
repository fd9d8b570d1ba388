package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// programs puts shell scripts, and nothing else, into the PATH.
func programs(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

// debian is a machine with Debian's tools, where mmdebstrap does as it is told.
func debian(mmdebstrap string) map[string]string {
	return map[string]string{
		"apt-config": `echo 'Acquire::Retries "3";'`,
		"apt-get":    `echo 'http://mirror/debian/ Debian'`,
		"mmdebstrap": mmdebstrap,
	}
}

func TestWithoutARegistryTheBaseIsMadeFromPackages(t *testing.T) {
	programs(t, debian(`for a in "$@"; do printf '[%s]' "$a"; done; echo "I: success" >&2`))
	f, p := newFake(t, Settings{})
	var lines []string
	if _, err := p.ensureImage(t.Context(), "swarmup-node:bookworm", func(l string) { lines = append(lines, l) }); err != nil {
		t.Fatal(err)
	}
	want := "[--variant=apt][--dpkgopt=path-exclude=/usr/share/doc/*][--dpkgopt=path-exclude=/usr/share/man/*]" +
		"[--dpkgopt=path-exclude=/usr/share/locale/*]" + `[--aptopt=Acquire::Retries "3";][bookworm][-][http://mirror/debian/]`
	if diff := cmp.Diff(want, f.imported); diff != "" {
		t.Errorf("imported (-want +got)\n%s", diff)
	}
	r, _, _ := findRecipe("swarmup-node:bookworm")
	if diff := cmp.Diff([]string{r.dockerfile("swarmup-base:bookworm")}, f.built); diff != "" {
		t.Errorf("built (-want +got)\n%s", diff)
	}
	if len(lines) < 4 || lines[3] != "mmdebstrap: success" {
		t.Errorf("progress: %q", lines)
	}
}

func TestABaseThatCannotBeMadeIsExplained(t *testing.T) {
	programs(t, debian(`echo half; echo "E: no such suite" >&2; exit 3`))
	f, p := newFake(t, Settings{})
	before := len(f.images)
	err := p.bootstrap(t.Context(), "sarge", "swarmup-base:sarge", func(string) {})
	if want := "run mmdebstrap: exit status 3: E: no such suite"; text(err) != want {
		t.Errorf("\n got %q\nwant %q", text(err), want)
	}
	if len(f.images) != before {
		t.Errorf("half an image stays: %v", f.images)
	}
}

func TestAnImportThatIsRefusedEndsTheProgram(t *testing.T) {
	programs(t, debian(`while echo more; do :; done 2>/dev/null`))
	f, p := newFake(t, Settings{})
	f.refuse["POST /images/create"] = refusal{status: 500, text: "no space left on device"}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := p.bootstrap(ctx, "trixie", "swarmup-base:trixie", func(string) {}); err == nil || ctx.Err() != nil {
		t.Errorf("got %v, %v", err, ctx.Err())
	}
}

func TestAnInterruptionEndsTheProgram(t *testing.T) {
	programs(t, debian(`echo "I: begun" >&2; trap 'exit 1' TERM; while :; do :; done`))
	_, p := newFake(t, Settings{})
	ctx, cancel := context.WithCancelCause(t.Context())
	err := p.bootstrap(ctx, "trixie", "swarmup-base:trixie", func(string) { cancel(errInterrupted) })
	if err == nil || !errors.Is(context.Cause(ctx), errInterrupted) {
		t.Errorf("got %v", err)
	}
}
