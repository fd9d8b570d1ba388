package ssh_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// A host may allow fewer sessions than a Host would use.
func TestManyCommandsRunOnAHostWithFewSessions(t *testing.T) {
	for _, most := range []int{1, 2, 10} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				now, peak := 0, 0
				h := newSite(t, sshtest.Options{Memory: true, MaxSessions: most, Exec: func(c sshtest.Command) int {
					mu.Lock()
					now++
					peak = max(peak, now)
					mu.Unlock()
					time.Sleep(5 * time.Second)
					mu.Lock()
					now--
					mu.Unlock()
					_, _ = io.WriteString(c.Stdout, c.Line)
					return 0
				}}).dial(t)
				defer func() { _ = h.Close() }()
				start := time.Now()
				var wg sync.WaitGroup
				for i := range 16 {
					wg.Go(func() {
						cmd := fmt.Sprint("echo ", i)
						if out, err := h.Run(t.Context(), cmd, nil); err != nil || out != cmd {
							t.Errorf("got %q, %v, want %q", out, err, cmd)
						}
					})
				}
				wg.Wait()
				atOnce := min(most, 8)
				if took := time.Since(start); peak != atOnce || took > time.Duration(16/atOnce)*5500*time.Millisecond {
					t.Errorf("%d at once in %s, want %d", peak, took, atOnce)
				}
			})
		})
	}
}

// Connections to an engine may hold sessions while nobody uses them.
func TestIdleConnectionsMakeRoomForCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dockerHost{socket: true}
		h := newSite(t, sshtest.Options{Memory: true, MaxSessions: 1, Forward: d.forward, Exec: d.exec}).dialAs(t, "admin")
		defer func() { _ = h.Close() }()
		for range 3 {
			conn, err := h.DialContext(t.Context(), "unix", "/run/docker.sock")
			if err != nil {
				t.Fatal(err)
			}
			spared := 0
			h.Spare(func() {
				if spared++; spared == 3 { // until then it is in use
					_ = conn.Close()
				}
			})
			if _, err := h.Run(t.Context(), "[ -S x ]", nil); err != nil || spared < 3 {
				t.Errorf("asked %d times to spare what is idle; %v", spared, err)
			}
		}
	})
}

func TestASessionIsNotWaitedForWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSite(t, sshtest.Options{Memory: true, MaxSessions: 1, Exec: func(c sshtest.Command) int {
			if c.Line == "long" {
				select {
				case <-c.Context.Done():
				case <-time.After(time.Hour):
				}
			}
			return 0
		}}).dial(t)
		defer func() { _ = h.Close() }()
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancelCause(t.Context())
		wg.Go(func() { _, _ = h.Run(ctx, "long", nil) })
		synctest.Wait()
		_, err := h.Run(t.Context(), "id", nil)
		if want := `run "id" on n1: no session was free within 2m0s, and sshd allows no more at once (MaxSessions)`; text(err) != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		short, end := context.WithTimeoutCause(t.Context(), time.Second, errCtrlC)
		defer end()
		if _, err := h.Run(short, "id", nil); !errors.Is(err, errCtrlC) {
			t.Errorf("got %v, want %v", err, errCtrlC)
		}
		wg.Go(func() {
			_, err := h.Run(t.Context(), "id", nil)
			if lost := (*ssh.LostError)(nil); !errors.As(err, &lost) {
				t.Errorf("got %v at the end of the connection", err)
			}
		})
		synctest.Wait()
		_ = h.Close()
		cancel(nil)
		wg.Wait()
	})
}

func TestAHostThatAllowsNoSessionAtAllSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, sshtest.Options{Memory: true})
		h := s.dial(t)
		defer func() { _ = h.Close() }()
		s.Misbehave(sshtest.Fault{RefuseChannels: true})
		start := time.Now()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				_, err := h.Run(t.Context(), "id", nil)
				if err == nil || !strings.HasPrefix(err.Error(), `run "id" on n1: refused by the host: connect failed (open failed)`) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("took %s", took)
		}
	})
}
