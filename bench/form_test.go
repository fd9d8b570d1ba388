package bench

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

const (
	hosts    = 20
	managers = 3
)

// BenchmarkHosts is about 20 hosts with engines that run, 3 of them managers to be.
func BenchmarkHosts(b *testing.B) {
	f := newFleet(b, hosts)
	floor, swarmup, file := build(b, "../bench/floor"), build(b, "../cmd/swarmup"), f.file()
	b.Run("Form", func(b *testing.B) { f.form(b, floor, swarmup, file) })
	if err := f.command(swarmup, "apply", file, "--yes")(); err != nil {
		b.Fatal(err)
	}
	b.Run("Again", func(b *testing.B) { f.again(b, floor, swarmup, file) })
}

// contender is a program that is measured.
type contender struct {
	name string
	run  func() error
}

// form makes a swarm of them, until all are ready, labelled and active.
func (f *fleet) form(b *testing.B, floor, swarmup, file string) {
	b.Helper()
	args := append([]string{f.key, strconv.Itoa(managers)}, f.addresses()...)
	for _, c := range []contender{
		{"floor", f.command(floor, slices.Insert(slices.Clone(args), 1, "form")...)},
		{"swarmup", f.command(swarmup, "apply", file, "--yes")},
		{"parallel", f.command("./parallel.sh", args...)},
		{"serial", f.command("./serial.sh", args...)},
		{"ansible", f.ansible("form.yml")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.StopTimer()
			for range b.N {
				b.StartTimer()
				if err := c.run(); errors.Is(err, errMissing) {
					b.Skip(err)
				} else if err != nil {
					b.Fatal(err)
				}
				f.formed()
				b.StopTimer()
				f.reset()
			}
		})
	}
}

// again finds that nothing is to be done.
func (f *fleet) again(b *testing.B, floor, swarmup, file string) {
	b.Helper()
	for _, c := range []contender{
		{"floor", f.command(floor, append([]string{f.key, "ask"}, f.addresses()...)...)},
		{"swarmup", f.command(swarmup, "apply", file)},
		{"ansible", f.ansible("form.yml")},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				if err := c.run(); errors.Is(err, errMissing) {
					b.Skip(err)
				} else if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkNothing makes three machines and a swarm of them, where there was
// nothing but the image.
func BenchmarkNothing(b *testing.B) {
	if os.Getenv("SWARMUP_LAB") == "" {
		b.Skip("SWARMUP_LAB is not set: no real machines")
	}
	f := &fleet{B: b, dir: b.TempDir()}
	swarmup, file := build(b, "../cmd/swarmup"), filepath.Join(f.dir, "cluster.yaml")
	text := "name: bench-nothing\nprovider: docker\nmanagers: [{name: m}]\nworkers: [{name: w, count: 2}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	for range b.N {
		b.StartTimer()
		err := f.command(swarmup, "apply", file, "--yes")()
		b.StopTimer()
		if err = errors.Join(err, f.command(swarmup, "destroy", file, "--yes")()); err != nil {
			b.Fatal(err)
		}
	}
}
