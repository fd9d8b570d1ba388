package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/spec"
)

// What a reader copies out of a page must work.
func TestFilesInTheDocumentationAreValid(t *testing.T) {
	pages, err := filepath.Glob("../../docs/providers/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("no pages about providers: %v", err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, page := range append(pages, "../../README.md", "../../docs/engine-config.md", "../../docs/swarm-settings.md", "../../docs/autolock.md", "../../docs/ssh.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := block.FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			t.Errorf("%s shows no file", page)
		}
		for _, b := range blocks {
			file := strings.ReplaceAll(b[1], "SHA256:...", "SHA256:"+strings.Repeat("A", 43))
			if _, err := spec.Parse(spec.Source{Name: page, Data: []byte(file), Dir: "/", Home: "/root"}); err != nil {
				t.Errorf("%v\n%s", err, b[1])
			}
		}
	}
}

func TestTheReadmeNamesEveryCommand(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range (env{}).app().Commands {
		if !strings.Contains(string(text), "`swarmup "+cmd.Name) {
			t.Errorf("README.md does not name %q", cmd.Name)
		}
	}
}
