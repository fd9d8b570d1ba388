package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// answersImage is that of a service that answers on a port of its node.
const answersImage = "swarmup-e2e-answers:1"

const answers = `package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	s := &http.Server{Addr: ":8080", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("here")) })}
	go func() { _ = s.ListenAndServe() }()
	<-ctx.Done()
	ctx, done := context.WithTimeout(context.Background(), time.Second)
	defer done()
	_ = s.Shutdown(ctx)
}
`

// serve runs a service of two tasks, each on a port of its own node.
func (l *lab) serve(manager string, nodes ...string) {
	l.Helper()
	l.loadProgram(answersImage, answers, nodes...)
	l.on(manager, "docker service create --quiet --detach --no-resolve-image --name web --replicas 2 --restart-delay 1s "+
		"--publish mode=host,target=8080,published=8080 "+answersImage+" /sleep")
	eventually(l.T, time.Minute, func() error {
		total := 0
		for _, n := range l.running(manager, "web") {
			total += n
		}
		if total != 2 {
			return fmt.Errorf("%d of 2 tasks run", total)
		}
		return nil
	})
}

// prober asks a service again and again, on all nodes, as a client behind a load
// balancer would.
type prober struct {
	asked, failed int
	first         string // when it was that nobody answered for the first time
	stop          context.CancelFunc
	wg            sync.WaitGroup
}

// probe begins to ask five times a second. A probe fails if no node answers within
// a second.
func (l *lab) probe(nodes ...string) *prober {
	l.Helper()
	var urls []string
	for _, n := range nodes {
		urls = append(urls, "http://"+net.JoinHostPort(l.address(n), "8080")+"/")
	}
	ctx, stop := context.WithCancel(l.Context())
	p := &prober{stop: stop}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	p.wg.Go(func() {
		began := time.Now()
		for ctx.Err() == nil {
			p.asked++
			if !anyAnswers(ctx, client, urls) && ctx.Err() == nil {
				if p.failed++; p.first == "" {
					p.first = time.Since(began).Round(time.Millisecond).String()
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	})
	l.Cleanup(p.end)
	return p
}

func (p *prober) end() {
	p.stop()
	p.wg.Wait()
}

// anyAnswers asks all at once, again and again for a second.
func anyAnswers(ctx context.Context, client *http.Client, urls []string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for ctx.Err() == nil {
		good := make(chan bool, len(urls))
		for _, u := range urls {
			go func() { good <- answersAt(ctx, client, u) }()
		}
		found := false
		for range urls {
			if <-good {
				found = true
				cancel() // the others need not be waited for
			}
		}
		if found {
			return true
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return false
}

func answersAt(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(resp.Body)
	return string(body) == "here"
}

// wanted are probes of which none failed.
func (l *lab) wanted(p *prober) {
	l.Helper()
	p.end()
	l.Logf("%d probes, %d failed", p.asked, p.failed)
	if p.failed > 0 || p.asked == 0 {
		l.Errorf("%d of %d probes failed, the first one after %s", p.failed, p.asked, p.first)
	}
}

// availability gives what each node has.
func (l *lab) availability(manager string) string {
	l.Helper()
	return l.on(manager, "docker node ls --format '{{.Hostname}}={{.Availability}}' | sort")
}

// A setting that needs a restart rolls: a service of two tasks always has one that
// answers, and each node has the availability that it had before.
func TestASettingRollsUnderAService(t *testing.T) {
	l := newLab(t)
	const file = "name: NAME\nprovider: docker\nmanagers: [{name: m, count: 3}]\nworkers: [{name: w, count: 2}]\n"
	all := []string{"m1", "m2", "m3", "w1", "w2"}
	l.write("cluster.yaml", file)
	l.must("apply")
	l.on("m1", "docker node update --availability pause w2 && docker node update --availability drain m2")
	l.serve("m1", all...)
	before := l.availability("m1")
	l.write("cluster.yaml", file+"engine: {daemon: {log-driver: local}}\n")
	p := l.probe(all...)
	r := l.must("apply")
	l.wanted(p)
	t.Logf("the roll took %s", r.took)
	if got := l.availability("m1"); got != before {
		t.Errorf("got\n%s\nwant\n%s", got, before)
	}
	for _, n := range all {
		if got := l.on(n, "docker info --format '{{.LoggingDriver}}'"); got != "local" {
			t.Errorf("%s logs by %s", n, got)
		}
	}
	if out := l.on("m1", "docker node inspect --format '{{.Spec.Labels}}' "+strings.Join(all, " ")); strings.Contains(out, "prev-availability") {
		t.Errorf("labels are left: %s", out)
	}
	if r := l.must("plan", "--detailed-exitcode"); r.code != 0 {
		t.Errorf("a second plan: %s", r)
	}
}
