package cluster_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/apply"
)

func TestDbg(t *testing.T) {
	s := story{
		From: "managers: [{name: c}, {name: a, labels: {zone: y}, engine_labels: {disk: hdd}}]\nworkers: [{name: d}, {name: e, labels: {zone: y}, engine_labels: {disk: ssd}}]",
		To: "managers: [{name: d, availability: active}]\nworkers: [{name: a, labels: {zone: y}, engine_labels: {disk: hdd}}]",
		Cut: 12, Mishaps: []mishap{{14, 0, "cut", 60 * time.Second}, {1, 9, "mute", time.Second}, {5, 9, "off", 5 * time.Second}},
	}
	for i := range 400 {
		home := t.TempDir() + "/demo"
		var err error
		out := ""
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, home)
			defer w.net.Close()
			w.file(s.From)
			if err = w.try(); err != nil {
				return
			}
			w.file(s.To)
			s.run(w)
			time.Sleep(2 * time.Minute)
			p := w.process()
			defer p.end()
			for _, n := range w.net.Nodes() { out += fmt.Sprintf("%s %s %v %s\n", n.Hostname, n.Role, n.Manager, n.State) }
			began := time.Now()
			p.watch = func(r apply.Result) { out += fmt.Sprintf("%s %s %s %v\n", time.Since(began), r.Step.ID, r.Status, r.Err) }
			for range 3 {
				st := p.see()
				for _, h := range st.Hosts { out += fmt.Sprintf("host %s %s %s %s %v %s %s\n", h.Node, h.Machine.Name, h.Answer, h.Why, h.Info.Manager, h.Info.State, h.Cert.Role) }
				pl := plan.Diff(w.spec, st, plan.Options{})
				out += text(pl) + "\n"
				r := apply.Run(p.ctx, pl, 16, p.Do, p.watch)
				err = r.Err()
				if err != nil || !pl.Partial { break }
			}
		})
		if err != nil {
			t.Fatalf("%d: %v\n%s", i, err, out)
		}
	}
}
