package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
)

// image is a service's image: one static program, made here, since the lab's
// engines may have no registry to pull from.
const image = "swarmup-e2e-sleep:1"

// sleeps is a program that only waits for its end.
const sleeps = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM, os.Interrupt)
	<-c
}
`

// loadImage puts the image onto the engines of these nodes.
func (l *lab) loadImage(nodes ...string) {
	l.Helper()
	l.loadProgram(image, sleeps, nodes...)
}

// loadProgram makes an image of one program and puts it onto the engines of these
// nodes. The program is /sleep in it, whatever it does.
func (l *lab) loadProgram(image, source string, nodes ...string) {
	l.Helper()
	dir := l.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o600); err != nil {
		l.Fatal(err)
	}
	build := exec.CommandContext(l.Context(), "go", "build", "-o", filepath.Join(dir, "sleep"), filepath.Join(dir, "main.go"))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		l.Fatalf("%v: %s", err, out)
	}
	output(l.T, "tar", "-C", dir, "-cf", filepath.Join(dir, "image.tar"), "sleep")
	for _, n := range nodes {
		machine := l.machines(n)[0]
		load := exec.CommandContext(l.Context(), "docker", "exec", "-i", machine, "docker", "import", "--change", "ENV PATH=/", "-", image)
		f, err := os.Open(filepath.Join(dir, "image.tar"))
		if err != nil {
			l.Fatal(err)
		}
		load.Stdin = f
		out, err := load.CombinedOutput()
		_ = f.Close()
		if err != nil {
			l.Fatalf("load image on %s: %v: %s", n, err, out)
		}
	}
}
