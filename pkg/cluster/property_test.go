package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// story is what happens to a cluster. It is drawn before anything happens, so
// that a story that ends badly can be told again, and shorter.
type story struct {
	From, To string // the files
	Mishaps  []mishap
	// Cut is the moment (steps that have begun or ended) at which the run is
	// interrupted or, where Kill is, killed; 0 is never.
	Cut  int
	Kill bool
	// Replace are nodes whose machines are to be new ones.
	Replace []string
}

// A mishap comes at some moment to some machine, and goes again.
type mishap struct {
	Moment, Machine int
	What            string
	Lasts           time.Duration
}

func drawStory(t *rapid.T) story {
	s := story{From: drawFile(t, "from"), To: drawFile(t, "to"), Cut: rapid.IntRange(0, 40).Draw(t, "cut"), Kill: rapid.Bool().Draw(t, "kill")}
	for _, n := range []string{"a", "b", "c"} {
		if strings.Contains(s.To, "name: "+n) && rapid.IntRange(0, 3).Draw(t, "replace "+n) == 0 {
			s.Replace = append(s.Replace, n)
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "mishaps") {
		s.Mishaps = append(s.Mishaps, mishap{
			Moment: rapid.IntRange(1, 40).Draw(t, "moment"), Machine: rapid.IntRange(0, 9).Draw(t, "machine"),
			What:  rapid.SampledFrom([]string{"refuse", "mute", "kick", "cut", "kill", "hide", "off", "race", "rotate"}).Draw(t, "what"),
			Lasts: time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second,
		})
	}
	return s
}

// drawFile gives a file of one to three managers and up to two workers. Names
// are few, so that the nodes of two files overlap and change their roles; a is in
// all, since a file without any of the cluster's machines is refused. Only the
// last file says something of availability: what is left out is left as it is.
func drawFile(t *rapid.T, label string) string {
	managers := rapid.IntRange(1, 3).Draw(t, label+" managers")
	workers := rapid.IntRange(0, 2).Draw(t, label+" workers")
	names := rapid.Permutation([]string{"b", "c", "d", "e"}).Draw(t, label)
	names = slices.Insert(names, rapid.IntRange(0, managers+workers-1).Draw(t, "place of a"), "a")
	var lines []string
	for _, n := range names[:managers+workers] {
		line := "{name: " + n
		if rapid.Bool().Draw(t, "labelled") {
			line += ", labels: {zone: " + rapid.SampledFrom([]string{"x", "y"}).Draw(t, "zone") + "}, engine_labels: {disk: " +
				rapid.SampledFrom([]string{"ssd", "hdd"}).Draw(t, "disk") + "}"
		}
		if a := rapid.SampledFrom([]string{"", "", "active", "drain", "pause"}).Draw(t, "availability"); a != "" && label == "to" {
			line += ", availability: " + a
		}
		lines = append(lines, line+"}")
	}
	file := "managers: [" + strings.Join(lines[:managers], ", ") + "]\nworkers: [" + strings.Join(lines[managers:], ", ") + "]"
	if label == "to" {
		file += rapid.SampledFrom([]string{"", "", "\nengine: {daemon: {log-driver: local}}", "\nengine: {version: '29.1'}"}).Draw(t, "engine")
	}
	return file
}

// Whatever the files, whenever the run is cut short, and whatever trouble there
// was: once it is over, an apply makes the world exactly what the file says, and
// no promise was broken on the way.
func TestEveryStoryEndsWell(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := drawStory(r)
		home := t.TempDir() + "/demo"
		var err error
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, home)
			defer w.net.Close()
			err = s.tell(w)
		})
		if err != nil {
			r.Fatalf("%v", err)
		}
	})
}

func (s story) tell(w *world) error {
	w.offers = []string{"28.5.2", "29.1.0"}
	w.file(strings.Replace(s.From, "\nworkers", "\nengine: {version: '28'}\nworkers", 1))
	if err := w.try(); err != nil {
		return fmt.Errorf("the first apply: %w", err)
	}
	if err := w.rests(); err != nil {
		return fmt.Errorf("after the first apply: %w", err)
	}
	w.file(s.To)
	s.run(w)
	time.Sleep(2 * time.Minute) // all is well again, and the swarm has noticed
	if c := w.net.Clusters(); len(c) > 1 {
		return fmt.Errorf("%d swarms", len(c))
	}
	if err := w.try(); err != nil {
		return fmt.Errorf("the last apply: %w", err)
	}
	return w.rests()
}

// run applies the file while all that goes wrong goes wrong.
func (s story) run(w *world) {
	p := w.process()
	defer p.end()
	moment := 0
	p.watch = func(apply.Result) {
		moment++
		for _, t := range s.Mishaps {
			if t.Moment == moment {
				t.come(w)
			}
		}
		switch {
		case moment != s.Cut:
		case s.Kill:
			p.kill()
		default:
			p.stop(errInterrupted)
		}
	}
	_, _, _ = p.rounds(plan.Options{Replace: s.Replace})
}

// come lets it happen.
func (t mishap) come(w *world) {
	w.mu.Lock()
	m := w.machines[t.Machine%len(w.machines)]
	w.mu.Unlock()
	m.mu.Lock()
	e, runs := m.engine, m.running
	m.mu.Unlock()
	after := func(end func()) { time.AfterFunc(t.Lasts, end) }
	switch {
	case t.What == "refuse":
		m.sshd.Misbehave(sshtest.Fault{Refuse: true})
		after(func() { m.heal() })
	case t.What == "mute":
		m.sshd.Misbehave(muted())
		after(func() { m.sshd.Kick(); m.heal() })
	case t.What == "kick":
		m.sshd.Kick()
	case t.What == "off":
		go w.stop(m)
	case t.What == "race":
		w.net.Race(2)
	case t.What == "rotate":
		w.net.RotateTokens()
	case !runs:
	case t.What == "cut":
		e.SetCut(true)
		after(func() {
			e.SetCut(false)
			m.restart() // engines of the world hear of a demotion that they missed only then
		})
	case t.What == "kill":
		m.halt()
		after(func() { m.bring("") })
	case t.What == "hide":
		e.SetHidden(true)
		after(func() { e.SetHidden(false) })
	}
}

// stop switches a machine off, if the provider has it.
func (w *world) stop(m *machine) {
	list, _ := w.cloud.List(context.Background(), "demo")
	for _, x := range list {
		if x.Address == m.addr {
			_ = w.cloud.Stop(context.Background(), x)
		}
	}
}
