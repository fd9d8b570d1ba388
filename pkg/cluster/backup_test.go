package cluster_test

import (
	"archive/tar"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/backup"
)

// save plays the script that reads the swarm's folder: its engine is down meanwhile.
func (a answer) save() {
	a.down()
	w := tar.NewWriter(a)
	_ = w.WriteHeader(&tar.Header{Name: "swarm/docker-state.json", Typeflag: tar.TypeReg, Mode: 0o600, Size: 2})
	_, _ = io.WriteString(w, "{}")
	_ = w.Close()
	a.sleep(a.clock.start)
	a.launch()
}

// A backup stops one manager that is not the leader, and ends when it is one again,
// whatever becomes of what was read.
func TestABackupLeavesTheSwarmAsItWas(t *testing.T) {
	for name, full := range map[string]error{"it is kept": nil, "the disk is full": errors.New("no space left")} {
		t.Run(name, func(t *testing.T) {
			in(t, func(w *world) {
				w.file("managers: [{name: a}, {name: b}, {name: c}]")
				w.apply()
				p := w.process()
				defer p.end()
				m, err := backup.Choose(w.spec, p.see(), backup.Wish{Now: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
				if m.Node == w.leader().name {
					t.Errorf("%s is the leader", m.Node)
				}
				err = p.SaveSwarm(p.ctx, m.Node, func(from io.Reader) error {
					if _, err := io.ReadAll(from); full == nil {
						return err
					}
					return full
				})
				if !errors.Is(err, full) || full == nil && err != nil {
					t.Errorf("got %v", err)
				}
				w.settled()
				if n := w.of(m.Node).engine.Calls("GET /info"); n == 0 {
					t.Errorf("nobody asked %s how it is", m.Node)
				}
			})
		})
	}
}

func TestABackupIsWrittenAndVerified(t *testing.T) {
	file := filepath.Join(t.TempDir(), "demo.swarm")
	in(t, func(w *world) {
		w.file("managers: [{name: a}, {name: b}, {name: c}]")
		w.apply()
		p := w.process()
		defer p.end()
		m, err := backup.Choose(w.spec, p.see(), backup.Wish{Node: "c", Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := backup.Write(p.ctx, p, m, file); err != nil {
			t.Fatal(err)
		}
		got, err := backup.Open(file)
		if err != nil || got.SwarmID != w.net.Clusters()[0] || got.Node != "c" || !strings.HasPrefix(got.Address, "10.0.0.") {
			t.Errorf("got %+v, %v", got, err)
		}
		w.settled()
	})
}
