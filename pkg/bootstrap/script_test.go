package bootstrap

import (
	"bytes"
	"io/fs"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestScriptsAreCleanPOSIXShell asks shellcheck, and the shells themselves.
func TestScriptsAreCleanPOSIXShell(t *testing.T) {
	t.Parallel()
	lib, err := embedded.ReadFile("script/lib.sh")
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(embedded, "script/*.sh")
	if err != nil || len(files) < 10 {
		t.Fatalf("scripts: %q, %v", files, err)
	}
	for _, file := range files {
		body, err := embedded.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if file == "script/lib.sh" {
			body = nil
		}
		whole := slices.Concat(lib, body)
		if strings.Contains(string(body), "\nenvironment\n") {
			packages, err := embedded.ReadFile("script/packages.sh")
			if err != nil {
				t.Fatal(err)
			}
			whole = slices.Concat(lib, packages, body)
		}
		t.Run(file, func(t *testing.T) {
			for _, sh := range shells(t) {
				argv := []string{sh, "-n"}
				if strings.HasSuffix(sh, "busybox") {
					argv = []string{sh, "sh", "-n"}
				}
				check(t, whole, argv)
			}
			if path, err := exec.LookPath("shellcheck"); err == nil {
				// SC2317: "end" ends a script, so that what stands behind a call of it
				// counts as unreachable.
				check(t, whole, []string{path, "--shell=sh", "--exclude=SC2317", "--format=gcc", "-"})
			}
		})
	}
}

func check(t *testing.T, script []byte, argv []string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	c.Stdin = bytes.NewReader(script)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", argv[0], err, out)
	}
}

func TestArgumentsReachAScriptAsTheyAre(t *testing.T) {
	odd := []string{"", " ", "it's", `"$HOME" $(id) \n`, "`id`", "a\nb", "*", "ü;&|<>", "-n"}
	eachShell(t, func(t *testing.T, m *machine) {
		words := []string{"printf '%s\\0'"}
		for _, a := range odd {
			words = append(words, quote(a))
		}
		out, err := m.Run(t.Context(), strings.Join(words, " "), nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Join(odd, "\x00") + "\x00"; out != want {
			t.Errorf("got %q, want %q", out, want)
		}
	})
}

func TestWhatIsNoAnswerIsNotReadAsOne(t *testing.T) {
	tests := []struct{ name, out, want string }{
		{"nothing", "", `read answer of the machine: not complete: ""`},
		{"a login message", "Welcome!\n", `read answer of the machine: not complete: "Welcome!\n"`},
		{"half of one", "swarmup begin\n= arch\neDg2\n", `read answer of the machine: not complete: "swarmup begin\n= arch\neDg2\n"`},
		{"damaged", "swarmup begin\n= arch\ne?\nswarmup end\n", `read answer of the machine: arch: illegal base64 data at input byte 1`},
		{"a refusal", "swarmup begin\n= error\nbm8K\nswarmup end\n", "no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readAnswer(tt.out)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	a, err := readAnswer("swarmup begin\n- release\n>ID=x\n>= y\n- none\n= arch\neDg2\nXzY0\nswarmup end\n")
	if got := [...]string{a.text("release"), a.text("none"), a.text("arch")}; err != nil || got != [...]string{"ID=x\n= y", "", "x86_64"} {
		t.Errorf("pieces of text and of bytes: got %q, %v", got, err)
	}
	a, err = readAnswer("Welcome!\nswarmup begin\n= arch\neDg2XzY0Cg==\nswarmup end\nbye\n")
	if err != nil || a.text("arch") != "x86_64" {
		t.Errorf("an answer among other lines: got %q, %v", a.text("arch"), err)
	}
}

func TestComplaintIsTheLineThatSaysMost(t *testing.T) {
	tests := []struct{ output, want string }{
		{"", ""},
		{"one\ntwo\n\n", "two"},
		{"W: old\nE: Unable to lock\nE: Sub-process returned an error code (1)\n", "Unable to lock"},
		{"ERROR: unable to select packages:\n  docker (no such package):\n    required by: world[docker]\n", "unable to select packages: docker (no such package)"},
		{"Job for docker.service failed.\nSee \"systemctl status docker.service\" for details.\n", "Job for docker.service failed."},
		{"Error: it ends here:", "it ends here:"},
	}
	for _, tt := range tests {
		if got := complaint(tt.output); got != tt.want {
			t.Errorf("complaint(%q): got %q, want %q", tt.output, got, tt.want)
		}
	}
}
