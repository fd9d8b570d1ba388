package docker

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// BenchmarkMachines measures, from the request on, until all machines run, show
// their host key, and have an engine that answers.
func BenchmarkMachines(b *testing.B) {
	for _, n := range []int{3, 7} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var total milestones
			for range b.N {
				total.add(measure(b, newLab(b, Settings{}), n))
			}
			for name, d := range map[string]time.Duration{"create": total.created, "login": total.login, "engine": total.engine} {
				b.ReportMetric(d.Seconds()/float64(b.N), "s/"+name)
			}
		})
	}
}

// milestones are when the last machine had got there.
type milestones struct{ created, login, engine time.Duration }

func (m *milestones) add(o milestones) {
	m.created, m.login, m.engine = m.created+o.created, m.login+o.login, m.engine+o.engine
}

func measure(b *testing.B, l *lab, n int) milestones {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
	defer cancel()
	reached, errs := make([]milestones, n), make([]error, n)
	start := time.Now()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { reached[i], errs[i] = l.raise(ctx, l.request(fmt.Sprintf("n%d", i+1)), start) })
	}
	wg.Wait()
	var last milestones
	for i, r := range reached {
		if errs[i] != nil {
			b.Fatal(errs[i])
		}
		last = milestones{max(last.created, r.created), max(last.login, r.login), max(last.engine, r.engine)}
	}
	return last
}

// raise makes one machine and follows it until its engine answers.
func (l *lab) raise(ctx context.Context, req provider.Request, start time.Time) (at milestones, err error) {
	m, err := l.Create(ctx, req)
	if err != nil {
		return at, err
	}
	at.created = time.Since(start)
	h, err := ssh.Dial(ctx, ssh.Target{Host: m.SSH.Host, Port: m.SSH.Port, User: m.SSH.User, HostKey: m.HostKey},
		ssh.Options{Key: l.key, Patience: 30 * time.Second})
	if err != nil {
		return at, err
	}
	defer func() { _ = h.Close() }()
	at.login = time.Since(start)
	_, err = h.Run(ctx, "until docker version >/dev/null 2>&1; do sleep 0.05; done", nil)
	at.engine = time.Since(start)
	return at, err
}
